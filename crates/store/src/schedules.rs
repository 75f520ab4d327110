//! Connections that are due, and directories that asked to be left alone.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use directory_core::{ConnectionId, RunId, TenantId};

use crate::{Run, ScheduleError, StoreError};

/// A connection whose time has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// Whose it is.
    pub tenant: TenantId,
    /// The connection.
    pub connection: ConnectionId,
    /// The time that has come; whoever moves it on starts the run.
    pub at: DateTime<Utc>,
}

/// What came of starting the run of a connection that was due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DueStart {
    /// The run is queued. A held run of the connection is superseded.
    Queued(Box<Run>),
    /// The connection has this active run already: the time has moved on without another.
    AlreadyActive(RunId),
    /// This run of the connection comes first, and does not stand in for the schedule's: it is a dry run, or applies a plan
    /// that a person approved, which is of an earlier reading. The time stays, so that the connection is due until then.
    Waits(RunId),
    /// Somebody else moved the time on, or the connection is not due any more.
    Taken,
    /// The stored schedule cannot be followed. The connection has no next time until somebody mends it.
    Unreadable(ScheduleError),
}

/// The schedules. Callers say what time it is.
#[async_trait]
pub trait Schedules: Send + Sync {
    /// Every tenant's connections whose time has come, the longest due first, after the given one.
    async fn due_connections(
        &self,
        now: DateTime<Utc>,
        after: Option<&Due>,
        limit: u32,
    ) -> Result<Vec<Due>, StoreError>;

    /// Queues the run of a connection that is due, and moves its time on to the first one after `now`, however many have
    /// passed. Of many who try, one does. A connection that cannot be read has no next time from then on, and the error
    /// says what of it is unreadable.
    async fn start_due(&self, due: &Due, run: RunId, now: DateTime<Utc>) -> Result<DueStart, StoreError>;

    /// Every tenant's connections that have a schedule, are not paused and have no next time, after the given one: what a
    /// program of before this was known has left, and what cannot be read.
    async fn unplanned_connections(
        &self,
        after: Option<(TenantId, ConnectionId)>,
        limit: u32,
    ) -> Result<Vec<(TenantId, ConnectionId)>, StoreError>;

    /// Gives an unplanned connection its next time; one that has got it meanwhile keeps that.
    async fn plan_connection(
        &self,
        tenant: TenantId,
        connection: ConnectionId,
        now: DateTime<Utc>,
    ) -> Result<Result<(), ScheduleError>, StoreError>;
}
