//! The form of a cron expression. The library that evaluates them takes more than is meant: `*/90` minutes for every full
//! hour, `MON` for the first minute, nothing between two commas.

const MONTHS: [&str; 12] = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/// How many fields there are.
pub(super) const FIELD_COUNT: usize = FIELDS.len();

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

/// Whether these are minute, hour, day of month, month and day of week.
pub(super) fn is_cron(fields: &[&str]) -> bool {
    fields.len() == FIELD_COUNT && FIELDS.iter().zip(fields).all(|(field, text)| field.accepts(text))
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
pub(super) fn number(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}
