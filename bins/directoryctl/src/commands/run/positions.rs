//! Positions of changes as they are typed: numbers and ranges, such as `1,4,7-12`.

use std::{ops::RangeInclusive, str::FromStr};

/// More than anybody chooses by hand; a slip such as `1-4000000000` ends here.
const MAX_POSITIONS: u64 = 100_000;

/// Positions in a plan, ascending, each once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Positions(pub(crate) Vec<u32>);

impl FromStr for Positions {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let ranges = text.split(',').map(range).collect::<Option<Vec<_>>>();
        let ranges = ranges.ok_or("expected positions and ranges of them, from 1, such as 1,4,7-12")?;
        let count: u64 = ranges.iter().map(|range| u64::from(range.end() - range.start()) + 1).sum();
        if count > MAX_POSITIONS {
            return Err(format!("these are {count} positions; at most {MAX_POSITIONS} can be named"));
        }
        let mut positions: Vec<u32> = ranges.into_iter().flatten().collect();
        positions.sort_unstable();
        positions.dedup();
        Ok(Self(positions))
    }
}

/// A position, or the first and the last of a range.
fn range(text: &str) -> Option<RangeInclusive<u32>> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (position(first)?, position(last)?);
    (first <= last).then_some(first..=last)
}

/// Digits only: `parse` would take a sign.
fn position(text: &str) -> Option<u32> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten().filter(|position| *position > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_ranges_are_taken_in_any_order_and_once() {
        for (text, expected) in [
            ("1", &[1][..]),
            ("1,4,7-12", &[1, 4, 7, 8, 9, 10, 11, 12]),
            ("5,1-3,2,5-5", &[1, 2, 3, 5]),
            ("007", &[7]),
            ("4294967295", &[u32::MAX]),
            ("4294967294-4294967295", &[u32::MAX - 1, u32::MAX]),
        ] {
            assert_eq!(text.parse(), Ok(Positions(expected.to_vec())), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            ",",
            "1,",
            ",1",
            "1,,2",
            "0",
            "0-3",
            "-",
            "1-",
            "-1",
            "3-1",
            "1-2-3",
            "+1",
            "1.5",
            "1 ",
            "1, 2",
            "a",
            "1;2",
            "٣",
            "4294967296",
            "99999999999999999999",
        ] {
            assert!(text.parse::<Positions>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn their_number_is_bounded_before_they_are_counted_out() {
        assert_eq!("1-100000".parse::<Positions>().map(|positions| positions.0.len()), Ok(100_000));
        for text in ["1-100001", "1-100000,5", "1-4294967295,1-4294967295"] {
            let error = text.parse::<Positions>().unwrap_err();
            assert!(error.contains("100000"), "{text}: {error}");
        }
    }
}
