//! The product writes users in the very moment in which a batch is applied.

use std::time::{Duration, Instant};

use directory_core::RunId;
use sqlx::{PgConnection, PgPool};
use store::{
    Actor, Applied, Choice, Connections, Ending, NewRun, Outcome, Progress, RunMode, RunPhase, RunStatus, Runs,
    StoreError, Trigger,
};
use store_postgres::PostgresStore;
use tokio::task::JoinHandle;

use crate::{
    database::execute,
    fixture::{Fixture, creates, renames},
};

/// Lets a batch run into a lock that somebody else holds, and returns once it waits.
async fn start_until_blocked(
    fixture: &Fixture,
    store: PostgresStore,
    lease: store::Lease,
) -> JoinHandle<Result<Applied, StoreError>> {
    let batch = tokio::spawn(async move { store.apply_batch(&lease, 100).await });
    until_waiting(fixture, 1, || batch.is_finished()).await;
    batch
}

/// Returns once so many sessions wait for a lock.
pub(crate) async fn until_waiting(fixture: &Fixture, sessions: i64, over: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while waiting(&fixture.database.product).await < sessions {
        assert!(Instant::now() < deadline && !over(), "the batch was to wait for the other writer");
        tokio::task::yield_now().await;
    }
}

async fn waiting(pool: &PgPool) -> i64 {
    sqlx::query_scalar(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
    )
    .fetch_one(pool)
    .await
    .unwrap()
}

/// The product takes an address, in an open transaction.
async fn take_address(fixture: &Fixture, connection: &mut PgConnection, email: &str) {
    let sql = format!("INSERT INTO users (tenant_id, email) VALUES ('{}', '{email}')", fixture.tenant);
    execute(connection, &sql).await.unwrap();
}

#[tokio::test]
async fn an_address_taken_meanwhile_makes_one_change_stale() {
    let fixture = Fixture::new().await;
    let changes = vec![creates(1, "wanted@acme.example", "A"), creates(2, "free@acme.example", "B")];
    let lease = fixture.planned(changes).await;
    let mut product = fixture.database.product.begin().await.unwrap();
    take_address(&fixture, &mut product, "Wanted@acme.example").await;
    let batch = start_until_blocked(&fixture, fixture.store.clone(), lease).await;
    product.commit().await.unwrap();
    assert!(!batch.await.unwrap().unwrap().more);
    assert_eq!(fixture.outcomes(&lease).await, [Outcome::Stale, Outcome::Applied]);
    assert_eq!(fixture.database.number("SELECT count(*) FROM users").await, 2);
    let run = fixture.store.run(fixture.tenant, lease.run).await.unwrap().unwrap();
    assert_eq!((run.counts.created, run.exceptions), (1, 1), "the attempt that was rolled back counts nothing");
}

#[tokio::test]
async fn an_address_given_back_meanwhile_is_used() {
    let fixture = Fixture::new().await;
    let lease = fixture.planned(vec![creates(1, "wanted@acme.example", "A")]).await;
    let mut product = fixture.database.product.begin().await.unwrap();
    take_address(&fixture, &mut product, "wanted@acme.example").await;
    let batch = start_until_blocked(&fixture, fixture.store.clone(), lease).await;
    product.rollback().await.unwrap();
    batch.await.unwrap().unwrap();
    assert_eq!(fixture.outcomes(&lease).await, [Outcome::Applied]);
}

/// The product holds one user and waits for another one, which the batch has locked, and the batch comes to the first
/// one: one of the two has to give way. The batch does, and sees what the product wrote.
#[tokio::test]
async fn a_deadlock_makes_the_batch_start_over() {
    let fixture = Fixture::new().await;
    let first = fixture.local_user("first@acme.example").await;
    let second = fixture.local_user("second@acme.example").await;
    let third = fixture.local_user("third@acme.example").await;
    let changes = vec![renames(1, &first, "1"), renames(2, &second, "2"), renames(3, &third, "3")];
    let lease = fixture.planned(changes).await;
    let write = |user: &store::UserRecord| format!("UPDATE users SET role = 'owner' WHERE id = '{}'", user.user.id);

    // Who waits for longer than this looks for a deadlock and, when there is one, is ended: that shall be the batch.
    let sessions = |patience| fixture.database.sessions_with("deadlock_timeout", patience);
    let mut product = sessions("1h").await.begin().await.unwrap();
    execute(&mut product, &write(&third)).await.unwrap();
    // Somebody else stops the batch between its first and its last user.
    let mut gate = fixture.database.product.begin().await.unwrap();
    execute(&mut gate, &write(&second)).await.unwrap();
    let impatient = PostgresStore::from_pool(sessions("10ms").await);
    let batch = start_until_blocked(&fixture, impatient, lease).await;
    let write_first = write(&first);
    let product = tokio::spawn(async move {
        execute(&mut product, &write_first).await.unwrap();
        product.commit().await.unwrap();
    });
    until_waiting(&fixture, 2, || batch.is_finished()).await;
    gate.rollback().await.unwrap();

    product.await.unwrap();
    batch.await.unwrap().unwrap();
    assert_eq!(fixture.outcomes(&lease).await, [Outcome::Stale, Outcome::Applied, Outcome::Stale]);
}

/// What keeps failing is not tried for ever. A sequence counts the attempts: it is not rolled back with them.
#[tokio::test]
async fn attempts_are_bounded() {
    let fixture = Fixture::new().await;
    let lease = fixture.planned(vec![creates(1, "a@acme.example", "A")]).await;
    for sql in [
        "CREATE SEQUENCE attempts",
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             PERFORM nextval('attempts');
             RAISE unique_violation USING MESSAGE = 'already there: ' || NEW.email;
         END $$",
        "CREATE TRIGGER refuse BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION refuse()",
    ] {
        fixture.database.sql(sql).await;
    }
    let error = fixture.store.apply_batch(&lease, 10).await.unwrap_err();
    assert!(matches!(error, StoreError::Database(_)), "{error:?}");
    assert_eq!(fixture.database.number("SELECT last_value FROM attempts").await, 5);
    assert!(!format!("{error:?}").contains("acme"), "{error:?}");
    assert_eq!(fixture.outcomes(&lease).await, [Outcome::Planned]);
}

/// A batch that waits, as for a product's transaction, keeps neither the heartbeat nor a person waiting; cancelled meanwhile,
/// it was in vain as a whole.
#[tokio::test]
async fn a_waiting_batch_keeps_nobody_else_waiting() {
    let fixture = Fixture::new().await;
    let lease = fixture.planned(vec![creates(1, "wanted@acme.example", "A"), creates(2, "b@acme.example", "B")]).await;
    let mut product = fixture.database.product.begin().await.unwrap();
    take_address(&fixture, &mut product, "wanted@acme.example").await;
    let batch = start_until_blocked(&fixture, fixture.store.clone(), lease).await;
    let progress = Progress { phase: RunPhase::Applying, seen: 2 };
    fixture.store.renew(&lease, Duration::from_secs(30), progress).await.unwrap();
    let cancelled = fixture.store.cancel_run(Actor::SYSTEM, fixture.tenant, lease.run).await.unwrap();
    assert!(matches!(&cancelled, Ending::Ended(run) if run.applied_changes == 0), "{cancelled:?}");
    product.rollback().await.unwrap();
    let done = batch.await.unwrap();
    assert!(matches!(done, Err(StoreError::LeaseLost)), "{done:?}");
    assert_eq!(fixture.outcomes(&lease).await, [Outcome::Planned, Outcome::Planned]);
    assert_eq!(fixture.database.number("SELECT count(*) FROM users").await, 0);
}

/// A person approves a plan in the very moment in which a newer run is asked for, and the connection is deleted in the very
/// moment of either: one comes first, and nobody hears of locks.
#[tokio::test(flavor = "multi_thread")]
async fn decisions_about_one_connection_take_turns() {
    for _ in 0..15 {
        let fixture = Fixture::new().await;
        let run = fixture.held((1..=300).map(|n| creates(n, &format!("{n}@acme.example"), "A")).collect()).await;
        let (store, tenant, connection) = (&fixture.store, fixture.tenant, fixture.connection);
        let digest = "d".repeat(64);
        let only = Choice::Only(vec![1]);
        let id = RunId(uuid::Uuid::now_v7());
        let (mode, trigger) = (RunMode::Full, Trigger::Manual);
        let newer = NewRun { id, tenant, connection, mode, trigger, dry_run: false, draft: None };
        let (approval, created, deleted) = tokio::join!(
            store.approve_run(Actor::SYSTEM, tenant, run, &digest, &only),
            store.create_run(Actor::SYSTEM, &newer),
            store.delete_connection(Actor::SYSTEM, tenant, connection),
        );
        approval.unwrap();
        created.unwrap();
        assert!(deleted.unwrap());
        for run in [run, id] {
            let status = store.run(tenant, run).await.unwrap().map(|run| run.status);
            assert!(status.is_none_or(|status| !status.is_active() && status != RunStatus::Held), "{status:?}");
        }
    }
}
