//! Lengths of time as people type them.

use chrono::TimeDelta;

const MAX_DAYS: i64 = 3650;

/// `90d`, `12h` or `30m`: more than nothing, and at most ten years.
pub(crate) fn parse(text: &str) -> Result<TimeDelta, String> {
    let of = |number: &str, unit: fn(i64) -> Option<TimeDelta>| {
        let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        number.parse().ok().filter(|_| digits).and_then(unit)
    };
    let length = match text.split_at_checked(text.len().saturating_sub(1)) {
        Some((number, "d")) => of(number, TimeDelta::try_days),
        Some((number, "h")) => of(number, TimeDelta::try_hours),
        Some((number, "m")) => of(number, TimeDelta::try_minutes),
        _ => None,
    };
    length
        .filter(|&length| length > TimeDelta::zero() && length.num_days() <= MAX_DAYS)
        .ok_or_else(|| format!("a length of time is a number and d, h or m, such as 90d, and at most {MAX_DAYS}d"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_hours_and_minutes_are_read() {
        assert_eq!(parse("90d").unwrap(), TimeDelta::days(90));
        assert_eq!(parse("12h").unwrap(), TimeDelta::hours(12));
        assert_eq!(parse("30m").unwrap(), TimeDelta::minutes(30));
        assert_eq!(parse("3650d").unwrap(), TimeDelta::days(3650));
    }

    #[test]
    fn anything_else_is_refused() {
        for bad in
            ["", "d", "90", "0d", "-1d", "+1d", "1.5h", "1 d", "90D", "1w", "3651d", "9223372036854775807d", "1é"]
        {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
