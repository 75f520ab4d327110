//! Laws that hold for any users table, any directory, any writes of the product and any interruptions.

use std::collections::BTreeMap;

use directory_core::{Action, Counts, MaxDeactivations, UserId, UserStatus};
use proptest::{
    strategy::Strategy,
    test_runner::{Config, TestRunner},
};
use store::{ChangeRecord, Outcome, RunStatus};

use super::{
    disturbed::Meanwhile,
    product::Edit,
    story::{self, Stage, Story},
    world::{Bench, Met, Row, World},
};
use crate::support::Kind;

type Rows = BTreeMap<UserId, Row>;

/// A plan that deactivates more than a few is held: that too is to come out the same.
const SOME: MaxDeactivations = MaxDeactivations { percent: 50, count: 2 };
const ANY: MaxDeactivations = MaxDeactivations { percent: 100, count: 0 };

fn holds(kind: Kind, cases: u32, stories: &impl Strategy<Value = Story>, law: &impl AsyncFn(&Bench, &Story)) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let bench = runtime.block_on(Bench::new(kind));
    let config = Config { cases, max_shrink_iters: 300, failure_persistence: None, ..Config::default() };
    let told = TestRunner::new(config).run(stories, |story| {
        runtime.block_on(law(&bench, &story));
        Ok(())
    });
    told.unwrap_or_else(|failure| panic!("{failure}"));
}

#[test]
fn an_interrupted_run_ends_as_an_undisturbed_one_on_sqlite() {
    holds(Kind::Sqlite, 120, &story::of_interruptions(), &interruptions_leave_no_trace);
}

#[test]
fn an_interrupted_run_ends_as_an_undisturbed_one_on_postgres() {
    holds(Kind::Postgres, 30, &story::of_interruptions(), &interruptions_leave_no_trace);
}

#[test]
fn what_the_product_writes_meanwhile_is_as_if_before_or_after_on_sqlite() {
    holds(Kind::Sqlite, 60, &story::of_interference(), &interference_is_as_if_before_or_after);
}

#[test]
fn what_the_product_writes_meanwhile_is_as_if_before_or_after_on_postgres() {
    holds(Kind::Postgres, 20, &story::of_interference(), &interference_is_as_if_before_or_after);
}

/// Two worlds begin with the same users and see the same directories and, between the runs, the same writes of the
/// product. In one the runs are interrupted. After each run both have the same users, versions included; the runs have
/// ended the same way, with the same counts. There is one exception: a run that is taken up more often than allowed
/// without getting any further fails. Then the users are the same, but for their versions, once both worlds have been
/// through undisturbed runs on the same directory: two, since what a run that failed half-way had left to the next one
/// and what that one leaves to its next one (stale changes) are settled then.
async fn interruptions_leave_no_trace(bench: &Bench, story: &Story) {
    let world = bench.world(SOME).await;
    bench.plant(world, &story.seeds).await;
    let twin = bench.twin_of(world).await;
    let mut in_step = true;
    for stage in &story.stages {
        for edit in &stage.before {
            let written = bench.product.write(world, *edit).await.len();
            assert_eq!(bench.product.write(twin, *edit).await.len(), written, "the worlds are the same so far");
        }
        bench.show(stage.directory.pages());
        let before = bench.rows(world).await;
        let met = sync_through(bench, world, story.attempts, stage).await;
        obeys(world, &before, &met, &bench.rows(world).await);
        let calm = bench.sync(twin).await;
        assert_ne!(calm.run.status, RunStatus::Failed, "{:?}", calm.run);
        if met.run.status == RunStatus::Failed {
            // A claim counts, even if its process died before it learned of it.
            assert!(stage.interruptions.len() >= story.attempts as usize, "{:?}", met.run);
            assert!(met.run.error.as_ref().unwrap().message.contains("got no further"), "{:?}", met.run);
            in_step = false;
            for world in [world, twin] {
                bench.sync(world).await;
                bench.sync(world).await;
            }
        } else {
            assert_eq!((met.run.status, met.run.counts), (calm.run.status, calm.run.counts));
            assert_eq!(history(&met), history(&calm));
        }
        assert_eq!(texts(&bench.rows(world).await, in_step), texts(&bench.rows(twin).await, in_step));
    }
}

/// After a run during which the product wrote, and one more, the users are what they would be had each write come either
/// before the whole run or after it: before for some, after for others, as each met its user before or after the run
/// did. Compared are worlds that start with the same users; in them, some of the writes are made, then comes a run, then
/// the other writes, then one more run. A write must be told apart from others by whom it concerns, or this is not
/// true: see [`story::of_interference`].
async fn interference_is_as_if_before_or_after(bench: &Bench, story: &Story) {
    let world = bench.world(ANY).await;
    bench.plant(world, &story.seeds).await;
    for stage in &story.stages {
        bench.show(stage.directory.pages());
        let start = bench.twin_of(world).await;
        let before = bench.rows(world).await;
        let met = sync_through(bench, world, story.attempts, stage).await;
        obeys(world, &before, &met, &bench.rows(world).await);
        assert_ne!(met.run.status, RunStatus::Failed, "{:?}", met.run);
        bench.sync(world).await;
        let result = texts(&bench.rows(world).await, false);
        is_as_if_before_or_after(bench, start, &met.edits.made, &result).await;
    }
}

/// The users are what they would be had each edit been made before the run that started here, or after it.
pub(super) async fn is_as_if_before_or_after(bench: &Bench, start: World, edits: &[Edit], users: &[String]) {
    let mut others = Vec::new();
    for chosen in 0..1_u32 << edits.len() {
        let (before, after): (Vec<_>, Vec<_>) = edits.iter().enumerate().partition(|(n, _)| chosen >> n & 1 == 1);
        let world = bench.twin_of(start).await;
        for half in [before, after] {
            for (_, edit) in half {
                bench.product.write(world, *edit).await;
            }
            bench.sync(world).await;
        }
        let other = texts(&bench.rows(world).await, false);
        if other == users {
            return;
        }
        others.push(other);
    }
    panic!("after {edits:?}, {users:#?} is none of {others:#?}");
}

async fn sync_through(bench: &Bench, world: World, attempts: u32, stage: &Stage) -> Met {
    let meanwhile = Meanwhile::new(&bench.product, world, &stage.during);
    bench.sync_through(world, attempts, &stage.interruptions, meanwhile).await
}

pub(super) fn texts(rows: &Rows, with_versions: bool) -> Vec<String> {
    let version = |row: &Row| if with_versions { format!(" v{}", row.user.user.version) } else { String::new() };
    let mut texts: Vec<String> = rows.values().map(|row| row.text.clone() + &version(row)).collect();
    texts.sort();
    texts
}

/// What a run did, without the ids of the users that it made.
pub(super) fn history(met: &Met) -> Vec<String> {
    let line = |change: &ChangeRecord| {
        let values = serde_json::to_string(&(&change.before, &change.after)).unwrap();
        let (id, email) = (&change.external_id, &change.email);
        format!("{:?} {:?} {id:?} {email:?} {values} {:?}", change.action, change.outcome, change.code)
    };
    let mut lines: Vec<String> = met.changes.iter().map(line).collect();
    lines.sort();
    lines
}

/// What holds after any run, whatever befell it.
pub(super) fn obeys(world: World, before: &Rows, met: &Met, after: &Rows) {
    ended_well(met);
    counts_what_was_applied(met);
    wrote_each_change_once(before, met, after);
    left_others_alone(world, before, met, after);
}

fn ended_well(Met { run, changes, .. }: &Met) {
    assert!(!run.status.is_active());
    assert_eq!(run.status == RunStatus::Failed, run.error.is_some(), "{run:?}");
    if let Some(error) = &run.error {
        assert!(!error.message.is_empty() && !error.hint.is_empty(), "{error:?}");
    }
    if matches!(run.status, RunStatus::Succeeded | RunStatus::CompletedWithErrors) {
        let left = changes.iter().filter(|change| change.action.is_applicable() && change.outcome == Outcome::Planned);
        assert_eq!(left.count(), 0, "every change is applied or an exception: {changes:?}");
    }
}

fn counts_what_was_applied(Met { run, changes, .. }: &Met) {
    let applied = || changes.iter().filter(|change| change.outcome == Outcome::Applied);
    let count = |action| applied().filter(|change| change.action == action).count() as u64;
    let deactivates =
        |change: &&ChangeRecord| change.action != Action::Create && change.after.status == Some(UserStatus::Inactive);
    if run.status == RunStatus::Held {
        assert_eq!(applied().count(), 0);
    } else {
        let counted = Counts {
            created: count(Action::Create),
            updated: count(Action::Update),
            linked: count(Action::Link),
            reactivated: count(Action::Reactivate),
            deactivated: applied().filter(deactivates).count() as u64,
            ..run.counts
        };
        assert_eq!(run.counts, counted, "{changes:?}");
    }
    assert_eq!(run.applied_changes, applied().count() as u64);
    let exceptions = changes.iter().filter(|change| matches!(change.outcome, Outcome::Stale | Outcome::Failed));
    assert_eq!(run.exceptions, exceptions.count() as u64);
}

/// A user's version moves once with each applied change and each write of the product; a second time where the change
/// moves an address, which may have to be parked in between.
fn wrote_each_change_once(before: &Rows, met: &Met, after: &Rows) {
    let mut addresses: Vec<String> = after.values().map(|row| row.user.user.email.to_ascii_lowercase()).collect();
    addresses.sort();
    addresses.dedup();
    assert_eq!(addresses.len(), after.len(), "no two users share an address");
    for (id, row) in after {
        let mine =
            || met.changes.iter().filter(|change| change.user == Some(*id) && change.outcome == Outcome::Applied);
        let written = met.edits.written.iter().filter(|written| *written == id).count();
        let parked = mine().filter(|change| change.action != Action::Create && change.after.email.is_some()).count();
        // A new user, made by a change or by the product, is at version 1.
        let version = before.get(id).map_or(0, |row| row.user.user.version);
        let grown = usize::try_from(row.user.user.version - version).unwrap();
        let moves = mine().count() + written;
        assert!((moves..=moves + parked).contains(&grown), "{grown} writes for {moves}: {row:?}");
    }
}

/// Users of nobody or of another connection are as they were, unless they were adopted or the product wrote them; a
/// person's suspension stands unless a person lifted it.
fn left_others_alone(world: World, before: &Rows, met: &Met, after: &Rows) {
    for (id, row) in before.iter().filter(|(id, _)| !met.edits.written.contains(id)) {
        let now = after.get(id).expect("nobody is deleted");
        let (was, is) = (&row.user.user, &now.user.user);
        let ours = |user: &directory_core::LocalUser| {
            user.link.as_ref().is_some_and(|link| link.connection == world.connection)
        };
        let adopted = was.link.is_none() && ours(is);
        assert!(ours(was) || adopted || (&row.text, was.version) == (&now.text, is.version), "{row:?} {now:?}");
        assert!(was.link.is_none() || was.link == is.link, "{row:?} {now:?}");
        assert!(!was.suspended_by_a_person() || is.suspended_by_a_person(), "{row:?} {now:?}");
    }
}
