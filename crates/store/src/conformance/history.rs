//! Reading a run's changes.

use directory_core::{Action, ChangeCode, RunId};

use super::{
    Harness,
    world::{ALL, World, add_tenant, creates, id, renames},
};
use crate::{ChangeFilter, Outcome, SeqPage};

/// A run with a change of every outcome: 1 conflict, 2 applied, 3 stale, 4 rejected, 5 failed, 6 and 7 yet to come.
async fn a_run_with_everything(world: &World) -> RunId {
    let user = world.linked_user("a@acme.example", "ext-a").await;
    let mut conflict = creates(1, "ext-1", "one@acme.example");
    conflict.change.action = Action::Conflict;
    conflict.change.code = Some(ChangeCode::EmailTaken);
    conflict.new_user = None;
    let mut changes = vec![conflict, creates(2, "ext-2", "two@acme.example"), renames(3, &user, "Renamed")];
    changes.extend((4..=7).map(|n| creates(n, &format!("ext-{n}"), &format!("user{n}@acme.example"))));
    world.update_user(user.id, "role = 'owner'").await;
    let lease = world.planned(changes).await;
    world.sql("UPDATE sync_changes SET outcome = 'rejected' WHERE seq = 4").await;
    world.sql("UPDATE sync_changes SET outcome = 'failed' WHERE seq = 5").await;
    assert!(world.store.apply_batch(&lease, 2).await.unwrap().more);
    lease.run
}

async fn list(world: &World, run: RunId, action: Option<Action>, outcome: Option<Outcome>) -> Vec<u32> {
    let changes = world.store.changes(world.tenant, run, ChangeFilter { action, outcome }, ALL).await.unwrap();
    assert!(changes.iter().all(|change| outcome.is_none_or(|outcome| change.outcome == outcome)));
    changes.into_iter().map(|change| change.seq).collect()
}

/// What became of each change, while the run is still being applied.
pub async fn every_outcome_is_told(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let run = a_run_with_everything(&world).await;
    let expected = [
        (1, Outcome::Planned),
        (2, Outcome::Applied),
        (3, Outcome::Stale),
        (4, Outcome::Rejected),
        (5, Outcome::Failed),
        (6, Outcome::Planned),
        (7, Outcome::Planned),
    ];
    assert_eq!(world.outcomes(run).await, expected);
}

/// The list can be narrowed by outcome, and means the same outcomes as it shows.
pub async fn changes_are_filtered_by_outcome(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let run = a_run_with_everything(&world).await;
    let expected = [
        (Outcome::Planned, vec![1, 6, 7]),
        (Outcome::Applied, vec![2]),
        (Outcome::Stale, vec![3]),
        (Outcome::Rejected, vec![4]),
        (Outcome::Failed, vec![5]),
    ];
    for (outcome, seqs) in expected {
        assert_eq!(list(&world, run, None, Some(outcome)).await, seqs, "{outcome:?}");
    }
}

/// The list can be narrowed by action, alone and with an outcome.
pub async fn changes_are_filtered_by_action(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let run = a_run_with_everything(&world).await;
    assert_eq!(list(&world, run, Some(Action::Conflict), None).await, [1]);
    assert_eq!(list(&world, run, Some(Action::Create), None).await, [2, 4, 5, 6, 7]);
    assert_eq!(list(&world, run, Some(Action::Update), None).await, [3]);
    assert_eq!(list(&world, run, Some(Action::Deactivate), None).await, [0; 0]);
    assert_eq!(list(&world, run, Some(Action::Create), Some(Outcome::Planned)).await, [6, 7]);
    assert_eq!(list(&world, run, Some(Action::Update), Some(Outcome::Applied)).await, [0; 0]);
}

/// Pages start after the last position of the page before, filtered or not.
pub async fn changes_are_paged_by_position(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let run = a_run_with_everything(&world).await;
    for (filter, expected) in [
        (ChangeFilter::default(), vec![1, 2, 3, 4, 5, 6, 7]),
        (ChangeFilter { action: Some(Action::Create), outcome: None }, vec![2, 4, 5, 6, 7]),
    ] {
        let mut listed: Vec<u32> = Vec::new();
        loop {
            let page = SeqPage { after: listed.last().copied().unwrap_or(0), limit: 2 };
            let changes = world.store.changes(world.tenant, run, filter, page).await.unwrap();
            assert!(changes.len() <= 2);
            if changes.is_empty() {
                break;
            }
            listed.extend(changes.into_iter().map(|change| change.seq));
        }
        assert_eq!(listed, expected);
    }
}

/// A run of another tenant, or none at all, has no changes to show.
pub async fn changes_are_the_tenants_own(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let run = a_run_with_everything(&world).await;
    let other = add_tenant(&*world.store, "other").await;
    let nobody = ChangeFilter::default();
    assert_eq!(world.store.changes(other, run, nobody, ALL).await.unwrap(), []);
    assert_eq!(world.store.changes(world.tenant, RunId(id()), nobody, ALL).await.unwrap(), []);
}
