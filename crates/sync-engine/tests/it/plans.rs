//! What runs plan and do when nothing goes wrong.

use directory_core::{Action, DirectoryEntry, ExternalId, fake::FakeDirectory};
use store::{Outcome, RunStatus};

use crate::support::{Bench, person};

#[tokio::test]
async fn a_run_creates_and_the_next_one_has_nothing_to_do() {
    let bench = Bench::listing(&["ann", "bob", "cid", "dan", "eve"]).await;
    let connection = bench.connection().await;
    let run = bench.sync(&connection, false).await;
    assert_eq!((run.status, run.counts.seen, run.counts.created), (RunStatus::Succeeded, 5, 5));
    assert_eq!((run.planned_changes, run.plan_digest.as_deref()), (Some(5), None));
    assert!(bench.changes(&run).await.iter().all(|change| change.outcome == Outcome::Applied && change.user.is_some()));
    assert_eq!(bench.addresses().await.len(), 5);
    let run = bench.sync(&connection, false).await;
    assert_eq!((run.status, run.counts.unchanged), (RunStatus::Succeeded, 5));
    assert!(bench.changes(&run).await.is_empty());
}

#[tokio::test]
async fn a_dry_run_stops_after_the_check_and_its_digest_is_the_plans() {
    let bench = Bench::new(|n| {
        let names: &[&str] = if n < 3 { &["ann", "bob"] } else { &["ann", "cid"] };
        Box::new(FakeDirectory::complete(vec![names.iter().map(|name| person(name)).collect()]))
    })
    .await;
    let connection = bench.connection().await;
    let first = bench.sync(&connection, true).await;
    assert_eq!((first.status, first.counts.created), (RunStatus::Planned, 2));
    assert!(bench.addresses().await.is_empty(), "nothing is written to users");
    let changes = bench.changes(&first).await;
    assert!(changes.iter().all(|change| change.outcome == Outcome::Planned && change.action == Action::Create));
    let second = bench.sync(&connection, true).await;
    let third = bench.sync(&connection, true).await;
    assert_eq!(first.plan_digest.as_ref().unwrap().len(), 64);
    assert_eq!(first.plan_digest, second.plan_digest, "the same plan");
    assert_ne!(second.plan_digest, third.plan_digest, "another plan");
}

#[tokio::test]
async fn a_plan_over_the_limit_is_held_and_superseded_by_a_newer_run() {
    let bench = Bench::new(|n| {
        let people = if n == 2 { vec![] } else { vec![vec![person("ann"), person("bob")]] };
        Box::new(FakeDirectory::complete(people))
    })
    .await;
    let connection = bench.connection().await;
    bench.sync(&connection, false).await;
    let held = bench.sync(&connection, false).await;
    assert_eq!((held.status, held.counts.deactivated, held.hold.len()), (RunStatus::Held, 2, 1));
    assert_eq!(held.finished_at, None);
    assert_eq!(bench.sync(&connection, true).await.status, RunStatus::Planned);
    assert_eq!(bench.run(&held).await.status, RunStatus::Held, "a dry run supersedes nothing");
    assert_eq!(bench.sync(&connection, false).await.counts.unchanged, 2);
    assert_eq!(bench.run(&held).await.status, RunStatus::Superseded);
}

#[tokio::test]
async fn absent_users_are_found_over_many_pages() {
    let names: Vec<String> = (0..40).map(|n| format!("p{n:02}")).collect();
    let bench = Bench::new(move |n| {
        let people = names.iter().filter(|name| n == 1 || !name.ends_with('7')).map(|name| person(name));
        Box::new(FakeDirectory::complete(people.collect::<Vec<_>>().chunks(7).map(<[_]>::to_vec).collect()))
    })
    .await;
    let connection = bench.connection().await;
    assert_eq!(bench.sync(&connection, false).await.counts.created, 40);
    let run = bench.sync(&connection, false).await;
    assert_eq!((run.counts.deactivated, run.counts.unchanged), (4, 36));
}

#[tokio::test]
async fn conflicts_end_a_run_as_completed_with_errors() {
    let unreadable = DirectoryEntry::Unreadable(ExternalId::parse("id-x"));
    let bench =
        Bench::new(move |_| Box::new(FakeDirectory::complete(vec![vec![person("ann"), unreadable.clone()]]))).await;
    let run = bench.sync(&bench.connection().await, false).await;
    assert_eq!((run.status, run.counts.created, run.counts.conflicts), (RunStatus::CompletedWithErrors, 1, 1));
}
