//! The form of a schedule: `every 15m`, or a cron expression of five fields.

use super::collect::Checked;

const EXPECTED: &str =
    "must be `every N` followed by m, h or d (such as `every 15m`, at most 366d) or a cron expression of five fields";
const MINUTES_PER_DAY: u32 = 24 * 60;
const MAX_MINUTES: u32 = 366 * MINUTES_PER_DAY;
const MONTHS: [&str; 12] = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/// One field of a cron expression.
struct Field {
    least: u32,
    most: u32,
    /// Names for the numbers from `least` on.
    names: &'static [&'static str],
}

const FIELDS: [Field; 5] = [
    Field { least: 0, most: 59, names: &[] },
    Field { least: 0, most: 23, names: &[] },
    Field { least: 1, most: 31, names: &[] },
    Field { least: 1, most: 12, names: &MONTHS },
    // Sunday is 0 and 7.
    Field { least: 0, most: 7, names: &WEEKDAYS },
];

/// The schedule with single spaces.
pub(crate) fn normalise(text: &str) -> Checked<String> {
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    let known = match words.as_slice() {
        ["every", interval] => is_interval(interval),
        fields => fields.len() == FIELDS.len() && FIELDS.iter().zip(fields).all(|(field, text)| field.accepts(text)),
    };
    if known { Ok(words.join(" ")) } else { Err(EXPECTED.into()) }
}

fn is_interval(text: &str) -> bool {
    let minutes_per_unit = match text.as_bytes().last() {
        Some(b'm') => 1,
        Some(b'h') => 60,
        Some(b'd') => MINUTES_PER_DAY,
        _ => return false,
    };
    number(&text[..text.len() - 1])
        .and_then(|count| count.checked_mul(minutes_per_unit))
        .is_some_and(|minutes| (1..=MAX_MINUTES).contains(&minutes))
}

impl Field {
    fn accepts(&self, text: &str) -> bool {
        text.split(',').all(|item| self.accepts_item(item))
    }

    /// `*`, a value or a range, each with a step if need be.
    fn accepts_item(&self, item: &str) -> bool {
        let (range, step) = item.split_once('/').map_or((item, None), |(range, step)| (range, Some(step)));
        let step_fits = step.is_none_or(|step| number(step).is_some_and(|step| (1..=self.most).contains(&step)));
        let range_fits = match range.split_once('-') {
            Some((first, last)) => self.value(first).zip(self.value(last)).is_some_and(|(first, last)| first <= last),
            None if range == "*" => true,
            // A step needs something to step through.
            None => step.is_none() && self.value(range).is_some(),
        };
        step_fits && range_fits
    }

    fn value(&self, text: &str) -> Option<u32> {
        let named = (self.least..).zip(self.names).find(|(_, name)| name.eq_ignore_ascii_case(text));
        let value = named.map(|(value, _)| value).or_else(|| number(text))?;
        (self.least..=self.most).contains(&value).then_some(value)
    }
}

/// Digits only: `parse` would take a sign.
fn number(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_and_cron_expressions_are_taken() {
        for good in [
            "every 1m",
            "every 15m",
            "every 6h",
            "every 366d",
            "* * * * *",
            "0 3 * * *",
            "*/15 8-18 * * MON-FRI",
            "0,30 0-23/2 1,15 jan-jun,DEC 0",
            "59 23 31 12 7",
        ] {
            assert_eq!(normalise(good), Ok(good.to_owned()));
        }
        assert_eq!(normalise("  every\t 15m "), Ok("every 15m".to_owned()));
        assert_eq!(normalise(" 0  3 * * * "), Ok("0 3 * * *".to_owned()));
    }

    #[test]
    fn anything_else_is_refused() {
        for bad in [
            "",
            "every",
            "every m",
            "every 0m",
            "every 15",
            "every 15s",
            "every -5m",
            "every +5m",
            "every 1.5h",
            "every 367d",
            "every 99999999999999999999m",
            "every 4294967295d",
            "every 15m 15m",
            "every 5é",
            "15m",
            "hourly",
            "@daily",
            "0 3 * *",
            "0 3 * * * *",
            "60 * * * *",
            "* 24 * * *",
            "* * 0 * *",
            "* * 32 * *",
            "* * * 0 *",
            "* * * 13 *",
            "* * * * 8",
            "* * * FOO *",
            "*/0 * * * *",
            "*/60 * * * *",
            "5/15 * * * *",
            "30-10 * * * *",
            "1-2-3 * * * *",
            "1,,2 * * * *",
            "*- * * * *",
            "/5 * * * *",
            "+1 * * * *",
            "MON * * * *",
        ] {
            assert_eq!(normalise(bad), Err(EXPECTED.into()), "{bad}");
        }
    }
}
