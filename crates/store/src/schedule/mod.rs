//! When a connection synchronises by itself: `every 15m`, or a cron expression, with or without a time zone.
//!
//! A schedule is a pure function from a moment to the next one. The clock is the caller's.

mod cron_form;

use std::{fmt, str::FromStr};

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use croner::{
    Cron,
    parser::{CronParser, Seconds, Year},
};
use directory_core::ConnectionId;

use self::cron_form::{FIELD_COUNT, is_cron, number, plain};

const MINUTES_PER_DAY: u32 = 24 * 60;
const MAX_MINUTES: u32 = 366 * MINUTES_PER_DAY;

/// A connection starts this much late at most, and by no more than a tenth of the time to the next start.
const MAX_LATENESS: TimeDelta = TimeDelta::minutes(10);
const SHARE_OF_INTERVAL: i32 = 10;

/// Any moment: an expression without a time after it has none at all.
const SOME_MOMENT: DateTime<Utc> = DateTime::UNIX_EPOCH;

/// When a connection synchronises by itself.
#[derive(Clone, Debug)]
pub struct Schedule {
    text: String,
    rule: Rule,
}

#[derive(Clone, Debug)]
enum Rule {
    Every(TimeDelta),
    Cron { cron: Box<Cron>, zone: Tz },
}

/// Why a text is no schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// Neither of the two forms.
    #[error(
        "must be `every N` followed by m, h or d (such as `every 15m`, at most 366d) or a cron expression of five \
         fields, which a time zone may follow (such as `0 3 * * MON-FRI Europe/Berlin`)"
    )]
    Form,
    /// The cron expression is followed by something else than a time zone.
    #[error("names no time zone that is known: use a name such as Europe/Berlin, or none for UTC")]
    Zone,
    /// The thirty-first of February, say.
    #[error("is never due: no date fits it")]
    Never,
}

impl FromStr for Schedule {
    type Err = ScheduleError;

    /// Reads a schedule. Spaces between its words do not matter.
    fn from_str(text: &str) -> Result<Self, ScheduleError> {
        let words: Vec<&str> = text.split_ascii_whitespace().collect();
        let rule = match words.as_slice() {
            ["every", interval] => Rule::Every(self::interval(interval).ok_or(ScheduleError::Form)?),
            fields if fields.len() == FIELD_COUNT => Rule::cron(fields, Tz::UTC)?,
            [fields @ .., zone] if fields.len() == FIELD_COUNT => {
                Rule::cron(fields, zone.parse().map_err(|_| ScheduleError::Zone)?)?
            }
            _ => return Err(ScheduleError::Form),
        };
        Ok(Self { text: words.join(" "), rule })
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Schedule {
    /// The first moment after `after` at which this connection is due; `None` only at the end of the calendar.
    ///
    /// Connections of one schedule are spread, each always by the same amount: those of an interval over all of it, those
    /// of a cron expression over the tenth of the time to its next moment, ten minutes at most.
    #[must_use]
    pub fn next(&self, after: DateTime<Utc>, connection: ConnectionId) -> Option<DateTime<Utc>> {
        match &self.rule {
            Rule::Every(interval) => {
                let shift = TimeDelta::seconds(spread(connection, *interval));
                let seconds = interval.num_seconds();
                let passed = (after - shift).timestamp().div_euclid(seconds);
                let next = passed.checked_add(1)?.checked_mul(seconds)?;
                DateTime::from_timestamp(next, 0)?.checked_add_signed(shift)
            }
            Rule::Cron { cron, zone } => {
                // A moment that has passed may still be ahead of this connection.
                let mut moment = next_moment(cron, *zone, after.checked_sub_signed(MAX_LATENESS)?, true)?;
                loop {
                    let following = next_moment(cron, *zone, moment, false)?;
                    let window = ((following - moment) / SHARE_OF_INTERVAL).min(MAX_LATENESS);
                    let due = moment.checked_add_signed(TimeDelta::seconds(spread(connection, window)))?;
                    if due > after {
                        return Some(due);
                    }
                    moment = following;
                }
            }
        }
    }
}

impl Rule {
    fn cron(fields: &[&str], zone: Tz) -> Result<Self, ScheduleError> {
        if !is_cron(fields) {
            return Err(ScheduleError::Form);
        }
        let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
        let cron = parser.parse(&plain(fields)).map_err(|_| ScheduleError::Form)?;
        next_moment(&cron, zone, SOME_MOMENT, true).ok_or(ScheduleError::Never)?;
        Ok(Self::Cron { cron: Box::new(cron), zone })
    }
}

fn next_moment(cron: &Cron, zone: Tz, from: DateTime<Utc>, inclusive: bool) -> Option<DateTime<Utc>> {
    let next = cron.find_next_occurrence(&from.with_timezone(&zone), inclusive).ok()?;
    Some(next.with_timezone(&Utc))
}

/// Whole seconds below `window`, the same for a connection each time. The ids' last half is random already.
pub(crate) fn spread(connection: ConnectionId, window: TimeDelta) -> i64 {
    let (_, random) = connection.0.as_u64_pair();
    let seconds = u64::try_from(window.num_seconds()).unwrap_or(0).max(1);
    // Below a number of seconds that was an i64.
    i64::try_from(random % seconds).unwrap_or(0)
}

fn interval(text: &str) -> Option<TimeDelta> {
    let unit = text.chars().next_back()?;
    let minutes_per_unit = match unit {
        'm' => 1,
        'h' => 60,
        'd' => MINUTES_PER_DAY,
        _ => return None,
    };
    let count = number(&text[..text.len() - unit.len_utf8()])?;
    let minutes = count.checked_mul(minutes_per_unit).filter(|minutes| (1..=MAX_MINUTES).contains(minutes))?;
    Some(TimeDelta::minutes(minutes.into()))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use uuid::Uuid;

    use super::*;

    fn schedule(text: &str) -> Schedule {
        text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn whatever_has_the_form_is_taken() {
        for text in ["*/58,54 12-19 14-30,*,*/3 * SUN,SUN,0-7", "0 0 * * 5-7", "1,*/20 * 1,*/2 JAN,6-8 MON,6-7"] {
            let _: Schedule = schedule(text);
        }
    }

    /// A connection that is not late at all.
    fn punctual() -> ConnectionId {
        ConnectionId(Uuid::from_u64_pair(7, 0))
    }

    fn many() -> impl Iterator<Item = ConnectionId> {
        let mut random = fastrand::Rng::with_seed(7);
        (0..1_000).map(move |n| ConnectionId(Uuid::from_u64_pair(n, random.u64(..))))
    }

    #[rstest]
    #[case("every 1m", "every 1m")]
    #[case("  every\t 15m ", "every 15m")]
    #[case("every 366d", "every 366d")]
    #[case("* * * * *", "* * * * *")]
    #[case(" 0  3 * * * ", "0 3 * * *")]
    #[case("*/15 8-18 * * MON-FRI", "*/15 8-18 * * MON-FRI")]
    #[case("0,30 0-23/2 1,15 jan-jun,DEC 0", "0,30 0-23/2 1,15 jan-jun,DEC 0")]
    #[case("59 23 31 12 7", "59 23 31 12 7")]
    #[case("0 3 29 2 * Europe/Berlin", "0 3 29 2 * Europe/Berlin")]
    fn two_forms_are_taken(#[case] text: &str, #[case] shown: &str) {
        let read = schedule(text);
        assert_eq!(read.to_string(), shown);
        assert_eq!(schedule(shown).to_string(), shown);
        assert!(read.next(at("2026-01-01T00:00:00Z"), punctual()).is_some());
    }

    #[rstest]
    fn anything_else_is_refused(
        #[values(
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
            "+1 * * * *",
            "1-2-3 * * * *",
            "1,,2 * * * *",
            "*- * * * *",
            "/5 * * * *",
            "MON * * * *",
            "0 0 3 * * * *"
        )]
        text: &str,
    ) {
        assert_eq!(text.parse::<Schedule>().err(), Some(ScheduleError::Form), "{text}");
    }

    #[test]
    fn what_is_no_zone_or_never_due_is_told_apart() {
        assert_eq!("0 3 * * * Berlin".parse::<Schedule>().err(), Some(ScheduleError::Zone));
        assert_eq!("0 3 * * * 2026".parse::<Schedule>().err(), Some(ScheduleError::Zone));
        assert_eq!("0 3 31 2 *".parse::<Schedule>().err(), Some(ScheduleError::Never));
        assert_eq!("0 3 30 2 * Asia/Tokyo".parse::<Schedule>().err(), Some(ScheduleError::Never));
    }

    #[rstest]
    #[case("0 3 * * *", "2026-01-01T00:00:00Z", "2026-01-01T03:00:00Z")]
    #[case("0 3 * * *", "2026-01-01T03:00:00Z", "2026-01-02T03:00:00Z")]
    #[case("0 3 * * * Europe/Berlin", "2026-01-01T00:00:00Z", "2026-01-01T02:00:00Z")]
    #[case("0 3 * * * Europe/Berlin", "2026-07-01T00:00:00Z", "2026-07-01T01:00:00Z")]
    // In spring the hour from two to three is left out: what falls into it is due when it is over.
    #[case("30 2 * * * Europe/Berlin", "2026-03-28T12:00:00Z", "2026-03-29T01:00:00Z")]
    // In autumn it comes twice, and counts once.
    #[case("30 2 * * * Europe/Berlin", "2026-10-24T12:00:00Z", "2026-10-25T00:30:00Z")]
    #[case("30 2 * * * Europe/Berlin", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z")]
    #[case("0 0 29 2 *", "2026-01-01T00:00:00Z", "2028-02-29T00:00:00Z")]
    #[case("every 15m", "2026-01-01T00:00:00Z", "2026-01-01T00:15:00Z")]
    #[case("every 15m", "2026-01-01T00:14:59.999Z", "2026-01-01T00:15:00Z")]
    #[case("every 1d", "2026-01-01T00:00:01Z", "2026-01-02T00:00:00Z")]
    #[case("every 1d", "1969-12-31T23:59:59Z", "1970-01-01T00:00:00Z")]
    fn the_next_moment(#[case] text: &str, #[case] after: &str, #[case] next: &str) {
        assert_eq!(schedule(text).next(at(after), punctual()), Some(at(next)));
    }

    #[rstest]
    #[case("0 * * * *", 6 * 60)]
    #[case("0 3 * * *", 10 * 60)]
    #[case("*/5 * * * *", 30)]
    #[case("every 15m", 15 * 60)]
    #[case("every 1m", 60)]
    fn many_connections_do_not_start_together(#[case] text: &str, #[case] window: i64) {
        let (schedule, begin) = (schedule(text), at("2026-01-01T00:00:00Z"));
        let nobody_before = match &schedule.rule {
            Rule::Every(_) => begin,
            Rule::Cron { cron, .. } => next_moment(cron, Tz::UTC, begin, true).unwrap(),
        };
        let just_before = nobody_before - TimeDelta::seconds(1);
        let mut starts: Vec<_> = many().map(|connection| schedule.next(just_before, connection).unwrap()).collect();
        starts.sort_unstable();
        let (first, last) = (starts[0], starts[starts.len() - 1]);
        assert!(first >= nobody_before && (last - nobody_before).num_seconds() < window, "{first} {last}");
        let most = starts.chunk_by(PartialEq::eq).map(<[_]>::len).max().unwrap();
        let fair = starts.len().div_ceil(usize::try_from(window).unwrap());
        assert!(most <= 3 * fair + 3, "{most} of 1000 start in one second of {window}");
    }

    #[rstest]
    fn a_connection_is_due_once_for_each_moment(
        #[values("0 * * * *", "*/5 8-18 * * MON-FRI Europe/Berlin", "every 15m", "0 0 1 * *")] text: &str,
    ) {
        let schedule = schedule(text);
        for connection in many().take(20) {
            let mut last = at("2026-03-01T00:00:00Z");
            for _ in 0..200 {
                let next = schedule.next(last, connection).unwrap();
                assert!(next > last);
                // Asked at any moment in between, the answer is the same: no start is skipped and none is doubled.
                for part in 1..4 {
                    assert_eq!(schedule.next(last + (next - last) * part / 4, connection), Some(next));
                }
                last = next;
            }
        }
    }
}
