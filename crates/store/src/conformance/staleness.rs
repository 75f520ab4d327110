//! Changes whose user has moved on since the plan: marked, never applied, and no obstacle to the others.

use directory_core::{DeactivatedBy, UserStatus};

use super::{
    Harness,
    world::{World, creates, deactivates, links, moves, renames},
};
use crate::{Outcome, Run};

/// Checks that the change at 1 alone went stale and its neighbour at 2 was applied.
async fn only_the_first_is_stale(world: &World, run: &Run) {
    assert_eq!(world.outcomes(run.id).await, [(1, Outcome::Stale), (2, Outcome::Applied)]);
    assert_eq!(run.exceptions, 1);
}

/// Somebody wrote the user after the plan read it.
pub async fn a_written_user_is_stale(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let user = world.linked_user("a@acme.example", "ext-1").await;
    let other = world.linked_user("b@acme.example", "ext-2").await;
    let change = deactivates(1, &user, DeactivatedBy::DirectoryAbsent);
    world.update_user(user.id, "display_name = 'Written'").await;
    let written = world.user(user.id).await;
    let run = world.sync(vec![change, renames(2, &other, "Renamed")]).await;
    only_the_first_is_stale(&world, &run).await;
    assert_eq!((run.counts.deactivated, run.counts.updated), (0, 1));
    assert_eq!(world.user(user.id).await, written);
}

/// The user is gone.
pub async fn a_deleted_user_is_stale(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let user = world.linked_user("a@acme.example", "ext-1").await;
    let other = world.linked_user("b@acme.example", "ext-2").await;
    world.sql(&format!("DELETE FROM users WHERE id = '{}'", user.id)).await;
    let run = world.sync(vec![renames(1, &user, "Renamed"), renames(2, &other, "Renamed")]).await;
    only_the_first_is_stale(&world, &run).await;
    assert_eq!(run.counts.updated, 1);
}

/// Somebody has the address by now: it is not given to a second user, in whatever case it is written.
pub async fn a_taken_address_is_not_given_again(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let user = world.linked_user("a@acme.example", "ext-1").await;
    let other = world.linked_user("b@acme.example", "ext-2").await;
    world.local_user("Taken@acme.example").await;
    let run = world.sync(vec![moves(1, &user, "taken@ACME.example"), renames(2, &other, "Renamed")]).await;
    only_the_first_is_stale(&world, &run).await;
    assert_eq!(world.user(user.id).await.user, user);
}

/// Somebody has the new user's address by now.
pub async fn a_creation_with_a_taken_address_is_stale(harness: &dyn Harness) {
    let world = World::new(harness).await;
    world.local_user("taken@acme.example").await;
    let changes = vec![creates(1, "ext-1", "TAKEN@acme.example"), creates(2, "ext-2", "free@acme.example")];
    let run = world.sync(changes).await;
    only_the_first_is_stale(&world, &run).await;
    assert_eq!((run.counts.created, world.user_count().await), (1, 2));
}

/// Somebody is linked to the directory user by now.
pub async fn a_creation_of_a_linked_user_is_stale(harness: &dyn Harness) {
    let world = World::new(harness).await;
    world.linked_user("holder@acme.example", "ext-1").await;
    let changes = vec![creates(1, "ext-1", "a@acme.example"), creates(2, "EXT-1", "b@acme.example")];
    let run = world.sync(changes).await;
    only_the_first_is_stale(&world, &run).await;
    assert_eq!((run.counts.created, world.user_count().await), (1, 2));
}

/// Somebody is in the way of new users at a batch's end: the others of the batch are made all the same, and once.
pub async fn a_stale_creation_stops_no_other(harness: &dyn Harness) {
    let world = World::new(harness).await;
    world.local_user("taken@acme.example").await;
    world.linked_user("holder@acme.example", "ext-4").await;
    let changes = vec![
        creates(1, "ext-1", "one@acme.example"),
        creates(2, "ext-2", "two@acme.example"),
        creates(3, "ext-3", "TAKEN@acme.example"),
        creates(4, "ext-4", "four@acme.example"),
        creates(5, "ext-5", "five@acme.example"),
    ];
    let run = world.sync(changes).await;
    let (applied, stale) = (Outcome::Applied, Outcome::Stale);
    assert_eq!(world.outcomes(run.id).await, [(1, applied), (2, applied), (3, stale), (4, stale), (5, applied)]);
    assert_eq!((run.counts.created, run.exceptions, world.user_count().await), (3, 2, 5));
}

/// Somebody else is linked to the directory user by now.
pub async fn a_link_to_a_linked_user_is_stale(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let user = world.local_user("a@acme.example").await;
    let other = world.local_user("b@acme.example").await;
    world.linked_user("holder@acme.example", "ext-1").await;
    let run = world.sync(vec![links(1, &user, "ext-1"), links(2, &other, "ext-2")]).await;
    only_the_first_is_stale(&world, &run).await;
    assert_eq!(run.counts.linked, 1);
    assert_eq!(world.user(user.id).await.user, user);
}

/// The user has been linked by somebody else, who kept the version as it was.
pub async fn a_linked_user_is_not_linked_again(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let user = world.linked_user("a@acme.example", "ext-9").await;
    let other = world.local_user("b@acme.example").await;
    let run = world.sync(vec![links(1, &user, "ext-1"), links(2, &other, "ext-2")]).await;
    only_the_first_is_stale(&world, &run).await;
    assert_eq!(world.user(user.id).await.user, user);
}

/// One's own address in another case is not taken by anybody.
pub async fn ones_own_address_is_not_taken(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let user = world.linked_user("a@acme.example", "ext-1").await;
    let run = world.sync(vec![moves(1, &user, "A@Acme.Example")]).await;
    assert_eq!((run.counts.updated, run.exceptions), (1, 0));
    assert_eq!(world.email_of(&user).await, "A@Acme.Example");
}

/// One change that cannot be made keeps the next from being made, through a whole batch.
pub async fn staleness_cascades_in_a_batch(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let mut users = Vec::new();
    for n in 0..6 {
        users.push(world.linked_user(&format!("user{n}@acme.example"), &format!("ext-{n}")).await);
    }
    // Each takes the address of the one before; the first has moved on, so none can.
    let changes =
        users.iter().skip(1).zip(2..).map(|(user, seq)| moves(seq, user, &format!("user{}@acme.example", seq - 2)));
    let mut changes: Vec<_> = changes.collect();
    changes.push(moves(1, &users[0], "free@acme.example"));
    let bystander = world.linked_user("bystander@acme.example", "ext-b").await;
    changes.push(renames(50, &bystander, "Renamed"));
    world.update_user(users[0].id, "role = 'owner'").await;

    let lease = world.start().await.lease;
    world.stage(&lease, changes).await;
    let entangled: Vec<_> = (1..=6).map(|seq| directory_core::Amendment::Entangle { seq }).collect();
    world.store.amend(&lease, &entangled).await.unwrap();
    world.clear_for_applying(&lease, 7).await;
    world.apply_all(&lease, 2).await;
    let run = world.run(lease.run).await;
    assert_eq!((run.exceptions, run.counts.updated), (6, 1));
    for (n, user) in users.iter().enumerate() {
        assert_eq!(world.email_of(user).await, format!("user{n}@acme.example"));
    }
}

/// A stale change is the next run's to plan again, and that works.
pub async fn a_stale_change_can_be_planned_again(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let user = world.linked_user("a@acme.example", "ext-1").await;
    let change = deactivates(1, &user, DeactivatedBy::DirectoryDisabled);
    world.update_user(user.id, "display_name = 'Written'").await;
    let first = world.sync(vec![change]).await;
    assert_eq!((first.exceptions, first.counts.deactivated), (1, 0));
    let fresh = world.user(user.id).await.user;
    let second = world.sync(vec![deactivates(1, &fresh, DeactivatedBy::DirectoryDisabled)]).await;
    assert_eq!((second.exceptions, second.counts.deactivated), (0, 1));
    assert_eq!(world.user(user.id).await.user.status, UserStatus::Inactive);
    assert_eq!(world.outcomes(first.id).await, [(1, Outcome::Stale)], "history stays as it was");
}

/// Two runs that each deactivate one of the last two administrators: the second one's change goes stale.
pub async fn the_last_of_a_protected_role_is_not_deactivated(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let first = world.linked_user("a@acme.example", "ext-1").await;
    let second = world.linked_user("b@acme.example", "ext-2").await;
    world.sql("UPDATE users SET role = 'admin'").await;
    let (first, second) = (world.user(first.id).await.user, world.user(second.id).await.user);
    let gone = |user| deactivates(1, user, DeactivatedBy::DirectoryAbsent);
    assert_eq!(world.sync(vec![gone(&first)]).await.counts.deactivated, 1);
    let run = world.sync(vec![gone(&second)]).await;
    assert_eq!((run.counts.deactivated, run.exceptions), (0, 1));
    assert_eq!(world.outcomes(run.id).await, [(1, Outcome::Stale)]);
    assert_eq!(world.user(second.id).await.user.status, UserStatus::Active);
}
