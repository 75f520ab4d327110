//! Schedules: `every 15m` and cron expressions.

#![no_main]

use http_api::fuzzing;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Some(schedule) = fuzzing::schedule(text) else { return };
    assert_eq!(fuzzing::schedule(&schedule).as_ref(), Some(&schedule), "its own normal form");
    assert!(schedule.is_ascii() && schedule.len() <= text.len());
    match schedule.strip_prefix("every ") {
        Some(interval) => {
            let (count, unit) = interval.split_at(interval.len() - 1);
            let minutes = match unit {
                "m" => 1,
                "h" => 60,
                "d" => 24 * 60,
                _ => panic!("{schedule}"),
            } * count.parse::<u64>().expect("a number");
            assert!((1..=366 * 24 * 60).contains(&minutes), "{schedule}");
        }
        None => assert!([5, 6].contains(&schedule.split(' ').count()), "{schedule}"),
    }
});
