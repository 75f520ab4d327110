//! The feed while several transactions write it at once.

use std::time::Duration;

use directory_core::{PlanSummary, RunId};
use sqlx::{PgConnection, Postgres, Transaction};
use store::{
    Actor, ConnectionEffect, Connections, Event, EventFilter, EventId, Events, Feed, HeldPlan, Lease, ModeReason,
    PlanNext, Reading, RunEnd, RunStatus, Runs, StagedPage,
};
use store_postgres::PostgresStore;

use crate::{
    database::execute,
    fixture::{Fixture, add_connection, add_tenant, creates, queue},
    interference::until_waiting,
};

/// A reader that keeps its place.
struct Reader<'a> {
    fixture: &'a Fixture,
    after: Option<EventId>,
}

impl<'a> Reader<'a> {
    fn of(fixture: &'a Fixture) -> Self {
        Self { fixture, after: None }
    }

    /// What is new.
    async fn read(&mut self) -> Vec<Event> {
        let Fixture { store, tenant, .. } = self.fixture;
        match store.events(*tenant, self.after, &EventFilter::default(), 100).await.unwrap() {
            Feed::Page(page) => {
                self.after = Some(page.next);
                page.events
            }
            Feed::Gone => panic!("nothing was deleted"),
        }
    }

    /// The runs whose end is new.
    async fn runs(&mut self) -> Vec<RunId> {
        self.read().await.into_iter().filter_map(|event| event.run).collect()
    }
}

/// Somebody ends a run, in an open transaction.
async fn end(connection: &mut PgConnection, run: RunId) {
    let sql = format!("UPDATE sync_runs SET status = 'cancelled', finished_at = now() WHERE id = '{run}'");
    assert_eq!(execute(connection, &sql).await.unwrap(), 1);
}

async fn run(fixture: &Fixture) -> RunId {
    let connection = add_connection(&fixture.store, fixture.tenant).await;
    queue(&fixture.store, fixture.tenant, connection).await
}

/// Who writes first and commits last is not skipped: what was committed meanwhile waits for it, and then both are told.
#[tokio::test]
async fn a_transaction_that_commits_late_is_not_skipped() {
    let fixture = Fixture::new().await;
    let mut reader = Reader::of(&fixture);
    let (early, late) = (run(&fixture).await, run(&fixture).await);
    let mut slow = fixture.database.product.begin().await.unwrap();
    end(&mut slow, late).await;
    fixture.store.cancel_run(Actor::SYSTEM, fixture.tenant, early).await.unwrap();
    assert_eq!(fixture.database.number("SELECT count(*) FROM events").await, 1, "it is committed");
    assert_eq!(reader.runs().await, [], "and is not told yet");
    let end = fixture.store.latest_event(fixture.tenant).await.unwrap();
    assert_eq!(end, EventId::START, "who begins at the end now begins before it");
    slow.commit().await.unwrap();
    assert_eq!(reader.runs().await, [late, early]);
    assert_eq!(reader.runs().await, []);
}

/// Transactions that begin, write and end in all kinds of order, some of them in vain, while a reader looks after every
/// step: it is told of each that was committed once, and of no other.
#[tokio::test]
async fn overlapping_transactions_are_told_once_each() {
    let fixture = Fixture::new().await;
    let mut reader = Reader::of(&fixture);
    // Which step is next follows from a linear congruence: the same each time.
    let mut chance: u32 = 7;
    let mut below = |limit: usize| {
        chance = chance.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (chance >> 16) as usize % limit
    };
    let mut open: Vec<(Transaction<'static, Postgres>, RunId)> = Vec::new();
    let (mut committed, mut told, mut waited) = (Vec::new(), Vec::new(), false);
    let mut left = 40;
    while left > 0 || !open.is_empty() {
        if left > 0 && open.len() < 3 && (open.is_empty() || below(2) == 0) {
            left -= 1;
            let run = run(&fixture).await;
            let mut tx = fixture.database.product.begin().await.unwrap();
            end(&mut tx, run).await;
            open.push((tx, run));
        } else {
            let (tx, run) = open.swap_remove(below(open.len()));
            if below(4) == 0 {
                tx.rollback().await.unwrap();
            } else {
                tx.commit().await.unwrap();
                committed.push(run);
            }
        }
        told.extend(reader.runs().await);
        waited |= told.len() < committed.len();
    }
    assert!(waited, "something was committed before it could be told");
    assert_ne!(told, committed, "not in the order of commits");
    told.sort_unstable();
    committed.sort_unstable();
    assert_eq!(told, committed);
}

/// Whoever has said that it takes a number, and has not said which, may have any.
#[tokio::test]
async fn a_number_that_is_not_known_yet_holds_the_feed_back() {
    let fixture = Fixture::new().await;
    let mut reader = Reader::of(&fixture);
    let (first, second) = (run(&fixture).await, run(&fixture).await);
    fixture.store.cancel_run(Actor::SYSTEM, fixture.tenant, first).await.unwrap();
    let mut between = fixture.database.product.begin().await.unwrap();
    execute(&mut between, "SELECT pg_advisory_xact_lock_shared(directory_event_lock(0))").await.unwrap();
    fixture.store.cancel_run(Actor::SYSTEM, fixture.tenant, second).await.unwrap();
    assert_eq!(reader.runs().await, []);
    between.rollback().await.unwrap();
    assert_eq!(reader.runs().await, [first, second]);
}

/// A transaction that tells nothing holds nothing up, however long it takes; nor does one in another database.
#[tokio::test]
async fn other_transactions_do_not_matter() {
    let (fixture, elsewhere) = (Fixture::new().await, Fixture::new().await);
    let mut product = fixture.database.product.begin().await.unwrap();
    let sql = format!("INSERT INTO users (tenant_id, email) VALUES ('{}', 'a@acme.example')", fixture.tenant);
    execute(&mut product, &sql).await.unwrap();
    let mut other = elsewhere.database.product.begin().await.unwrap();
    end(&mut other, run(&elsewhere).await).await;
    let run = run(&fixture).await;
    fixture.store.cancel_run(Actor::SYSTEM, fixture.tenant, run).await.unwrap();
    assert_eq!(Reader::of(&fixture).runs().await, [run]);
    product.rollback().await.unwrap();
    other.rollback().await.unwrap();
}

/// A way for a run's story to go on that an event tells of.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    Finish,
    Quarantine,
    Hold,
    Reject,
    Supersede,
    Cancel,
    Disconnect,
}

impl Way {
    async fn go(self, store: &PostgresStore, lease: Lease, connection: directory_core::ConnectionId) {
        let (by, tenant) = (Actor::SYSTEM, lease.tenant);
        let end = |connection| RunEnd { status: RunStatus::Failed, error: None, connection };
        match self {
            Self::Finish => drop(store.finish_run(&lease, &end(ConnectionEffect::Keep)).await.unwrap()),
            Self::Quarantine => {
                let effect = ConnectionEffect::Quarantine("Mend it.".to_owned());
                drop(store.finish_run(&lease, &end(effect)).await.unwrap());
            }
            Self::Hold => hold(store, &lease).await,
            Self::Reject => drop(store.reject_run(by, tenant, lease.run).await.unwrap()),
            Self::Supersede => drop(queue(store, tenant, connection).await),
            Self::Cancel => drop(store.cancel_run(by, tenant, lease.run).await.unwrap()),
            Self::Disconnect => assert!(store.delete_connection(by, tenant, connection).await.unwrap()),
        }
    }
}

async fn hold(store: &PostgresStore, lease: &Lease) {
    let next = PlanNext::Hold(HeldPlan { digest: "d".repeat(64), reasons: Vec::new() });
    let reading = Reading::full(ModeReason::Requested);
    store.finish_plan(lease, &PlanSummary::default(), &reading, &next).await.unwrap();
}

const STAGED: &str = "SELECT 1 FROM sync_changes FOR UPDATE";
const CONNECTIONS: &str = "SELECT 1 FROM connections FOR NO KEY UPDATE";

/// Whoever tells an event takes its number when all else is done: dropping a great many staged changes, or waiting for
/// somebody who has the connection, holds the feed back for nobody.
#[tokio::test]
async fn a_number_is_taken_last() {
    for (way, obstacle) in [
        (Way::Finish, STAGED),
        (Way::Cancel, STAGED),
        (Way::Disconnect, STAGED),
        (Way::Disconnect, CONNECTIONS),
        (Way::Quarantine, CONNECTIONS),
        (Way::Hold, CONNECTIONS),
        (Way::Reject, CONNECTIONS),
        (Way::Supersede, CONNECTIONS),
    ] {
        takes_its_number_last(way, obstacle).await;
    }
}

async fn takes_its_number_last(way: Way, obstacle: &str) {
    let fixture = Fixture::new().await;
    let mut reader = Reader::of(&fixture);
    let claim = fixture.claim(queue(&fixture.store, fixture.tenant, fixture.connection).await).await;
    let changes = vec![creates(1, "a@acme.example", "A")];
    fixture.store.stage(&claim.lease, &StagedPage { retracted: Vec::new(), changes }).await.unwrap();
    if matches!(way, Way::Reject | Way::Supersede) {
        hold(&fixture.store, &claim.lease).await;
        assert_eq!(reader.runs().await, [claim.lease.run]);
    }
    let other = run(&fixture).await;
    let mut obstructor = fixture.database.product.begin().await.unwrap();
    execute(&mut obstructor, obstacle).await.unwrap();
    let (store, connection) = (fixture.store.clone(), fixture.connection);
    let going = tokio::spawn(async move { way.go(&store, claim.lease, connection).await });
    until_waiting(&fixture, 1, || going.is_finished()).await;
    fixture.store.cancel_run(Actor::SYSTEM, fixture.tenant, other).await.unwrap();
    assert_eq!(reader.runs().await, [other], "{way:?}");
    obstructor.rollback().await.unwrap();
    going.await.unwrap();
    assert_eq!(reader.runs().await, [claim.lease.run], "{way:?}");
}

/// Who deletes a tenant's events has the tenant to itself; another server's housekeeping goes on with the others'.
#[tokio::test]
async fn a_tenant_that_is_being_cleaned_is_left_to_whoever_does() {
    let fixture = Fixture::new().await;
    let other = add_tenant(&fixture.store, "other").await;
    for tenant in [fixture.tenant, other] {
        let sql = format!(
            "INSERT INTO events (tenant_id, kind, connection_id, data, at)
             SELECT '{tenant}', 'run.held', '{}', '{{}}', '2001-01-01' FROM generate_series(1, 3)",
            fixture.connection
        );
        fixture.database.sql(&sql).await;
    }
    let mut elsewhere = fixture.database.product.begin().await.unwrap();
    let lock = format!("SELECT 1 FROM tenants WHERE id = '{}' FOR NO KEY UPDATE", fixture.tenant);
    execute(&mut elsewhere, &lock).await.unwrap();
    // Who waits for it fails.
    let impatient = PostgresStore::from_pool(fixture.database.sessions_with("lock_timeout", "100ms").await);
    while impatient.delete_old_events(Duration::from_hours(24), 10).await.unwrap() {}
    let left = format!("SELECT count(*) FROM events WHERE tenant_id = '{}'", fixture.tenant);
    assert_eq!(fixture.database.number("SELECT count(*) FROM events").await, 3);
    assert_eq!(fixture.database.number(&left).await, 3);
    elsewhere.rollback().await.unwrap();
    while impatient.delete_old_events(Duration::from_hours(24), 10).await.unwrap() {}
    assert_eq!(fixture.database.number("SELECT count(*) FROM events").await, 0);
}
