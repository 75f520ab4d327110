//! The names of what is measured here. Where it goes is the program's choice; without one it goes nowhere.

/// Gauge: connections whose credential has ended or ends within the time that the label `within` says, each counted once,
/// under the nearest of `expired`, `1d`, `7d` and `30d`. Of all tenants, as of the last look.
pub(crate) const CREDENTIALS_EXPIRING: &str = "directory_credentials_expiring";
