//! A world in a time of its own.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use chrono::{DateTime, TimeDelta, Utc};
use directory_core::{ConnectionId, RunId, TenantId};
use uuid::Uuid;

use super::{
    Harness,
    world::{LEASE, World, creates, digest, id, new_connection, queue, second},
};
use crate::{
    Actor, Approval, Choice, ClaimLimits, Clock, Connection, ConnectionEffect, ConnectionState, ConnectionUpdate, Due,
    DueStart, Lease, NewConnection, Run, RunEnd, RunStatus, UpdatedConnection,
};

const BEGIN: &str = "2026-03-01T08:00:00Z";

/// A world whose time stands still until it is told to go on, and whose first connection has no schedule.
pub(super) struct Timed {
    pub(super) world: World,
    pub(super) seconds: Arc<AtomicI64>,
}

impl Timed {
    pub(super) async fn new(harness: &dyn Harness) -> Self {
        let seconds = Arc::new(AtomicI64::new(0));
        let mut world = World::new(harness).await;
        world.store = world.database.open_with(clock(&seconds)).await;
        Self { world, seconds }
    }

    pub(super) fn now(&self) -> DateTime<Utc> {
        clock(&self.seconds).now()
    }

    /// Time goes on to this; it is in the ISO form of the day the world begins.
    pub(super) fn at(&self, time: &str) {
        self.seconds.store((second(time) - second(BEGIN)).num_seconds(), Ordering::SeqCst);
    }

    pub(super) async fn scheduled(&self, schedule: &str) -> Connection {
        self.add(NewConnection { schedule: Some(schedule.to_owned()), ..punctual(self.world.tenant) }).await
    }

    pub(super) async fn add(&self, connection: NewConnection) -> Connection {
        self.world.store.create_connection(Actor::SYSTEM, &connection).await.unwrap()
    }

    pub(super) async fn read(&self, connection: &Connection) -> Connection {
        self.world.store.connection(connection.tenant, connection.id).await.unwrap().unwrap()
    }

    pub(super) async fn next(&self, connection: &Connection) -> Option<DateTime<Utc>> {
        self.read(connection).await.next_sync_at
    }

    pub(super) async fn due(&self) -> Vec<Due> {
        self.world.store.due_connections(self.now(), None, 100).await.unwrap()
    }

    pub(super) async fn start(&self, due: &Due) -> DueStart {
        self.world.store.start_due(due, RunId(id()), self.now()).await.unwrap()
    }

    /// Starts the only connection that is due.
    pub(super) async fn start_only(&self) -> Run {
        let due = self.due().await;
        assert_eq!(due.len(), 1, "{due:?}");
        match self.start(&due[0]).await {
            DueStart::Queued(run) => *run,
            other => panic!("not queued: {other:?}"),
        }
    }

    pub(super) async fn claim_next(&self) -> Option<RunId> {
        self.world.store.claim_next(id(), LEASE, ClaimLimits::NONE).await.unwrap().map(|claim| claim.run.id)
    }

    /// Ends the run, or another one of the connection, so.
    pub(super) async fn ends(&self, connection: &Connection, run: RunId, effect: ConnectionEffect) -> Connection {
        let claim = self.world.claim(run).await.expect("a free run");
        self.finish(&claim.lease, effect).await;
        self.read(connection).await
    }

    pub(super) async fn finish(&self, lease: &Lease, effect: ConnectionEffect) {
        let end = RunEnd { status: RunStatus::Failed, error: None, connection: effect };
        self.world.store.finish_run(lease, &end).await.unwrap();
    }

    /// A run that a person asks for ends so.
    pub(super) async fn manual(&self, connection: &Connection, effect: ConnectionEffect) -> Connection {
        let run = queue(&*self.world.store, connection.tenant, connection.id).await;
        self.ends(connection, run, effect).await
    }

    /// A run of the connection, with a plan that is held.
    pub(super) async fn holds(&self, connection: &Connection) -> RunId {
        let run = queue(&*self.world.store, connection.tenant, connection.id).await;
        let lease = self.world.claim(run).await.expect("a free run").lease;
        self.world.stage(&lease, vec![creates(1, "ext-1", "one@acme.example")]).await;
        self.world.hold(&lease).await;
        run
    }

    /// A person approves all of a held plan.
    pub(super) async fn approves(&self, run: RunId) {
        let (by, tenant) = (Actor::SYSTEM, self.world.tenant);
        let approval = self.world.store.approve_run(by, tenant, run, &digest(), &Choice::All).await.unwrap();
        assert!(matches!(approval, Approval::Approved(_)), "{approval:?}");
    }

    pub(super) async fn update(
        &self,
        connection: &Connection,
        change: impl FnOnce(&mut ConnectionUpdate),
    ) -> Connection {
        let current = self.read(connection).await;
        let mut update = ConnectionUpdate {
            display_name: current.display_name.clone(),
            group_id: current.group_id.clone(),
            default_role: current.default_role.clone(),
            policy: current.policy.clone(),
            schedule: current.schedule.clone(),
            paused: current.state == ConnectionState::Paused,
        };
        change(&mut update);
        let (tenant, id, seen) = (current.tenant, current.id, current.updated_at);
        match self.world.store.update_connection(Actor::SYSTEM, tenant, id, seen, &update).await.unwrap() {
            UpdatedConnection::Done(connection) => *connection,
            other => panic!("not updated: {other:?}"),
        }
    }
}

pub(super) fn clock(seconds: &Arc<AtomicI64>) -> Clock {
    let seconds = seconds.clone();
    Clock::new(move || second(BEGIN) + TimeDelta::seconds(seconds.load(Ordering::SeqCst)))
}

/// A connection whose starts and pauses are not spread: its id has nothing random.
pub(super) fn punctual(tenant: TenantId) -> NewConnection {
    let (ordered, _) = id().as_u64_pair();
    NewConnection { id: ConnectionId(Uuid::from_u64_pair(ordered, 0)), ..new_connection(tenant) }
}

#[expect(clippy::unnecessary_wraps, reason = "as the connection has it")]
pub(super) fn on_first_of_march(time: &str) -> Option<DateTime<Utc>> {
    Some(second(&format!("2026-03-01T{time}Z")))
}

pub(super) fn quarantine() -> ConnectionEffect {
    ConnectionEffect::Quarantine("Mend it.".to_owned())
}
