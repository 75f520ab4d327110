//! What administrators decide about a connection: previews, whom it ignores, deleting and registering it again.

use directory_core::{ExternalId, FailureKind, Policy, fake::FakeDirectory};
use store::{Actor, ConnectionState, CreatedRun, Draft, IdPage, Run, RunStatus, UserFilter};
use sync_engine::EngineOptions;
use tokio_util::sync::CancellationToken;

use crate::support::{Bench, failure, person};

fn draft(group: &str) -> Draft {
    let policy = Policy { deactivate_missing: false, ..Policy::default_for(true) };
    Draft { group_id: Some(group.to_owned()), default_role: "reader".to_owned(), policy }
}

async fn preview(bench: &Bench, connection: &store::Connection, draft: Draft) -> Run {
    let created = bench.engine.request_preview(Actor::SYSTEM, bench.tenant, connection.id, draft).await.unwrap();
    let CreatedRun::Queued(run) = created else { panic!("{created:?}") };
    bench.engine.execute(bench.claim(&run).await, &CancellationToken::new()).await;
    bench.run(&run).await
}

#[tokio::test]
async fn a_preview_plans_with_the_draft_and_saves_nothing_but_the_run() {
    let bench = Bench::listing(&["ann", "bob"]).await;
    let connection = bench.connection().await;
    let run = preview(&bench, &connection, draft("g")).await;
    assert_eq!((run.status, run.counts.created, run.draft.as_ref()), (RunStatus::Planned, 2, Some(&draft("g"))));
    assert_eq!(bench.changes(&run).await[0].after.role.as_deref(), Some("reader"), "the draft's role");
    assert!(bench.addresses().await.is_empty());
    let stored = bench.store.connection(bench.tenant, connection.id).await.unwrap();
    assert_eq!(stored, Some(connection.clone()));
    let run = bench.sync(&connection, true).await;
    assert_eq!(
        bench.changes(&run).await[0].after.role.as_deref(),
        Some("member"),
        "the next run is the connection's own"
    );
}

#[tokio::test]
async fn a_preview_that_fails_quarantines_nothing() {
    let bench = Bench::new(|_| Box::new(FakeDirectory::failing(vec![], failure(FailureKind::Configuration)))).await;
    let connection = bench.connection().await;
    let run = preview(&bench, &connection, draft("no such group")).await;
    assert_eq!((run.status, run.error.unwrap().message.as_str()), (RunStatus::Failed, "It broke."));
    let stored = bench.store.connection(bench.tenant, connection.id).await.unwrap().unwrap();
    assert_eq!((stored.state, stored.state_reason), (ConnectionState::Active, None));
}

#[tokio::test]
async fn ignored_directory_users_are_left_alone_until_they_are_heeded_again() {
    let bench = Bench::listing(&["ann", "bob", "cid"]).await;
    let connection = bench.connection().await;
    let bob = ExternalId::parse("id-bob").unwrap();
    assert!(bench.store.ignore_user(Actor::SYSTEM, bench.tenant, connection.id, &bob).await.unwrap());
    let run = bench.sync(&connection, false).await;
    assert_eq!((run.counts.seen, run.counts.created, run.counts.excluded), (3, 2, 1));
    assert!(bench.store.heed_user(Actor::SYSTEM, bench.tenant, connection.id, &bob).await.unwrap());
    let run = bench.sync(&connection, false).await;
    assert_eq!((run.counts.created, run.counts.unchanged), (1, 2));
}

#[tokio::test]
async fn a_long_list_of_ignored_users_is_read_to_its_end() {
    let bench = Bench::listing(&["ann", "p1500"]).await;
    let connection = bench.connection().await;
    for n in 0..1_501 {
        let id = ExternalId::parse(&format!("id-p{n}")).unwrap();
        assert!(bench.store.ignore_user(Actor::SYSTEM, bench.tenant, connection.id, &id).await.unwrap());
    }
    let run = bench.sync(&connection, false).await;
    assert_eq!((run.counts.created, run.counts.excluded), (1, 1));
}

#[tokio::test]
async fn a_directory_that_is_registered_again_governs_its_users_again() {
    let bench = Bench::new(|n| {
        let names: &[&str] = if n == 1 { &["ann", "bob", "cid"] } else { &["ann", "bob"] };
        Box::new(FakeDirectory::complete(vec![names.iter().map(|name| person(name)).collect()]))
    })
    .await;
    let connection = bench.connection().await;
    assert_eq!(bench.sync(&connection, false).await.counts.created, 3);
    assert!(bench.store.delete_connection(Actor::SYSTEM, bench.tenant, connection.id).await.unwrap());
    let page = IdPage { after: None, limit: 10 };
    let users = bench.store.users(bench.tenant, &UserFilter::default(), page).await.unwrap();
    assert!(users.iter().all(|user| user.user.status == directory_core::UserStatus::Active), "deleting touches nobody");

    let again = bench.connection().await;
    assert_eq!(again.id, connection.id);
    let run = bench.sync(&again, false).await;
    // The one who left meanwhile is found too.
    assert_eq!((run.counts.created, run.counts.linked, run.counts.unchanged, run.counts.deactivated), (0, 0, 2, 1));
    let other = bench.connection().await;
    assert_ne!(other.id, again.id, "a second connection of the directory is another one");
}

#[tokio::test]
async fn a_worker_deletes_old_changes_and_keeps_the_runs() {
    let bench = Bench::listing(&["ann", "bob"]).await;
    let run = bench.sync(&bench.connection().await, false).await;
    assert_eq!(bench.changes(&run).await.len(), 2);
    // Everything is old at once.
    let at_once = Some(std::time::Duration::ZERO);
    let options = EngineOptions { keep_changes: at_once, keep_events: at_once, ..crate::support::quick() };
    let stop = CancellationToken::new();
    let worker =
        tokio::spawn(sync_engine::Worker::new(bench.engine.clone().with_options(options), 1).run(stop.clone()));
    while bench.run(&run).await.changes_deleted_at.is_none() {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert!(bench.changes(&run).await.is_empty());
    assert_eq!(bench.run(&run).await.counts, run.counts);
    stop.cancel();
    worker.await.unwrap();
}
