//! Addresses that move between users: all at once, in any order, or for nobody.

use directory_core::{Action, Amendment, LocalUser, Values};

use super::{
    Harness,
    world::{World, changes_user, creates, links, moves, renames},
};
use crate::{Lease, NewChange, Outcome, Run, RunStatus};

/// A plan whose named changes are entangled, cleared for applying.
pub(super) async fn entangle(world: &World, changes: Vec<NewChange>, entangled: &[u32]) -> Lease {
    let lease = world.start().await.lease;
    let applicable = changes.len() as u64;
    world.stage(&lease, changes).await;
    let amendments: Vec<Amendment> = entangled.iter().map(|seq| Amendment::Entangle { seq: *seq }).collect();
    world.store.amend(&lease, &amendments).await.unwrap();
    world.clear_for_applying(&lease, applicable).await;
    lease
}

/// Applies such a plan, all of it entangled.
async fn sync_entangled(world: &World, changes: Vec<NewChange>) -> Run {
    let all: Vec<u32> = changes.iter().map(|change| change.change.seq).collect();
    let lease = entangle(world, changes, &all).await;
    world.apply_all(&lease, 1).await;
    world.finish(&lease, RunStatus::Succeeded).await
}

async fn three(world: &World) -> [LocalUser; 3] {
    [
        world.linked_user("a@acme.example", "ext-a").await,
        world.linked_user("b@acme.example", "ext-b").await,
        world.linked_user("c@acme.example", "ext-c").await,
    ]
}

async fn addresses<const N: usize>(world: &World, users: &[LocalUser; N]) -> Vec<String> {
    let mut addresses = Vec::new();
    for user in users {
        addresses.push(world.email_of(user).await);
    }
    addresses
}

/// Two users exchange their addresses.
pub async fn two_users_swap_addresses(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let [a, b, _] = three(&world).await;
    let run = sync_entangled(&world, vec![moves(1, &a, "B@acme.example"), moves(2, &b, "a@acme.example")]).await;
    assert_eq!(addresses(&world, &[a.clone(), b.clone()]).await, ["B@acme.example", "a@acme.example"]);
    assert_eq!((run.counts.updated, run.exceptions), (2, 0));
    for user in [a, b] {
        assert!(world.user(user.id).await.user.version > user.version, "as with every write");
    }
}

/// Three users pass their addresses on in a circle, with other attributes in the same changes.
pub async fn three_users_rotate_addresses(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let [a, b, c] = three(&world).await;
    let renamed = Values {
        email: Some("c@acme.example".to_owned()),
        display_name: Some("Now C".to_owned()),
        ..Values::default()
    };
    let changes = vec![
        moves(3, &a, "b@acme.example"),
        changes_user(1, Action::Update, &b, renamed),
        moves(2, &c, "a@acme.example"),
    ];
    let run = sync_entangled(&world, changes).await;
    assert_eq!(run.exceptions, 0);
    assert_eq!(world.user(b.id).await.user.display_name, "Now C");
    assert_eq!(addresses(&world, &[a, b, c]).await, ["b@acme.example", "c@acme.example", "a@acme.example"]);
}

/// One takes what another frees, who takes what a third frees, in either order of position.
pub async fn addresses_move_along_a_chain(harness: &dyn Harness) {
    for order in [[1, 2, 3], [3, 2, 1], [2, 3, 1]] {
        let world = World::new(harness).await;
        let [a, b, c] = three(&world).await;
        let changes = vec![
            moves(order[0], &a, "free@acme.example"),
            moves(order[1], &b, "a@acme.example"),
            moves(order[2], &c, "b@acme.example"),
        ];
        let run = sync_entangled(&world, changes).await;
        assert_eq!(run.exceptions, 0);
        assert_eq!(addresses(&world, &[a, b, c]).await, ["free@acme.example", "a@acme.example", "b@acme.example"]);
    }
}

/// A new user, or a local one who is being linked, takes the address that another frees.
pub async fn a_newcomer_takes_a_freed_address(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let [a, b, _] = three(&world).await;
    let local = world.local_user("local@acme.example").await;
    let mut link = links(3, &local, "ext-local");
    link.change.after.email = Some("b@acme.example".to_owned());
    let new = creates(1, "ext-new", "A@acme.example");
    let newcomer = new.new_user.expect("a creation");
    let changes = vec![new, moves(2, &a, "a2@acme.example"), link, moves(4, &b, "b2@acme.example")];
    let run = sync_entangled(&world, changes).await;
    assert_eq!(run.exceptions, 0);
    assert_eq!((run.counts.created, run.counts.updated, run.counts.linked), (1, 2, 1));
    assert_eq!(world.user(newcomer).await.user.email, "A@acme.example");
    let moved = addresses(&world, &[a, b, local]).await;
    assert_eq!(moved, ["a2@acme.example", "b2@acme.example", "b@acme.example"]);
}

/// The entangled changes are one batch whatever its limit; the others follow, in their order.
pub async fn entangled_changes_are_one_batch(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let [a, b, c] = three(&world).await;
    let changes = vec![
        creates(1, "ext-1", "one@acme.example"),
        moves(2, &a, "b@acme.example"),
        renames(3, &c, "Renamed"),
        moves(4, &b, "a@acme.example"),
    ];
    let lease = entangle(&world, changes, &[2, 4]).await;
    assert!(world.store.apply_batch(&lease, 1).await.unwrap().more);
    assert_eq!(addresses(&world, &[a, b]).await, ["b@acme.example", "a@acme.example"]);
    let (planned, applied) = (Outcome::Planned, Outcome::Applied);
    let outcomes = world.outcomes(lease.run).await;
    assert_eq!(outcomes, [(1, planned), (2, applied), (3, planned), (4, applied)]);
    assert_eq!(world.run(lease.run).await.counts.updated, 2);
    assert!(world.store.apply_batch(&lease, 1).await.unwrap().more);
    assert!(!world.store.apply_batch(&lease, 1).await.unwrap().more);
    assert!(world.outcomes(lease.run).await.iter().all(|(_, outcome)| *outcome == applied));
    assert_eq!(world.run(lease.run).await.counts.updated, 3, "nothing is applied twice");
}

/// A plan whose changes are all entangled is applied in one batch, and says so.
pub async fn a_wholly_entangled_plan_is_one_batch(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let [a, b, _] = three(&world).await;
    let changes = vec![moves(1, &a, "b@acme.example"), moves(2, &b, "a@acme.example")];
    let lease = entangle(&world, changes, &[1, 2]).await;
    assert!(!world.store.apply_batch(&lease, 1).await.unwrap().more);
    assert!(!world.store.apply_batch(&lease, 1).await.unwrap().more);
    assert_eq!(addresses(&world, &[a, b]).await, ["b@acme.example", "a@acme.example"]);
}

/// A worker that dies after the entangled batch: its successor does not swap back.
pub async fn a_swap_is_not_repeated(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let [a, b, c] = three(&world).await;
    let changes = vec![moves(1, &a, "b@acme.example"), moves(2, &b, "a@acme.example"), renames(3, &c, "Renamed")];
    let lease = entangle(&world, changes, &[1, 2]).await;
    assert!(world.store.apply_batch(&lease, 10).await.unwrap().more);
    world.expire(lease.run).await;
    let taken = world.claim(lease.run).await.unwrap();
    assert!(taken.plan_complete);
    world.apply_all(&taken.lease, 10).await;
    let run = world.run(lease.run).await;
    assert_eq!((run.counts.updated, run.exceptions), (3, 0));
    assert_eq!(addresses(&world, &[a, b]).await, ["b@acme.example", "a@acme.example"]);
}

/// One member of a circle has moved on: nobody can take anybody's address, and nobody is changed.
pub async fn a_stale_member_breaks_the_circle(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let [a, b, c] = three(&world).await;
    let changes = vec![moves(1, &a, "b@acme.example"), moves(2, &b, "c@acme.example"), moves(3, &c, "a@acme.example")];
    world.update_user(b.id, "display_name = 'Moved on'").await;
    let run = sync_entangled(&world, changes).await;
    assert_eq!((run.counts.updated, run.exceptions), (0, 3));
    let outcomes = world.outcomes(run.id).await;
    assert_eq!(outcomes, [(1, Outcome::Stale), (2, Outcome::Stale), (3, Outcome::Stale)]);
    assert_eq!(world.user(a.id).await.user, a);
    assert_eq!(world.user(c.id).await.user, c);
    assert_eq!(addresses(&world, &[a, b, c]).await, ["a@acme.example", "b@acme.example", "c@acme.example"]);
}

/// One member of a chain has moved on: those who wait for its address wait on, the others go ahead.
pub async fn a_stale_member_stops_those_behind_it(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let [a, b, c] = three(&world).await;
    let changes = vec![
        moves(1, &a, "free@acme.example"),
        moves(2, &b, "a@acme.example"),
        moves(3, &c, "b@acme.example"),
        creates(4, "ext-new", "c@acme.example"),
    ];
    world.update_user(b.id, "role = 'owner'").await;
    let run = sync_entangled(&world, changes).await;
    assert_eq!((run.counts.updated, run.counts.created, run.exceptions), (1, 0, 3));
    assert_eq!(addresses(&world, &[a, b, c]).await, ["free@acme.example", "b@acme.example", "c@acme.example"]);
    assert_eq!(world.user_count().await, 3);
}

/// A person turned one member of a swap down: the other cannot have the address either.
pub async fn a_rejected_member_breaks_the_swap(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let [a, b, c] = three(&world).await;
    let changes = vec![moves(1, &a, "b@acme.example"), moves(2, &b, "a@acme.example"), renames(3, &c, "Renamed")];
    let lease = entangle(&world, changes, &[1, 2, 3]).await;
    world.sql("UPDATE sync_changes SET outcome = 'rejected' WHERE seq = 2").await;
    world.apply_all(&lease, 10).await;
    let outcomes = world.outcomes(lease.run).await;
    assert_eq!(outcomes, [(1, Outcome::Stale), (2, Outcome::Rejected), (3, Outcome::Applied)]);
    let run = world.run(lease.run).await;
    assert_eq!((run.counts.updated, run.exceptions), (1, 1), "a person's decision is no exception");
    assert_eq!(world.user(a.id).await.user, a);
    assert_eq!(world.user(b.id).await.user, b);
}

/// An outsider took the address that a member of the batch was to free only in passing.
pub async fn an_outsider_takes_a_chains_end(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let [a, b, c] = three(&world).await;
    let changes = vec![moves(1, &a, "free@acme.example"), moves(2, &b, "a@acme.example"), renames(3, &c, "Renamed")];
    world.local_user("FREE@acme.example").await;
    let run = sync_entangled(&world, changes).await;
    let outcomes = world.outcomes(run.id).await;
    assert_eq!(outcomes, [(1, Outcome::Stale), (2, Outcome::Stale), (3, Outcome::Applied)]);
    assert_eq!(addresses(&world, &[a, b]).await, ["a@acme.example", "b@acme.example"]);
}

/// No address that stands in only while a batch is applied is ever left behind.
pub async fn nobody_keeps_a_stand_in(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let mut users = Vec::new();
    for n in 0..50 {
        users.push(world.linked_user(&format!("user{n}@acme.example"), &format!("ext-{n}")).await);
    }
    let changes =
        users.iter().zip(1..).map(|(user, seq)| moves(seq, user, &format!("user{}@acme.example", seq % 50))).collect();
    let run = sync_entangled(&world, changes).await;
    assert_eq!((run.counts.updated, run.exceptions), (50, 0));
    for (user, n) in users.iter().zip(1..) {
        assert_eq!(world.email_of(user).await, format!("user{}@acme.example", n % 50));
    }
}
