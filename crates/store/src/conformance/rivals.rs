//! Who stands in the way of a refused change.

use directory_core::{Action, Amendment, ChangeCode, ExternalId, LocalUser, Rival};

use super::{
    Harness,
    world::{World, conflicts, creates, external, links, moves},
};
use crate::{ChangeRecord, NewChange};

/// Refuses the change at `seq` because of the one at `rival`.
fn refuse(seq: u32, rival: Option<u32>) -> Amendment {
    Amendment::Refuse { seq, action: Action::Conflict, code: ChangeCode::DuplicateEmail, rival }
}

/// Splits the address of the change at `seq` off because of the one at `rival`.
fn split(seq: u32, conflict_seq: u32, rival: Option<u32>) -> Amendment {
    Amendment::SplitEmail { seq, conflict_seq, code: ChangeCode::DuplicateEmail, rival }
}

/// A local user who is a directory user too.
fn user_of(user: &LocalUser) -> Rival {
    let external_id = user.link.as_ref().map(|link| link.external_id.clone());
    Rival { user: Some(user.id), external_id }
}

/// A directory user with no local user.
fn only(external_id: &str) -> Rival {
    Rival { user: None, external_id: Some(external(external_id)) }
}

fn with_rival(new: NewChange, rival: Rival) -> NewChange {
    NewChange { change: directory_core::Change { rival: Some(rival), ..new.change }, ..new }
}

/// Stages these changes, amends them, and reads the rival of each line.
async fn amended(world: &World, changes: Vec<NewChange>, amendments: &[Amendment]) -> Vec<Option<Rival>> {
    let lease = world.start().await.lease;
    world.stage(&lease, changes).await;
    world.store.amend(&lease, amendments).await.unwrap();
    let read = world.changes(lease.run).await;
    world.clear_for_applying(&lease, 0).await;
    world.finish(&lease, crate::RunStatus::Cancelled).await;
    read.into_iter().map(|change: ChangeRecord| change.rival).collect()
}

/// A rival comes back as it was staged: a local user, a directory user, one that is both, or none.
pub async fn rivals_read_back(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let holder = world.linked_user("a@acme.example", "ext-é'").await;
    let local = Rival { user: Some(holder.id), external_id: None };
    let rivals = [Some(user_of(&holder)), Some(local), Some(only("ext-9")), None];
    let mut changes = Vec::new();
    for (rival, seq) in rivals.iter().zip(1..) {
        let conflict = conflicts(seq, &format!("ext-{seq}"), ChangeCode::EmailTaken);
        changes.push(match rival {
            Some(rival) => with_rival(conflict, rival.clone()),
            None => conflict,
        });
    }
    assert_eq!(amended(&world, changes, &[]).await, rivals);
}

/// A refusal names the change that stands in the way by its user, and by its directory user.
pub async fn a_refusal_names_its_rival(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let linked = world.linked_user("a@acme.example", "ext-a").await;
    let local = world.local_user("b@acme.example").await;
    let changes = vec![
        moves(1, &linked, "one@acme.example"),
        links(2, &local, "ext-b"),
        creates(3, "ext-c", "three@acme.example"),
        creates(4, "ext-4", "ONE@acme.example"),
        creates(5, "ext-5", "b@acme.example"),
        creates(6, "ext-6", "three@acme.example"),
    ];
    let amendments = [refuse(4, Some(1)), refuse(5, Some(2)), refuse(6, Some(3))];
    let read = amended(&world, changes, &amendments).await;
    let both = Rival { user: Some(local.id), external_id: Some(external("ext-b")) };
    // The user that a creation is to make is nobody yet.
    let expected = [None, None, None, Some(user_of(&linked)), Some(both), Some(only("ext-c"))];
    assert_eq!(read, expected);
}

/// Without a rival of its own, a refusal leaves the one that the change came with; with one it takes that.
pub async fn a_refusal_keeps_the_changes_own_rival(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let holder = world.linked_user("a@acme.example", "ext-a").await;
    let changes = vec![
        with_rival(creates(1, "ext-1", "a@acme.example"), user_of(&holder)),
        with_rival(creates(2, "ext-2", "a@acme.example"), user_of(&holder)),
        creates(3, "ext-3", "a@acme.example"),
    ];
    let read = amended(&world, changes, &[refuse(1, None), refuse(2, Some(3))]).await;
    assert_eq!(read, [Some(user_of(&holder)), Some(only("ext-3")), None]);
}

/// The conflict that is split off has the rival: the named one, or else the one of the change that it is split from.
pub async fn a_split_off_conflict_has_the_rival(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let holder = world.linked_user("holder@acme.example", "ext-h").await;
    let users = [
        world.linked_user("a@acme.example", "ext-a").await,
        world.linked_user("b@acme.example", "ext-b").await,
        world.linked_user("c@acme.example", "ext-c").await,
        world.linked_user("d@acme.example", "ext-d").await,
    ];
    let changes = vec![
        with_rival(moves(1, &users[0], "holder@acme.example"), user_of(&holder)),
        with_rival(moves(2, &users[1], "new@acme.example"), user_of(&holder)),
        moves(3, &users[2], "free@acme.example"),
        moves(4, &users[3], "free@acme.example"),
        creates(5, "ext-5", "new@acme.example"),
    ];
    let amendments = [split(1, 11, None), split(2, 12, Some(5)), split(4, 14, Some(3)), split(3, 13, None)];
    let read = amended(&world, changes, &amendments).await;
    assert_eq!(read.len(), 9);
    let conflicts = [Some(user_of(&holder)), Some(only("ext-5")), None, Some(user_of(&users[2]))];
    assert_eq!(read[5..], conflicts);
}

/// A rival is who it was as staged, in whatever order the amendments of one call come, and whatever they do to it.
pub async fn a_rival_is_as_it_was_staged(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let user = world.linked_user("a@acme.example", "ext-a").await;
    let mut amendments = vec![refuse(1, Some(2)), refuse(2, Some(1)), refuse(3, Some(4)), split(4, 9, Some(1))];
    for _ in 0..amendments.len() {
        amendments.rotate_left(1);
        let changes = vec![
            creates(1, "ext-1", "same@acme.example"),
            creates(2, "ext-2", "same@acme.example"),
            creates(3, "ext-3", "new@acme.example"),
            moves(4, &user, "same@acme.example"),
        ];
        let read = amended(&world, changes, &amendments).await;
        let both = Some(user_of(&user));
        assert_eq!(read, [Some(only("ext-2")), Some(only("ext-1")), both, None, Some(only("ext-1"))]);
    }
}

/// A rival is looked for in the run's own plan.
pub async fn a_rival_is_of_the_same_plan(harness: &dyn Harness) {
    let world = World::new(harness).await;
    for attempt in 1..=3 {
        let ids: [String; 2] = [format!("first-{attempt}"), format!("second-{attempt}")];
        let changes = ids.iter().zip(1..).map(|(id, seq)| creates(seq, id, "same@acme.example")).collect();
        let read = amended(&world, changes, &[refuse(2, Some(1))]).await;
        let first: ExternalId = external(&ids[0]);
        assert_eq!(read, [None, Some(Rival { user: None, external_id: Some(first) })]);
    }
}
