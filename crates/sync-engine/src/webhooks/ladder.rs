//! When a message that did not arrive is tried again.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

/// The pause after each attempt that failed; three days in all.
const PAUSES: [Duration; 9] = [
    Duration::from_secs(5),
    Duration::from_mins(5),
    Duration::from_mins(30),
    Duration::from_hours(2),
    Duration::from_hours(5),
    Duration::from_hours(10),
    Duration::from_hours(14),
    Duration::from_hours(20),
    Duration::from_hours(24),
];

/// How often a message is tried until it is given up.
pub const MOST_ATTEMPTS: u32 = 10;

/// The longest that a receiver's `Retry-After` puts an attempt off.
pub const LONGEST_WAIT: Duration = Duration::from_hours(24);

/// When a message is tried again that has been tried so often; `None` gives it up. What the receiver asks for counts where it is longer. The
/// message's id draws the pause out by up to a fifth, so that what failed together does not come back together.
#[must_use]
pub fn next_attempt(
    attempts: u32,
    now: DateTime<Utc>,
    retry_after: Option<Duration>,
    message: Uuid,
) -> Option<DateTime<Utc>> {
    let step = usize::try_from(attempts.checked_sub(1)?).ok()?;
    let pause = *PAUSES.get(step)?;
    let [.., chance] = message.into_bytes();
    let drawn_out = pause.mul_f64(1.0 + f64::from(chance) / 256.0 / 5.0);
    let asked = retry_after.unwrap_or_default().min(LONGEST_WAIT);
    now.checked_add_signed(TimeDelta::from_std(drawn_out.max(asked)).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pause(attempts: u32, retry_after: Option<u64>, chance: u8) -> Option<Duration> {
        let now = DateTime::UNIX_EPOCH;
        let mut id = [7; 16];
        id[15] = chance;
        let next = next_attempt(attempts, now, retry_after.map(Duration::from_secs), Uuid::from_bytes(id))?;
        (next - now).to_std().ok()
    }

    #[test]
    fn a_message_is_tried_ten_times_over_three_days() {
        let pauses: Vec<Duration> = (1..).map_while(|attempts| pause(attempts, None, 0)).collect();
        assert_eq!(pauses, PAUSES);
        assert_eq!(u32::try_from(pauses.len()).unwrap() + 1, MOST_ATTEMPTS);
        assert_eq!(pause(0, None, 0), None, "it was tried before it came here");
    }

    #[test]
    fn pauses_are_drawn_out_by_up_to_a_fifth() {
        let hour = |chance| pause(4, None, chance).unwrap();
        assert_eq!(hour(0), Duration::from_hours(2));
        assert!(hour(255) > Duration::from_mins(143) && hour(255) < Duration::from_mins(144));
        assert!(hour(10) < hour(11));
    }

    #[test]
    fn a_receiver_may_ask_for_more_but_not_for_less_nor_for_ever() {
        assert_eq!(pause(1, Some(1), 0), Some(Duration::from_secs(5)));
        assert_eq!(pause(1, Some(90), 0), Some(Duration::from_secs(90)));
        assert_eq!(pause(1, Some(u64::MAX), 0), Some(LONGEST_WAIT));
        assert_eq!(pause(MOST_ATTEMPTS, Some(90), 0), None);
    }
}
