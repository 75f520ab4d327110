//! What a run reads: everybody, or what changed since an earlier run.

use std::time::Duration;

use directory_core::{
    Continuation, DirectoryEntry, DirectoryProvider, DirectoryUser, ExternalId, FailureKind, fake::FakeDirectory,
};
use store::{Connection, ModeReason, Run, RunMode, RunStatus};
use sync_engine::EngineOptions;

use crate::support::{Bench, failure, person, quick};

fn id(text: &str) -> ExternalId {
    ExternalId::parse(text).unwrap()
}

fn user(name: &str) -> DirectoryUser {
    let DirectoryEntry::Present(user) = person(name) else { panic!("a person is present") };
    user
}

fn place(name: &str) -> Continuation {
    Continuation::new(name.to_owned())
}

fn everybody(entries: Vec<DirectoryEntry>, leaves: &str) -> Box<dyn DirectoryProvider> {
    Box::new(FakeDirectory::complete(vec![entries]).leaving(place(leaves)))
}

fn changes(entries: Vec<DirectoryEntry>, leaves: &str) -> Box<dyn DirectoryProvider> {
    Box::new(FakeDirectory::incremental(vec![entries]).leaving(place(leaves)))
}

fn refusal(kind: FailureKind) -> Box<dyn DirectoryProvider> {
    Box::new(FakeDirectory::failing(vec![vec![person("eve")]], failure(kind)).leaving(place("never")))
}

async fn read(bench: &Bench, connection: &Connection) -> (RunMode, ModeReason, Run) {
    let run = bench.sync(connection, false).await;
    (run.mode, run.mode_reason.expect("a run that read something says how"), run)
}

fn asked(bench: &Bench) -> Vec<(String, Vec<ExternalId>)> {
    bench.asked.lock().unwrap().clone()
}

#[tokio::test]
async fn a_run_goes_on_from_where_the_one_before_left() {
    let bench = Bench::new(|n| match n {
        1 => everybody(vec![person("ann"), person("bob")], "first"),
        2 => changes(vec![DirectoryEntry::Removed(id("id-ann")), person("cid")], "second"),
        _ => changes(vec![], "third"),
    })
    .await;
    let connection = bench.connection().await;
    let (mode, reason, _) = read(&bench, &connection).await;
    assert_eq!((mode, reason), (RunMode::Full, ModeReason::NoContinuation));
    let (mode, reason, run) = read(&bench, &connection).await;
    assert_eq!((mode, reason), (RunMode::Delta, ModeReason::Continued));
    assert_eq!((run.counts.created, run.counts.deactivated, run.counts.seen), (1, 1, 2));
    let (_, _, run) = read(&bench, &connection).await;
    assert_eq!(run.counts.seen, 0);
    assert_eq!(asked(&bench), [("first".to_owned(), vec![]), ("second".to_owned(), vec![])]);
}

#[tokio::test]
async fn whoever_waits_for_a_decision_is_read_again() {
    let bench = Bench::new(|n| {
        let nobody = DirectoryEntry::Present(DirectoryUser { mail: None, ..user("ann") });
        match n {
            1 => everybody(vec![nobody, person("bob")], "first"),
            2 => changes(vec![nobody], "second"),
            3 => changes(vec![person("ann")], "third"),
            _ => changes(vec![], "fourth"),
        }
    })
    .await;
    let connection = bench.connection().await;
    for conflicts in [1, 1, 0, 0] {
        assert_eq!(bench.sync(&connection, false).await.counts.conflicts, conflicts);
    }
    let ann = vec![id("id-ann")];
    assert_eq!(
        asked(&bench),
        [("first".to_owned(), ann.clone()), ("second".to_owned(), ann), ("third".to_owned(), vec![])]
    );
    assert_eq!(bench.addresses().await, ["ann@example.org", "bob@example.org"]);
}

/// History is deleted a piece at a time: who is told of in what is left is not everybody who waited.
#[tokio::test]
async fn cases_of_which_some_are_deleted_are_not_counted_on() {
    let nobody = |name| DirectoryEntry::Present(DirectoryUser { mail: None, ..user(name) });
    let bench = Bench::new(move |_| everybody(vec![nobody("ann"), nobody("bob")], "a place")).await;
    let connection = bench.connection().await;
    let (_, _, run) = read(&bench, &connection).await;
    assert_eq!(run.counts.conflicts, 2);
    // It is old as soon as the clock has moved on.
    while bench.changes(&run).await.len() == 2 {
        bench.store.delete_old_changes(Duration::ZERO, 1).await.unwrap();
    }
    assert_eq!((bench.changes(&run).await.len(), bench.run(&run).await.changes_deleted_at), (1, None));
    let (mode, reason, _) = read(&bench, &connection).await;
    assert_eq!((mode, reason), (RunMode::Full, ModeReason::NoContinuation));
    assert_eq!(asked(&bench), []);
}

#[tokio::test]
async fn changes_that_are_of_no_use_make_way_for_a_whole_listing() {
    for kind in [FailureKind::ListingExpired, FailureKind::Protocol] {
        let bench = Bench::new(move |n| match n {
            1 => everybody(vec![person("ann")], "first"),
            2 => refusal(kind),
            3 => everybody(vec![person("ann"), person("bob")], "second"),
            _ => changes(vec![], "third"),
        })
        .await;
        let connection = bench.connection().await;
        read(&bench, &connection).await;
        let (mode, reason, run) = read(&bench, &connection).await;
        assert_eq!((mode, reason), (RunMode::Full, ModeReason::ContinuationExpired));
        assert_eq!((run.status, run.counts.created, run.counts.seen), (RunStatus::Succeeded, 1, 2), "eve is forgotten");
        read(&bench, &connection).await;
        assert_eq!(asked(&bench)[1].0, "second");
    }
}

#[tokio::test]
async fn a_run_that_fails_leaves_the_place_where_it_was() {
    let bench = Bench::new(|n| match n {
        1 => everybody(vec![person("ann")], "first"),
        2 => refusal(FailureKind::Configuration),
        _ => changes(vec![DirectoryEntry::Removed(id("id-ann"))], "second"),
    })
    .await;
    let connection = bench.connection().await;
    read(&bench, &connection).await;
    assert_eq!(bench.sync(&connection, false).await.status, RunStatus::Failed);
    let (mode, _, run) = read(&bench, &connection).await;
    assert_eq!((mode, run.counts.deactivated), (RunMode::Delta, 1));
    assert_eq!(asked(&bench).iter().map(|(since, _)| since.as_str()).collect::<Vec<_>>(), ["first", "first"]);
}

#[tokio::test]
async fn what_is_nobodys_is_told_again() {
    let bench = Bench::new(|n| match n {
        1 => everybody(vec![person("ann")], "first"),
        2 => changes(vec![DirectoryEntry::Unreadable(None)], "second"),
        _ => changes(vec![], "third"),
    })
    .await;
    let connection = bench.connection().await;
    for _ in 0..3 {
        bench.sync(&connection, false).await;
    }
    assert_eq!(asked(&bench).iter().map(|(since, _)| since.as_str()).collect::<Vec<_>>(), ["first", "first"]);
}

#[tokio::test]
async fn a_dry_run_leaves_the_place_where_it_was() {
    let bench = Bench::new(|n| match n {
        1 => everybody(vec![person("ann")], "first"),
        _ => changes(vec![DirectoryEntry::Removed(id("id-ann"))], "second"),
    })
    .await;
    let connection = bench.connection().await;
    read(&bench, &connection).await;
    let run = bench.sync(&connection, true).await;
    assert_eq!((run.status, run.counts.deactivated), (RunStatus::Planned, 1));
    assert_eq!(read(&bench, &connection).await.2.counts.deactivated, 1);
    assert_eq!(asked(&bench).iter().map(|(since, _)| since.as_str()).collect::<Vec<_>>(), ["first", "first"]);
}

/// Ann left, and then something of hers changed: whether she is back, only everybody tells.
#[tokio::test]
async fn a_change_that_does_not_tell_who_is_in_scope_makes_way_for_a_whole_listing() {
    let bench = Bench::new(|n| match n {
        1 => everybody(vec![person("ann"), person("bob")], "first"),
        2 => changes(vec![DirectoryEntry::Removed(id("id-ann"))], "second"),
        3 => changes(vec![DirectoryEntry::Changed(user("ann"))], "never"),
        4 => everybody(vec![person("bob")], "third"),
        _ => changes(vec![DirectoryEntry::Changed(user("bob"))], "fourth"),
    })
    .await;
    let connection = bench.connection().await;
    read(&bench, &connection).await;
    read(&bench, &connection).await;
    let (mode, reason, run) = read(&bench, &connection).await;
    assert_eq!((mode, reason, run.counts.seen), (RunMode::Full, ModeReason::ScopeUnclear, 1));
    assert_eq!((run.counts.created, run.counts.reactivated), (0, 0));
    let (mode, reason, run) = read(&bench, &connection).await;
    assert_eq!((mode, reason, run.counts.unchanged), (RunMode::Delta, ModeReason::Continued, 1));
    assert_eq!(asked(&bench)[2].0, "third");
}

#[tokio::test]
async fn everybody_is_read_when_it_is_time_again() {
    let mut bench = Bench::new(|n| everybody(vec![person("ann")], &format!("place {n}"))).await;
    bench.engine =
        bench.engine.clone().with_options(EngineOptions { full_sync_every: Some(Duration::ZERO), ..quick() });
    let connection = bench.connection().await;
    read(&bench, &connection).await;
    let (mode, reason, _) = read(&bench, &connection).await;
    assert_eq!((mode, reason), (RunMode::Full, ModeReason::ReconcileDue));
    assert!(asked(&bench).is_empty());
}

#[tokio::test]
async fn more_than_some_who_wait_are_read_with_everybody_else() {
    let bench = Bench::new(|_| {
        let nameless = |n| DirectoryUser { mail: None, ..user(&format!("p{n}")) };
        everybody((0..1_001).map(|n| DirectoryEntry::Present(nameless(n))).collect(), "place")
    })
    .await;
    let connection = bench.connection().await;
    assert_eq!(read(&bench, &connection).await.2.counts.conflicts, 1_001);
    let (mode, reason, _) = read(&bench, &connection).await;
    assert_eq!((mode, reason), (RunMode::Full, ModeReason::ManyOpenCases));
}

#[tokio::test]
async fn the_place_is_sealed_where_it_is_kept() {
    let bench = Bench::new(|_| everybody(vec![person("ann")], "from here on")).await;
    let connection = bench.connection().await;
    read(&bench, &connection).await;
    let kept = bench.store.continuation(bench.tenant, connection.id).await.unwrap().expect("a place").place.sealed;
    assert!(!kept.windows(9).any(|bytes| bytes == b"from here"), "in the clear");
    read(&bench, &connection).await;
    assert_eq!(asked(&bench)[0].0, "from here on", "and opened");
}
