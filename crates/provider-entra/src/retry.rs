//! When to repeat, and when to give up (protocol reference §5.2).

use std::time::{Duration, SystemTime};

use directory_core::{FailureKind, ProviderError, RunErrorCode};
use tokio::time::Instant;

use crate::{
    error::{Again, Fault},
    metrics,
    options::Bounds,
};

/// Longer waits are as good as this one, and adding it to a time cannot overflow.
const LONGEST_MEANT: Duration = Duration::from_hours(7 * 24);
/// How often an unintelligible answer is asked for again.
const UNINTELLIGIBLE_REPEATS: u32 = 2;

/// Reads `Retry-After`: seconds, whole or not, or an HTTP date, which `now` is taken from.
pub(crate) fn parse_retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    let wait = if value.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        Duration::try_from_secs_f64(value.parse().ok()?).unwrap_or(LONGEST_MEANT)
    } else {
        httpdate::parse_http_date(value).ok()?.duration_since(now).unwrap_or_default()
    };
    Some(wait.min(LONGEST_MEANT))
}

/// The pause before a repeat without `Retry-After`; `random` is in 0..1.
fn backoff(bounds: &Bounds, repeats: u32, random: f64) -> Duration {
    let pause = bounds.first_delay.saturating_mul(1 << repeats.min(16)).min(bounds.longest_delay);
    pause.mul_f64(1.0 + random / 4.0).min(bounds.longest_delay)
}

/// What one page, or one verification, may still cost. It begins anew with each page, so a listing may take as long as
/// it makes progress.
pub(crate) struct Patience<'a> {
    bounds: &'a Bounds,
    budget: Duration,
    deadline: Instant,
    may_overrun: bool,
    /// Somebody waits for the outcome.
    watched: bool,
    repeats: u32,
    unintelligible: u32,
    renewed: bool,
}

impl<'a> Patience<'a> {
    pub(crate) fn for_page(bounds: &'a Bounds) -> Self {
        Self::new(bounds, bounds.page_budget, true)
    }

    /// A person waits for a verification, so it never waits long.
    pub(crate) fn for_verification(bounds: &'a Bounds) -> Self {
        Self::new(bounds, bounds.verify_budget, false)
    }

    fn new(bounds: &'a Bounds, budget: Duration, may_overrun: bool) -> Self {
        let deadline = Instant::now() + budget;
        let watched = !may_overrun;
        Self { bounds, budget, deadline, may_overrun, watched, repeats: 0, unintelligible: 0, renewed: false }
    }

    /// Whether the next attempt is a repeat.
    pub(crate) fn is_repeat(&self) -> bool {
        self.repeats > 0
    }

    /// How long a request may take that starts now.
    pub(crate) fn request_timeout(&self) -> Duration {
        self.bounds.request_timeout.min(self.deadline.saturating_duration_since(Instant::now()))
    }

    /// Waits before the repeat, or gives the error back: there is none.
    pub(crate) async fn wait(&mut self, fault: Fault) -> Result<(), ProviderError> {
        let throttled = fault.error.code == RunErrorCode::Throttled;
        let pause = self.pause(fault, Instant::now(), fastrand::f64())?;
        tokio::time::sleep(pause).await;
        if throttled {
            metrics::waited(pause);
        }
        Ok(())
    }

    fn pause(&mut self, fault: Fault, now: Instant, random: f64) -> Result<Duration, ProviderError> {
        match fault.again {
            Again::Never => return Err(fault.error),
            Again::WithNewToken if self.renewed => return Err(fault.error),
            Again::WithNewToken => {
                self.renewed = true;
                return Ok(Duration::ZERO);
            }
            Again::Twice if self.unintelligible >= UNINTELLIGIBLE_REPEATS => return Err(fault.error),
            Again::Twice => self.unintelligible += 1,
            Again::Unwatched if self.watched => return Err(fault.error),
            Again::Later | Again::Unwatched => {}
        }
        let asked = match fault.error.kind {
            FailureKind::Transient { retry_after } => retry_after,
            _ => None,
        };
        let pause = match asked {
            Some(wait) if wait > self.bounds.longest_retry_after => return Err(fault.error),
            // A jitter keeps many connections, throttled together, from coming back together.
            Some(wait) => wait.max(self.bounds.first_delay) + self.bounds.first_delay.mul_f64(random),
            None => backoff(self.bounds, self.repeats, random),
        };
        // The repeat itself needs some time too, or it would only turn a telling error into a timeout.
        let enough = Duration::from_secs(1).min(self.budget / 10);
        if now + pause + enough > self.deadline {
            let longer_than_ever = asked.is_some_and(|wait| wait > self.budget);
            if !(self.may_overrun && longer_than_ever) {
                return Err(fault.error);
            }
            self.may_overrun = false;
            self.deadline = now + pause + self.bounds.request_timeout;
        }
        self.repeats += 1;
        Ok(pause)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn fault(again: Again, retry_after: Option<Duration>) -> Fault {
        let error = ProviderError {
            kind: FailureKind::Transient { retry_after },
            code: RunErrorCode::Throttled,
            message: String::new(),
            hint: String::new(),
            request_id: None,
        };
        Fault { error, again }
    }

    #[rstest]
    #[case("120", Some(Duration::from_mins(2)))]
    #[case(" 0 ", Some(Duration::ZERO))]
    #[case("2.128", Some(Duration::from_millis(2128)))]
    #[case("Sun, 06 Nov 1994 08:50:37 GMT", Some(Duration::from_mins(1)))]
    #[case("Sunday, 06-Nov-94 08:50:37 GMT", Some(Duration::from_mins(1)))]
    #[case("Sun, 06 Nov 1994 08:00:00 GMT", Some(Duration::ZERO))]
    #[case("99999999999999999999999999", Some(LONGEST_MEANT))]
    #[case("", None)]
    #[case(".", None)]
    #[case("1.2.3", None)]
    #[case("-5", None)]
    #[case("inf", None)]
    #[case("1e9", None)]
    #[case("soon", None)]
    fn retry_after(#[case] value: &str, #[case] wait: Option<Duration>) {
        let now = httpdate::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT").expect("date");
        assert_eq!(parse_retry_after(value, now), wait);
    }

    #[rstest]
    #[case(0, 0.0, 500)]
    #[case(0, 1.0, 625)]
    #[case(3, 0.0, 4000)]
    #[case(7, 0.5, 60_000)]
    #[case(u32::MAX, 1.0, 60_000)]
    fn pauses_double_up_to_a_limit(#[case] repeats: u32, #[case] random: f64, #[case] millis: u64) {
        assert_eq!(backoff(&Bounds::default(), repeats, random), Duration::from_millis(millis));
    }

    #[tokio::test(start_paused = true)]
    async fn a_broken_provider_is_given_up_within_the_budget() {
        let bounds = Bounds::default();
        let start = Instant::now();
        let mut patience = Patience::for_page(&bounds);
        let mut repeats = 0;
        while patience.wait(fault(Again::Later, None)).await.is_ok() {
            repeats += 1;
        }
        assert!((5..20).contains(&repeats), "{repeats}");
        assert!(start.elapsed() <= bounds.page_budget, "{:?}", start.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn retry_after_is_waited_for() {
        let bounds = Bounds::default();
        let mut patience = Patience::for_page(&bounds);
        for wait in [Duration::from_millis(2128), 60 * SECOND] {
            let start = Instant::now();
            patience.wait(fault(Again::Later, Some(wait))).await.expect("waits");
            assert!(start.elapsed() >= wait && start.elapsed() <= wait + SECOND, "{:?}", start.elapsed());
        }
        assert!(patience.is_repeat());
        // Zero is no reason to hammer.
        let start = Instant::now();
        patience.wait(fault(Again::Later, Some(Duration::ZERO))).await.expect("waits");
        assert!(start.elapsed() >= bounds.first_delay);
    }

    #[tokio::test(start_paused = true)]
    async fn many_short_waits_do_not_pass_the_budget() {
        let bounds = Bounds::default();
        let start = Instant::now();
        let mut patience = Patience::for_page(&bounds);
        while patience.wait(fault(Again::Later, Some(70 * SECOND))).await.is_ok() {}
        assert!(start.elapsed() <= bounds.page_budget, "{:?}", start.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn one_long_wait_may_pass_the_budget() {
        let bounds = Bounds::default();
        let mut patience = Patience::for_page(&bounds);
        let start = Instant::now();
        patience.wait(fault(Again::Later, Some(600 * SECOND))).await.expect("waits");
        assert!(start.elapsed() >= 600 * SECOND);
        // tokio rounds a pause up to the millisecond.
        assert!(patience.request_timeout() > 59 * SECOND);
        let error = patience.wait(fault(Again::Later, Some(600 * SECOND))).await.expect_err("once only");
        assert_eq!(error.kind, FailureKind::Transient { retry_after: Some(600 * SECOND) });
    }

    #[rstest]
    #[case(Some(601 * SECOND), true)]
    #[case(Some(LONGEST_MEANT), true)]
    #[case(Some(21 * SECOND), false)]
    #[tokio::test(start_paused = true)]
    async fn waits_that_are_too_long_fail_at_once(#[case] retry_after: Option<Duration>, #[case] page: bool) {
        let bounds = Bounds::default();
        let mut patience = if page { Patience::for_page(&bounds) } else { Patience::for_verification(&bounds) };
        let start = Instant::now();
        let error = patience.wait(fault(Again::Later, retry_after)).await.expect_err("gives up");
        assert_eq!(error.kind, FailureKind::Transient { retry_after });
        assert_eq!(start.elapsed(), Duration::ZERO);
    }

    #[rstest]
    #[case(Again::Never, 0)]
    #[case(Again::WithNewToken, 1)]
    #[case(Again::Twice, 2)]
    #[tokio::test(start_paused = true)]
    async fn counted_repeats(#[case] again: Again, #[case] repeats: u32) {
        let bounds = Bounds::default();
        let mut patience = Patience::for_page(&bounds);
        for _ in 0..repeats {
            patience.wait(fault(again, None)).await.expect("repeats");
        }
        patience.wait(fault(again, None)).await.expect_err("gives up");
    }

    #[tokio::test(start_paused = true)]
    async fn what_may_yet_settle_is_waited_for_unless_somebody_looks_on() {
        let bounds = Bounds::default();
        Patience::for_verification(&bounds).wait(fault(Again::Unwatched, None)).await.expect_err("tells at once");
        let mut patience = Patience::for_page(&bounds);
        let mut repeats = 0;
        while patience.wait(fault(Again::Unwatched, None)).await.is_ok() {
            repeats += 1;
        }
        assert!((5..20).contains(&repeats), "{repeats}");
    }

    #[tokio::test(start_paused = true)]
    async fn requests_end_with_the_budget() {
        let bounds = Bounds { page_budget: 70 * SECOND, ..Bounds::default() };
        let patience = Patience::for_page(&bounds);
        assert_eq!(patience.request_timeout(), 60 * SECOND);
        tokio::time::advance(40 * SECOND).await;
        assert_eq!(patience.request_timeout(), 30 * SECOND);
        tokio::time::advance(40 * SECOND).await;
        assert_eq!(patience.request_timeout(), Duration::ZERO);
    }
}
