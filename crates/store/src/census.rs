//! What a store holds, over all tenants: for whoever operates it.

use std::time::Duration;

/// Numbers over all tenants.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Census {
    /// Runs that wait for a worker.
    pub queued: u64,
    /// How long the oldest of them has waited that nobody has begun yet. A run that was approved or given back is queued
    /// again without a note of when, so those are left out.
    pub oldest_wait: Option<Duration>,
    /// Connections by state.
    pub connections: ConnectionCounts,
}

/// How many connections there are in each state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConnectionCounts {
    /// See [`ConnectionState::Active`](crate::ConnectionState::Active).
    pub active: u64,
    /// See [`ConnectionState::Paused`](crate::ConnectionState::Paused).
    pub paused: u64,
    /// See [`ConnectionState::Quarantined`](crate::ConnectionState::Quarantined).
    pub quarantined: u64,
}
