//! `Retry-After`, in seconds or as a date.

#![no_main]

use std::time::{Duration, SystemTime};

use libfuzzer_sys::fuzz_target;
use provider_entra::fuzzing;

/// 2026-01-01T00:00:00Z.
const NOW: Duration = Duration::from_hours(490_896);
const LONGEST_MEANT: Duration = Duration::from_hours(7 * 24);

fuzz_target!(|value: &str| {
    let now = SystemTime::UNIX_EPOCH + NOW;
    let wait = fuzzing::retry_after(value, now);
    assert!(wait.is_none_or(|wait| wait <= LONGEST_MEANT), "{wait:?}");
    // White space around it says nothing, and whole seconds mean themselves.
    assert_eq!(fuzzing::retry_after(&format!(" {value} "), now), wait);
    if let Some(seconds) = value.parse::<u32>().ok().filter(|_| !value.starts_with('+')) {
        assert_eq!(wait, Some(Duration::from_secs(seconds.into()).min(LONGEST_MEANT)));
    }
    // What is a wait now is none long after it, if it is a date.
    if value.contains("GMT") {
        assert!(
            fuzzing::retry_after(value, now + Duration::from_hours(24 * 366 * 9000)).is_none_or(|wait| wait.is_zero())
        );
    }
});
