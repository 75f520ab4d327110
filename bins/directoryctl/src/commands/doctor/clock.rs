//! How far another clock may be from this machine's.

use std::time::Duration;

use directory_wiring::Skew;

use super::report::{Report, Status};

/// A token is refused when the clocks are further apart: Microsoft allows for five minutes.
const FAIL: Duration = Duration::from_mins(5);
/// A machine that keeps its time is never that far away.
const WARN: Duration = Duration::from_mins(1);

const HINT: &str =
    "set this machine's clock by NTP, and the other's if it is yours: tokens, leases and schedules go by the time";

pub(super) fn check(report: &mut Report, whose: &str, skew: Skew) {
    let status = judged(skew.apart);
    let hint = (status != Status::Ok).then(|| HINT.to_owned());
    report.add(format!("clock of {whose}"), status, told(skew), hint);
}

fn judged(apart: Duration) -> Status {
    match apart {
        apart if apart >= FAIL => Status::Failed,
        apart if apart >= WARN => Status::Warning,
        _ => Status::Ok,
    }
}

fn told(Skew { apart, ahead }: Skew) -> String {
    match (apart.as_secs(), ahead) {
        (0, _) => "as this machine's, to the second".to_owned(),
        (seconds, true) => format!("{seconds} s ahead of this machine's"),
        (seconds, false) => format!("{seconds} s behind this machine's"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_is_a_warning_and_five_are_a_failure() {
        for (seconds, expected) in
            [(0, Status::Ok), (59, Status::Ok), (60, Status::Warning), (299, Status::Warning), (300, Status::Failed)]
        {
            assert_eq!(judged(Duration::from_secs(seconds)), expected, "{seconds}");
        }
    }

    #[test]
    fn the_direction_is_told() {
        let skew = |seconds, ahead| told(Skew { apart: Duration::from_secs(seconds), ahead });
        assert_eq!(skew(0, true), "as this machine's, to the second");
        assert_eq!(skew(61, true), "61 s ahead of this machine's");
        assert_eq!(skew(61, false), "61 s behind this machine's");
    }
}
