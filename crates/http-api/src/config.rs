//! How the API is served: its numbers. The defaults suit production; tests shrink them.

use std::{num::NonZeroU32, time::Duration};

/// How the API is served.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ApiConfig {
    /// Where set, the request's host must be a tenant's slug, a dot and this, and the token must be that tenant's.
    pub base_domain: Option<String>,
    /// What one client, or all of them, may use up.
    pub limits: Limits,
    /// Times of event streams and waits.
    pub watching: Watching,
}

/// What one client, or all of them, may use up. Times of connections are 600 milliseconds at least.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Requests of one token; `None` is without limit.
    pub token_rate: Option<RateLimit>,
    /// Requests from one address that bring no usable token; `None` is without limit.
    pub stranger_rate: Option<RateLimit>,
    /// Requests that use the store at the same time, those included whose clients have hung up.
    pub concurrent_requests: usize,
    /// For each use of the store.
    pub request_time: Duration,
    /// For a connection's first request head.
    pub head_time: Duration,
    /// For a whole body.
    pub body_time: Duration,
    /// For a connection without a request.
    pub keep_alive: Duration,
    /// For closing a connection in good order.
    pub disconnect_time: Duration,
    /// For a client that takes nothing of what it is sent; only on Linux.
    pub stalled_time: Duration,
    /// Connections at the same time. Those beyond wait until they are accepted. Each needs an open file.
    pub connections: usize,
    /// Event streams and waits at the same time.
    pub watchers: usize,
    /// Event streams and waits of one token at the same time.
    pub watchers_per_token: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            token_rate: NonZeroU32::new(50).map(RateLimit::per_second),
            stranger_rate: NonZeroU32::new(10).map(RateLimit::per_second),
            concurrent_requests: 256,
            request_time: Duration::from_secs(30),
            head_time: Duration::from_secs(10),
            body_time: Duration::from_secs(30),
            keep_alive: Duration::from_secs(75),
            disconnect_time: Duration::from_secs(5),
            stalled_time: Duration::from_mins(1),
            connections: 20_000,
            watchers: 1_000,
            watchers_per_token: 20,
        }
    }
}

/// A rate, and how far it may be exceeded for a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// The time in which one more request is allowed.
    pub interval: Duration,
    /// Requests that may come at once after a pause.
    pub burst: NonZeroU32,
}

impl RateLimit {
    /// So many requests a second, and twice as many at once.
    #[must_use]
    pub fn per_second(requests: NonZeroU32) -> Self {
        Self {
            interval: Duration::from_secs(1) / requests.get(),
            burst: requests.saturating_mul(NonZeroU32::MIN.saturating_add(1)),
        }
    }
}

/// Times of event streams and waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watching {
    /// How often a run is looked at while anybody watches it.
    pub poll: Duration,
    /// How long an event stream is silent at most.
    pub heartbeat: Duration,
    /// How often an event stream's token is checked again.
    pub recheck: Duration,
    /// How long the store may fail before those who watch are sent away.
    pub patience: Duration,
}

impl Default for Watching {
    fn default() -> Self {
        Self {
            poll: Duration::from_millis(500),
            heartbeat: Duration::from_secs(15),
            recheck: Duration::from_secs(10),
            patience: Duration::from_secs(30),
        }
    }
}
