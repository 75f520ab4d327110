#![doc = include_str!("../README.md")]

mod audit;
pub mod batch;
mod census;
mod change;
mod claiming;
mod clock;
mod connection;
mod error;
mod event;
mod examination;
mod page;
mod reading;
mod review;
mod run;
mod schedule;
mod schedules;
mod tenant;
mod timing;
mod token;
mod user;
mod wall;
mod webhook;

#[cfg(test)]
mod privacy;

#[cfg(feature = "conformance")]
pub mod conformance;

use async_trait::async_trait;
use directory_core::{ConnectionId, TenantId};

pub use audit::{Actor, ActorKind, Audit, AuditAction, AuditEntry, AuditFilter, AuditRecord, Subject};
pub use census::{Census, ConnectionCounts};
pub use change::{ChangeFilter, ChangeRecord, NewChange, Outcome, StagedPage};
pub use claiming::{ClaimLimits, QueueWatch};
pub use clock::Clock;
pub use connection::{
    CloudInUse, Connection, ConnectionState, ConnectionUpdate, Connections, Directory, Draft, ExpiringCredential,
    IgnoredUser, NewConnection, NewCredential, SealedCredential, UpdatedConnection,
};
pub use error::{BoxError, StoreError, UniqueKey, chain};
pub use event::{
    Event, EventData, EventFilter, EventId, EventKind, EventPage, Events, Feed, NoEventId, QuarantineEvent, RunEvent,
    UnknownEvent, UserEvent, feed,
};
pub use examination::{AppliedMigration, Examination, Migrations};
pub use page::{ExternalPage, IdPage, SeqPage};
pub use reading::{Continued, ModeReason, Reading, SealedContinuation};
pub use review::{Approval, Choice, Ending};
pub use run::{
    Applied, Claim, ConnectionEffect, CreatedRun, HeldPlan, Lease, NewRun, PlanNext, Progress, Run, RunEnd, RunError,
    RunMode, RunPhase, RunStatus, Runs, Trigger,
};
pub use schedule::{Schedule, ScheduleError};
pub use schedules::{Due, DueStart, Schedules};
pub use tenant::{NewTenant, Tenant, Tenants};
pub use timing::{Aftermath, Timing, held_until, not_before};
pub use token::{NOTED_EVERY, NewToken, Token, TokenRole, Tokens};
pub use user::{EachProfile, Linking, UserFilter, UserRecord, Users};
pub use wall::TenantWall;
pub use webhook::{
    Attempt, Delivery, DeliveryState, LeasedWebhook, NewWebhook, NewWebhookSecret, Replay, SealedWebhookSecret,
    SendLimits, UNREADABLE_WEBHOOK, UpdatedWebhook, Webhook, WebhookLease, WebhookRound, WebhookState, WebhookUpdate,
    Webhooks,
};

/// A whole store. Each method of its parts is one transaction: it happens entirely or not at all.
#[async_trait]
pub trait Store: Tenants + Tokens + Connections + Schedules + Runs + Users + Audit + Events + Webhooks {
    /// Brings the schema up to date; safe when several processes do so at once.
    async fn migrate(&self) -> Result<(), StoreError>;

    /// Answers when the database does and its schema is current.
    async fn check(&self) -> Result<(), StoreError>;

    /// Looks at the database without writing; it need not be migrated.
    async fn examine(&self) -> Result<Examination, StoreError>;

    /// Whether the database itself keeps tenants apart as well.
    async fn tenant_wall(&self) -> Result<TenantWall, StoreError> {
        Ok(TenantWall::Absent)
    }

    /// Numbers over all tenants, for whoever operates the program. It reads all connections, so ask now and then only.
    async fn census(&self) -> Result<Census, StoreError>;

    /// The runs of a connection that is there, newest first; `None` if it is not. A store that can look for both at once does.
    async fn history(
        &self,
        tenant: TenantId,
        connection: ConnectionId,
        page: IdPage,
    ) -> Result<Option<Vec<Run>>, StoreError> {
        if self.connection(tenant, connection).await?.is_none() {
            return Ok(None);
        }
        self.runs(tenant, connection, page).await.map(Some)
    }

    /// Begins to hear of runs that are queued. A store that nobody else works on, or whose database tells nothing, stays
    /// silent. It is not a call to the database, and cannot fail: a watch that hears nothing is only slow.
    fn watch_queue(&self) -> Box<dyn QueueWatch> {
        Box::new(claiming::Silence)
    }
}
