//! The form of a cron expression. The library that evaluates them takes more than is meant: `*/90` minutes for every full
//! hour, `MON` for the first minute, nothing between two commas.

use std::collections::BTreeSet;

const MONTHS: [&str; 12] = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

const SATURDAY: u32 = 6;

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

/// Fields of the right form in words that the library takes: it knows no `*` in a list, and 7 for Sunday only where it stands
/// alone.
pub(super) fn plain(fields: &[&str]) -> String {
    let plain: Vec<String> = FIELDS.iter().zip(fields).map(|(field, text)| field.plain(text)).collect();
    plain.join(" ")
}

impl Field {
    /// What an item that is accepted stands for.
    fn values(&self, item: &str) -> impl Iterator<Item = u32> + use<> {
        let (range, step) = item.split_once('/').map_or((item, None), |(range, step)| (range, number(step)));
        let (first, last) = match range.split_once('-') {
            Some((first, last)) => (self.value(first), self.value(last)),
            None if range == "*" => (Some(self.least), Some(if self.is_weekday() { SATURDAY } else { self.most })),
            None => (self.value(range), self.value(range)),
        };
        let values = first.zip(last).map(|(first, last)| first..=last);
        let step = step.and_then(|step| usize::try_from(step).ok()).filter(|step| *step > 0).unwrap_or(1);
        values.into_iter().flatten().step_by(step)
    }

    fn plain(&self, text: &str) -> String {
        if text.split(',').any(|item| item == "*") {
            return "*".to_owned();
        }
        let as_it_is = !text.contains(',') && (!self.is_weekday() || !text.contains('7'));
        if as_it_is {
            return text.to_owned();
        }
        let number = |value: u32| if self.is_weekday() { value % 7 } else { value };
        let values: BTreeSet<u32> = text.split(',').flat_map(|item| self.values(item)).map(number).collect();
        values.iter().map(u32::to_string).collect::<Vec<_>>().join(",")
    }

    fn is_weekday(&self) -> bool {
        self.names.len() == WEEKDAYS.len()
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
    #[case("0 3 * * MON-FRI", "0 3 * * MON-FRI")]
    #[case("0 0 * * 7", "0 0 * * 0")]
    #[case("0 0 * * 0-7", "0 0 * * 0,1,2,3,4,5,6")]
    #[case("0 0 * * 1-7/3", "0 0 * * 0,1,4")]
    #[case("*/7 0 * * */7", "*/7 0 * * 0")]
    #[case("*/58,54 12-19 14-30,*,*/3 * SUN,SUN,0-7", "0,54,58 12-19 * * 0,1,2,3,4,5,6")]
    #[case("0 0 1 JAN,mar-MAY *", "0 0 1 1,3,4,5 *")]
    fn fields_are_said_in_plain_words(#[case] text: &str, #[case] plainly: &str) {
        let fields: Vec<&str> = text.split(' ').collect();
        assert!(is_cron(&fields));
        assert_eq!(plain(&fields), plainly);
    }
}
