use rstest::rstest;
use uuid::Uuid;

use super::*;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

const MINUTE: Duration = Duration::from_mins(1);

/// A connection whose pauses are not spread, nor are its starts.
fn timing(schedule: Option<&str>, state: ConnectionState) -> Timing<'_> {
    let connection = ConnectionId(Uuid::from_u64_pair(7, 0));
    let quarantined_at = (state == ConnectionState::Quarantined).then(|| at("2026-03-01T08:00:00Z"));
    Timing { connection, schedule, state, quarantined_at, held_until: None }
}

#[test]
fn an_active_connection_goes_by_its_schedule() {
    let now = at("2026-03-01T08:00:00Z");
    let next = timing(Some("0 9 * * *"), ConnectionState::Active).next(now);
    assert_eq!(next, Ok(Some(at("2026-03-01T09:00:00Z"))));
    assert_eq!(timing(None, ConnectionState::Active).next(now), Ok(None));
    assert_eq!(timing(None, ConnectionState::Quarantined).next(now), Ok(None));
    assert_eq!(timing(Some("0 9 * * *"), ConnectionState::Paused).next(now), Ok(None));
    assert_eq!(timing(Some("often"), ConnectionState::Active).next(now), Err(ScheduleError::Form));
}

#[test]
fn a_quarantine_is_tried_after_6_12_and_24_hours_and_then_daily() {
    let timing = timing(Some("every 15m"), ConnectionState::Quarantined);
    let mut now = at("2026-03-01T08:00:00Z");
    let retries: Vec<String> = (0..6)
        .map(|_| {
            now = timing.next(now).unwrap().unwrap();
            now.format("%d %H:%M:%S").to_string()
        })
        .collect();
    assert_eq!(retries, ["01 14:00:00", "01 20:00:00", "02 08:00:00", "03 08:00:00", "04 08:00:00", "05 08:00:00"]);
    // What was missed is not made up for.
    assert_eq!(timing.next(at("2026-03-09T09:30:00.5Z")), Ok(Some(at("2026-03-10T08:00:00Z"))));
}

#[test]
fn a_held_plan_has_a_day() {
    let now = at("2026-03-01T08:00:00.25Z");
    let until = held_until(now);
    assert_eq!(until, at("2026-03-02T08:00:01Z"));
    for (schedule, state, next) in [
        ("every 5m", ConnectionState::Active, Some(until)),
        ("0 7 * * *", ConnectionState::Active, Some(until)),
        ("0 9 * * *", ConnectionState::Active, Some(until)),
        ("0 9 8 * *", ConnectionState::Active, Some(at("2026-03-08T09:00:00Z"))),
        ("every 5m", ConnectionState::Quarantined, Some(until)),
        ("every 5m", ConnectionState::Paused, None),
    ] {
        let timing = Timing { held_until: Some(until), ..timing(Some(schedule), state) };
        assert_eq!(timing.next(now), Ok(next), "{schedule} {state:?}");
    }
    let timing = Timing { held_until: Some(until), ..timing(Some("every 5m"), ConnectionState::Active) };
    assert_eq!(timing.next(until), Ok(Some(at("2026-03-02T08:05:00Z"))), "it has had its time");
}

#[rstest]
#[case(1, "08:01:00")]
#[case(2, "08:02:00")]
#[case(3, "08:04:00")]
#[case(6, "08:32:00")]
#[case(7, "09:00:00")]
#[case(u32::MAX, "09:00:00")]
fn pauses_double_up_to_an_hour(#[case] setbacks: u32, #[case] next: &str) {
    let timing = timing(Some("0 0 * * *"), ConnectionState::Active);
    let now = at("2026-03-01T08:00:00Z");
    assert_eq!(timing.next_after(setbacks, None, now), Ok(Some(at(&format!("2026-03-01T{next}Z")))));
}

#[test]
fn pauses_are_spread() {
    let now = at("2026-03-01T08:00:00Z");
    let mut random = fastrand::Rng::with_seed(7);
    let pauses: Vec<i64> = (0..500)
        .map(|n| {
            let connection = ConnectionId(Uuid::from_u64_pair(n, random.u64(..)));
            let timing = Timing { connection, ..timing(Some("0 0 * * *"), ConnectionState::Active) };
            let next = timing.next_after(5, None, now).unwrap().unwrap();
            assert_eq!(timing.next_after(5, None, now), Ok(Some(next)), "the same each time");
            (next - now).num_seconds()
        })
        .collect();
    let (least, most) = (pauses.iter().min().unwrap(), pauses.iter().max().unwrap());
    assert!((960..980).contains(least) && (1_180..1_200).contains(most), "{least} {most}");
}

#[test]
fn a_setback_makes_nobody_later_than_the_schedule_unless_the_directory_asks() {
    let now = at("2026-03-01T08:00:00Z");
    let often = timing(Some("every 5m"), ConnectionState::Active);
    assert_eq!(often.next_after(7, None, now), Ok(Some(at("2026-03-01T08:05:00Z"))));
    assert_eq!(often.next_after(7, Some(20 * MINUTE), now), Ok(Some(at("2026-03-01T08:20:00Z"))));
    assert_eq!(often.next_after(1, Some(MINUTE / 2), now), Ok(Some(at("2026-03-01T08:01:00Z"))));
    let quarantined = timing(Some("every 5m"), ConnectionState::Quarantined);
    assert_eq!(quarantined.next_after(1, None, now), Ok(Some(at("2026-03-01T14:00:00Z"))));
    let paused = timing(Some("every 5m"), ConnectionState::Paused);
    assert_eq!(paused.next_after(1, Some(MINUTE), now), Ok(None));
}

#[test]
fn times_are_whole_seconds_and_never_too_early() {
    let now = at("2026-03-01T08:00:00.25Z");
    assert_eq!(not_before(now, Duration::from_secs(90)), Some(at("2026-03-01T08:01:31Z")));
    assert_eq!(not_before(at("2026-03-01T08:00:00Z"), MINUTE), Some(at("2026-03-01T08:01:00Z")));
    assert_eq!(not_before(now, Duration::MAX), None);
}
