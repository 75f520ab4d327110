//! How often somebody may ask: per token, and per address for those who bring no usable one.

use std::{
    collections::HashMap,
    hash::Hash,
    net::{IpAddr, Ipv6Addr},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crypto::TokenHash;
use governor::{
    DefaultKeyedRateLimiter, Quota, RateLimiter,
    clock::{Clock, DefaultClock},
};

use crate::{
    config::{Limits, RateLimit},
    problem::Problem,
};

/// How often what is out of date is forgotten.
const SWEEP: Duration = Duration::from_mins(1);
/// How long a token that is not used counts as known.
const KNOWN: Duration = Duration::from_mins(10);

/// A token's bytes in memory: those of its hash.
type Key = [u8; 32];

/// The limiters and what they remember. All of it is bounded: tokens are remembered only once they have opened a tenant,
/// and whatever has been quiet for minutes is forgotten.
pub(crate) struct Rates {
    tokens: Option<DefaultKeyedRateLimiter<Key>>,
    strangers: Option<DefaultKeyedRateLimiter<IpAddr>>,
    memory: Mutex<Memory>,
}

struct Memory {
    /// Tokens that were usable, and when they were last seen.
    known: HashMap<Key, Instant>,
    /// Addresses that have used up their failures, and until when.
    blocked: HashMap<IpAddr, Instant>,
    swept: Instant,
}

impl Rates {
    pub(crate) fn new(limits: &Limits) -> Self {
        let memory = Memory { known: HashMap::new(), blocked: HashMap::new(), swept: Instant::now() };
        Self {
            tokens: limiter(limits.token_rate),
            strangers: limiter(limits.stranger_rate),
            memory: Mutex::new(memory),
        }
    }

    /// Before a token is looked up. A known one is measured by its own rate, whatever else comes from its address: many
    /// clients can share one, behind a proxy. Any other is not looked up for an address that has failed too often.
    pub(crate) fn admit(&self, token: &TokenHash, peer: Option<IpAddr>) -> Result<(), Problem> {
        if self.meet(token, peer)? { self.charge(token) } else { Ok(()) }
    }

    /// A token turned out to be usable: from now on it is known.
    pub(crate) fn accept(&self, token: &TokenHash) -> Result<(), Problem> {
        if self.remember(token) { Ok(()) } else { self.charge(token) }
    }

    /// Whether a token is known; no answer to others from an address that has failed too often.
    fn meet(&self, token: &TokenHash, peer: Option<IpAddr>) -> Result<bool, Problem> {
        let (now, peer) = (Instant::now(), network(peer));
        let mut memory = self.memory(now);
        if let Some(last) = memory.known.get_mut(token.as_bytes()) {
            *last = now;
            return Ok(true);
        }
        match memory.blocked.get(&peer).and_then(|until| until.checked_duration_since(now)) {
            Some(wait) => Err(Problem::rate_limited(wait)),
            None => Ok(false),
        }
    }

    /// Has a token known; whether it was.
    fn remember(&self, token: &TokenHash) -> bool {
        let now = Instant::now();
        self.memory(now).known.insert(*token.as_bytes(), now).is_some()
    }

    /// Measures whoever it is by their own rate.
    pub(crate) fn charge(&self, who: &TokenHash) -> Result<(), Problem> {
        check(self.tokens.as_ref(), who.as_bytes()).map_err(Problem::rate_limited)
    }

    /// Counts a failed authentication; gives the answer to it.
    pub(crate) fn fail(&self, token: Option<&TokenHash>, peer: Option<IpAddr>, refusal: Problem) -> Problem {
        let (now, peer) = (Instant::now(), network(peer));
        let checked = check(self.strangers.as_ref(), &peer);
        let mut memory = self.memory(now);
        if let Some(token) = token {
            memory.known.remove(token.as_bytes());
        }
        match checked {
            Ok(()) => refusal,
            Err(wait) => {
                memory.blocked.insert(peer, now + wait);
                Problem::rate_limited(wait)
            }
        }
    }

    /// The memory, without what is out of date.
    fn memory(&self, now: Instant) -> MutexGuard<'_, Memory> {
        // Every entry is right by itself, so a panic of another thread leaves nothing half done.
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        if now.saturating_duration_since(memory.swept) >= SWEEP {
            memory.sweep(now);
            self.tokens.iter().for_each(RateLimiter::retain_recent);
            self.strangers.iter().for_each(RateLimiter::retain_recent);
        }
        memory
    }
}

impl Memory {
    fn sweep(&mut self, now: Instant) {
        self.known.retain(|_, last| now.saturating_duration_since(*last) < KNOWN);
        self.blocked.retain(|_, until| *until > now);
        self.swept = now;
    }
}

/// `None` also for a rate that allows anything at any time.
fn limiter<K: Clone + Eq + Hash>(limit: Option<RateLimit>) -> Option<DefaultKeyedRateLimiter<K>> {
    let limit = limit?;
    let quota = Quota::with_period(limit.interval)?.allow_burst(limit.burst);
    Some(RateLimiter::keyed(quota))
}

/// Takes one from what the key may, or says how long to wait.
fn check<K: Clone + Eq + Hash>(limiter: Option<&DefaultKeyedRateLimiter<K>>, key: &K) -> Result<(), Duration> {
    let Some(limiter) = limiter else { return Ok(()) };
    limiter.check_key(key).map_err(|not_until| not_until.wait_time_from(DefaultClock::default().now()))
}

/// Whom an address stands for: with IPv6 a whole /64, which is what one customer has at least.
fn network(peer: Option<IpAddr>) -> IpAddr {
    match peer.map(|peer| peer.to_canonical()) {
        Some(IpAddr::V6(address)) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        Some(address) => address,
        None => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;
    use crate::problem::Kind;

    const HERE: Option<IpAddr> = Some(IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1)));
    const THERE: Option<IpAddr> = Some(IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2)));

    /// So slow that nothing comes back during a test.
    fn rare(burst: u32) -> Option<RateLimit> {
        NonZeroU32::new(burst).map(|burst| RateLimit { interval: Duration::from_hours(1), burst })
    }

    fn rates(token: u32, stranger: u32) -> Rates {
        Rates::new(&Limits { token_rate: rare(token), stranger_rate: rare(stranger), ..Limits::default() })
    }

    fn token(name: &str) -> TokenHash {
        TokenHash::of(name)
    }

    fn failure(rates: &Rates, peer: Option<IpAddr>) -> &'static str {
        rates.fail(None, peer, Problem::new(Kind::Unauthorized, "x")).code()
    }

    fn outcome(result: Result<(), Problem>) -> &'static str {
        result.err().map_or("ok", |problem| problem.code())
    }

    #[test]
    fn a_token_has_its_burst_and_no_more() {
        let rates = rates(2, 9);
        assert_eq!(outcome(rates.admit(&token("a"), HERE)), "ok");
        assert_eq!(outcome(rates.accept(&token("a"))), "ok");
        // Being found usable again costs nothing: its admission has been paid.
        assert_eq!(outcome(rates.admit(&token("a"), HERE)), "ok");
        assert_eq!(outcome(rates.accept(&token("a"))), "ok");
        assert_eq!(outcome(rates.admit(&token("a"), THERE)), "rate_limited");
        assert_eq!(outcome(rates.admit(&token("b"), HERE)), "ok");
    }

    #[test]
    fn an_address_that_fails_too_often_is_kept_off_but_its_known_tokens_are_not() {
        let rates = rates(9, 2);
        rates.accept(&token("good")).unwrap();
        assert_eq!([failure(&rates, HERE), failure(&rates, HERE)], ["unauthorized"; 2]);
        assert_eq!(outcome(rates.admit(&token("new"), HERE)), "ok", "not yet known to have failed too often");
        assert_eq!(failure(&rates, HERE), "rate_limited");
        assert_eq!(outcome(rates.admit(&token("new"), HERE)), "rate_limited");
        assert_eq!(outcome(rates.admit(&token("good"), HERE)), "ok");
        assert_eq!(outcome(rates.admit(&token("new"), THERE)), "ok");
        assert_eq!(failure(&rates, THERE), "unauthorized");
    }

    #[test]
    fn a_revoked_token_is_not_known_any_more() {
        let rates = rates(9, 1);
        rates.accept(&token("gone")).unwrap();
        let refusal = || Problem::new(Kind::Unauthorized, "x");
        assert_eq!(rates.fail(Some(&token("gone")), HERE, refusal()).code(), "unauthorized");
        assert_eq!(rates.fail(Some(&token("gone")), HERE, refusal()).code(), "rate_limited");
        assert_eq!(outcome(rates.admit(&token("gone"), HERE)), "rate_limited");
    }

    #[test]
    fn without_limits_nobody_waits() {
        let rates = Rates::new(&Limits { token_rate: None, stranger_rate: None, ..Limits::default() });
        for _ in 0..1_000 {
            assert_eq!(outcome(rates.admit(&token("a"), HERE)), "ok");
            assert_eq!(outcome(rates.accept(&token("a"))), "ok");
            assert_eq!(failure(&rates, HERE), "unauthorized");
        }
    }

    #[test]
    fn what_is_out_of_date_is_forgotten() {
        let rates = rates(2, 1);
        rates.accept(&token("a")).unwrap();
        assert_eq!([failure(&rates, HERE), failure(&rates, HERE)], ["unauthorized", "rate_limited"]);
        let later = Instant::now() + Duration::from_hours(2);
        let memory = rates.memory(later);
        assert_eq!((memory.known.len(), memory.blocked.len()), (0, 0));
    }

    #[test]
    fn a_neighbour_in_the_same_ipv6_network_is_the_same() {
        let of = |text: &str| network(Some(text.parse().unwrap()));
        assert_eq!(of("2001:db8:1:2:3::4"), of("2001:db8:1:2:ffff::"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
    }
}
