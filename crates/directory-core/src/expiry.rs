//! How near the end of a credential is. Whoever speaks of it asks here, so that all of them say the same.

use std::time::{Duration, SystemTime};

use serde::Serialize;

/// What to warn of; the nearer the end, the greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ExpiryWarning {
    /// It ends within 30 days.
    #[serde(rename = "expires_in_30_days")]
    Days30,
    /// It ends within 7 days.
    #[serde(rename = "expires_in_7_days")]
    Days7,
    /// It ends within a day.
    #[serde(rename = "expires_in_1_day")]
    Day1,
    /// It has ended.
    Expired,
}

impl ExpiryWarning {
    /// Every warning, the mildest first.
    pub const ALL: [Self; 4] = [Self::Days30, Self::Days7, Self::Day1, Self::Expired];

    /// An end that is further away is nothing to speak of yet.
    pub const HORIZON: Duration = Self::Days30.within();

    /// The warning about a credential that ends at this time, `None` while there is time enough. A credential ends with the
    /// moment that it is said to end at.
    #[must_use]
    pub fn of(expires_at: SystemTime, now: SystemTime) -> Option<Self> {
        let Ok(left) = expires_at.duration_since(now) else { return Some(Self::Expired) };
        Self::ALL.into_iter().rev().find(|warning| left <= warning.within())
    }

    /// The word in the API and the log.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Days30 => "expires_in_30_days",
            Self::Days7 => "expires_in_7_days",
            Self::Day1 => "expires_in_1_day",
            Self::Expired => "expired",
        }
    }

    /// How much time is left at most.
    const fn within(self) -> Duration {
        match self {
            Self::Days30 => Duration::from_hours(30 * 24),
            Self::Days7 => Duration::from_hours(7 * 24),
            Self::Day1 => Duration::from_hours(24),
            Self::Expired => Duration::ZERO,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: SystemTime = SystemTime::UNIX_EPOCH;
    const MOMENT: Duration = Duration::from_nanos(1);

    fn days(count: u64) -> Duration {
        Duration::from_hours(count * 24)
    }

    #[test]
    fn each_warning_begins_with_its_last_moment() {
        for (left, at, before) in [
            (days(30), Some(ExpiryWarning::Days30), None),
            (days(7), Some(ExpiryWarning::Days7), Some(ExpiryWarning::Days30)),
            (days(1), Some(ExpiryWarning::Day1), Some(ExpiryWarning::Days7)),
            (Duration::ZERO, Some(ExpiryWarning::Expired), Some(ExpiryWarning::Day1)),
        ] {
            assert_eq!(ExpiryWarning::of(NOW + left, NOW), at, "{left:?}");
            assert_eq!(ExpiryWarning::of(NOW + left + MOMENT, NOW), before, "{left:?} and a moment");
        }
        assert_eq!(ExpiryWarning::of(NOW + days(36_500), NOW), None);
    }

    #[test]
    fn what_has_ended_stays_ended() {
        for ago in [MOMENT, days(1), days(36_500)] {
            assert_eq!(ExpiryWarning::of(NOW, NOW + ago), Some(ExpiryWarning::Expired), "{ago:?}");
        }
    }

    #[test]
    fn the_horizon_is_where_warnings_begin() {
        assert!(ExpiryWarning::of(NOW + ExpiryWarning::HORIZON, NOW).is_some());
        assert!(ExpiryWarning::of(NOW + ExpiryWarning::HORIZON + MOMENT, NOW).is_none());
        assert!(ExpiryWarning::ALL.is_sorted());
    }
}
