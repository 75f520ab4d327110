//! The form of a cron expression. The library that evaluates them takes more than is meant: `*/90` minutes for every full
//! hour, `MON` for the first minute, nothing between two commas.

use std::collections::BTreeSet;

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

/// The days of the week of a field that has the right form, with Sunday as 0 only: the library takes 7 for Sunday where it
/// stands alone, but not in a range.
pub(super) fn weekdays(text: &str) -> String {
    let Some(field) = FIELDS.last().filter(|_| text.contains('7')) else { return text.to_owned() };
    let days: BTreeSet<u32> = text.split(',').flat_map(|item| field.values(item)).map(|day| day % 7).collect();
    days.iter().map(u32::to_string).collect::<Vec<_>>().join(",")
}

impl Field {
    /// What an item that is accepted stands for.
    fn values(&self, item: &str) -> impl Iterator<Item = u32> + use<> {
        let (range, step) = item.split_once('/').map_or((item, None), |(range, step)| (range, number(step)));
        let (first, last) = match range.split_once('-') {
            Some((first, last)) => (self.value(first), self.value(last)),
            None if range == "*" => (Some(self.least), Some(self.most - 1)),
            None => (self.value(range), self.value(range)),
        };
        let values = first.zip(last).map(|(first, last)| first..=last);
        let step = step.and_then(|step| usize::try_from(step).ok()).filter(|step| *step > 0).unwrap_or(1);
        values.into_iter().flatten().step_by(step)
    }

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

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("MON-FRI", "MON-FRI")]
    #[case("7", "0")]
    #[case("0-7", "0,1,2,3,4,5,6")]
    #[case("5-7", "0,5,6")]
    #[case("SUN,SUN,0-7", "0,1,2,3,4,5,6")]
    #[case("1-7/3", "0,1,4")]
    #[case("*/7", "0")]
    fn sunday_is_also_seven(#[case] text: &str, #[case] days: &str) {
        assert!(is_cron(&["0", "0", "*", "*", text]));
        assert_eq!(weekdays(text), days);
    }
}
