//! When a connection synchronises by itself, as it is written.

use store::Schedule;

use super::collect::Checked;

/// The schedule with single spaces.
pub(crate) fn normalise(text: &str) -> Checked<String> {
    match text.parse::<Schedule>() {
        Ok(schedule) => Ok(schedule.to_string()),
        Err(error) => Err(error.to_string().into()),
    }
}
