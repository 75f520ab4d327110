//! Applying a plan: what each change writes, and what the run counts.

use directory_core::{Action, Counts, DeactivatedBy, EmailKey, Link, LocalUser, UserId, UserStatus, Values};

use super::{
    Harness,
    world::{
        World, add_connection, add_tenant, changes_user, creates, deactivates, external, id, links, moves, renames,
    },
};
use crate::{IdPage, NewChange, Outcome, RunStatus, UserFilter, UserRecord};

fn new_user(new: &NewChange) -> UserId {
    new.new_user.expect("a creation")
}

/// Created: with the id, the values and the link that the plan says.
pub async fn a_user_is_created(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let mut new = creates(1, "Ext-É'1", "Zoë.O'Neil@Acme.Example");
    new.change.after.display_name = Some("Zoë \u{1f469}\u{200d}\u{1f680} \\ \"O'Neil\"".to_owned());
    new.change.after.role = Some("guest".to_owned());
    let after = new.change.after.clone();
    let user = new_user(&new);
    let run = world.sync(vec![new]).await;

    let record = world.user(user).await;
    let expected = LocalUser {
        id: user,
        version: record.user.version,
        email: after.email.unwrap(),
        display_name: after.display_name.unwrap(),
        given_name: Some("Given".to_owned()),
        family_name: None,
        role: "guest".to_owned(),
        status: UserStatus::Active,
        deactivated_by: None,
        link: Some(Link { connection: world.connection, external_id: external("Ext-É'1") }),
    };
    assert!(record.user == expected, "{:?}", record.user);
    assert_eq!((record.deactivated_run, record.deactivated_at), (None, None));
    assert_eq!(run.counts, Counts { created: 1, ..Counts::default() });
    let found = world.store.users_by_email(world.tenant, &[EmailKey::of(&expected.email)]).await;
    assert!(found.unwrap() == [expected]);
}

/// Created inactive: the provenance is there from the start, and no deactivation is counted.
pub async fn a_user_is_created_inactive(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let mut new = creates(1, "ext-1", "a@acme.example");
    new.change.after.status = Some(UserStatus::Inactive);
    new.change.after.deactivated_by = Some(Some(DeactivatedBy::DirectoryDisabled));
    let user = new_user(&new);
    let run = world.sync(vec![new]).await;
    let record = world.user(user).await;
    assert_eq!(record.user.status, UserStatus::Inactive);
    assert_eq!(record.user.deactivated_by, Some(DeactivatedBy::DirectoryDisabled));
    assert_eq!(record.deactivated_run, Some(run.id));
    assert!(record.deactivated_at.is_some());
    assert_eq!(run.counts, Counts { created: 1, ..Counts::default() });
}

/// Updated: what is null becomes empty, what is absent stays, and the version moves by one.
pub async fn null_is_not_absent(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let user = world.linked_user("a@acme.example", "ext-1").await;
    world.update_user(user.id, "given_name = 'Given', family_name = 'Family', role = 'owner'").await;
    let user = world.user(user.id).await.user;
    let after = Values { given_name: Some(None), display_name: Some("New".to_owned()), ..Values::default() };
    let run = world.sync(vec![changes_user(1, Action::Update, &user, after)]).await;
    let expected = LocalUser { version: user.version + 1, display_name: "New".to_owned(), given_name: None, ..user };
    assert!(world.user(expected.id).await.user == expected);
    assert_eq!(run.counts, Counts { updated: 1, ..Counts::default() });
}

/// Updated: every attribute that a change can name is written.
pub async fn every_attribute_is_written(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let user = world.linked_user("a@acme.example", "ext-1").await;
    let before = world.user(user.id).await;
    let after = Values {
        email: Some("B@acme.example".to_owned()),
        display_name: Some(String::new()),
        given_name: Some(Some("G".to_owned())),
        family_name: Some(Some("null".to_owned())),
        ..Values::default()
    };
    world.sync(vec![changes_user(1, Action::Update, &user, after)]).await;
    let record = world.user(user.id).await;
    let expected = LocalUser {
        version: user.version + 1,
        email: "B@acme.example".to_owned(),
        display_name: String::new(),
        given_name: Some("G".to_owned()),
        family_name: Some("null".to_owned()),
        ..user
    };
    assert!(record.user == expected);
    assert_eq!(record.created_at, before.created_at);
    assert!(record.updated_at >= before.updated_at);
}

/// Linked: the user is the connection's from now on; what else the directory says comes with it.
pub async fn a_user_is_linked(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let user = world.local_user("a@acme.example").await;
    let mut link = links(1, &user, "ext-1");
    link.change.after.display_name = Some("From the directory".to_owned());
    let run = world.sync(vec![link]).await;
    let linked = world.user(user.id).await.user;
    let expected = Link { connection: world.connection, external_id: external("ext-1") };
    assert_eq!((linked.link, linked.display_name.as_str()), (Some(expected), "From the directory"));
    assert_eq!((linked.email, linked.status), (user.email, UserStatus::Active));
    assert_eq!(run.counts, Counts { linked: 1, ..Counts::default() });
}

/// Deactivated: who, which run and when are written down.
pub async fn a_user_is_deactivated(harness: &dyn Harness) {
    let world = World::new(harness).await;
    for (n, by) in [DeactivatedBy::DirectoryAbsent, DeactivatedBy::DirectoryDisabled].into_iter().enumerate() {
        let user = world.linked_user(&format!("user{n}@acme.example"), &format!("ext-{n}")).await;
        let run = world.sync(vec![deactivates(1, &user, by)]).await;
        let record = world.user(user.id).await;
        assert_eq!((record.user.status, record.user.deactivated_by), (UserStatus::Inactive, Some(by)));
        assert_eq!(record.deactivated_run, Some(run.id));
        assert!(record.deactivated_at.is_some_and(|at| at >= run.started_at.unwrap()));
        assert_eq!(record.user.link, user.link, "still the connection's");
        assert_eq!(run.counts, Counts { deactivated: 1, ..Counts::default() });
    }
}

/// Reactivated: active, and nothing of the deactivation is left.
pub async fn a_user_is_reactivated(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let user = world.linked_user("a@acme.example", "ext-1").await;
    world.sync(vec![deactivates(1, &user, DeactivatedBy::DirectoryAbsent)]).await;
    let gone = world.user(user.id).await.user;
    let after = Values { status: Some(UserStatus::Active), deactivated_by: Some(None), ..Values::default() };
    let run = world.sync(vec![changes_user(1, Action::Reactivate, &gone, after)]).await;
    let UserRecord { user, deactivated_run, deactivated_at, .. } = world.user(user.id).await;
    assert_eq!((user.status, user.deactivated_by), (UserStatus::Active, None));
    assert_eq!((deactivated_run, deactivated_at), (None, None));
    assert_eq!(user.version, gone.version + 1);
    assert_eq!(run.counts, Counts { reactivated: 1, ..Counts::default() });
}

/// A user who is linked and deactivated at once counts as both; the engine says so, whatever the action's name.
pub async fn whatever_deactivates_is_counted(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let user = world.local_user("a@acme.example").await;
    let mut link = links(1, &user, "ext-1");
    link.change.after.status = Some(UserStatus::Inactive);
    link.change.after.deactivated_by = Some(Some(DeactivatedBy::DirectoryDisabled));
    link.change.deactivates = true;
    let run = world.sync(vec![link]).await;
    let record = world.user(user.id).await;
    assert_eq!(record.user.deactivated_by, Some(DeactivatedBy::DirectoryDisabled));
    assert_eq!(record.deactivated_run, Some(run.id));
    assert_eq!(run.counts, Counts { linked: 1, deactivated: 1, ..Counts::default() });
}

/// An empty plan is applied at once.
pub async fn an_empty_plan_is_applied(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let lease = world.planned(vec![]).await;
    assert!(!world.store.apply_batch(&lease, 10).await.unwrap().more);
    assert!(!world.store.apply_batch(&lease, 10).await.unwrap().more, "and again");
    assert_eq!(world.finish(&lease, RunStatus::Succeeded).await.counts, Counts::default());
}

/// Batches come in order of position, about as long as was asked, and say when they are the last.
pub async fn batches_come_in_order(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let mut changes: Vec<NewChange> =
        (1..=7).map(|n| creates(n * 10, &format!("ext-{n}"), &format!("user{n}@acme.example"))).collect();
    changes[3].change.action = Action::Conflict;
    let lease = world.planned(changes).await;
    let applied = async || -> Vec<u32> {
        let outcomes = world.outcomes(lease.run).await;
        outcomes.into_iter().filter(|(_, outcome)| *outcome == Outcome::Applied).map(|(seq, _)| seq).collect()
    };
    assert!(world.store.apply_batch(&lease, 3).await.unwrap().more);
    assert_eq!(applied().await, [10, 20, 30]);
    assert_eq!((world.user_count().await, world.run(lease.run).await.counts.created), (3, 3));
    assert!(!world.store.apply_batch(&lease, 3).await.unwrap().more, "three were left, and are done");
    assert_eq!(applied().await, [10, 20, 30, 50, 60, 70]);
    assert!(!world.store.apply_batch(&lease, 3).await.unwrap().more);
    assert_eq!(world.run(lease.run).await.counts.created, 6, "nothing is applied twice");
}

/// Many small batches and one large one come to the same end.
pub async fn the_size_of_batches_does_not_matter(harness: &dyn Harness) {
    let mut ends = Vec::new();
    for limit in [1, 7, 1_000] {
        let world = World::new(harness).await;
        let mut changes = Vec::new();
        for n in 1..=12 {
            let user = world.linked_user(&format!("old{n}@acme.example"), &format!("old-{n}")).await;
            changes.push(match n % 3 {
                0 => renames(n, &user, &format!("Renamed {n}")),
                1 => deactivates(n, &user, DeactivatedBy::DirectoryAbsent),
                _ => moves(n, &user, &format!("moved{n}@acme.example")),
            });
        }
        changes.extend((13..=20).map(|n| creates(n, &format!("new-{n}"), &format!("new{n}@acme.example"))));
        let lease = world.planned(changes).await;
        let batches = world.apply_all(&lease, limit).await;
        assert!(batches >= 20 / limit);
        let run = world.finish(&lease, RunStatus::Succeeded).await;
        let page = IdPage { after: None, limit: 100 };
        let everybody = world.store.users(world.tenant, &UserFilter::default(), page).await.unwrap();
        let mut users: Vec<(String, String, UserStatus)> = everybody
            .into_iter()
            .map(|record| (record.user.email, record.user.display_name, record.user.status))
            .collect();
        users.sort_by(|a, b| a.0.cmp(&b.0));
        ends.push((run.counts, users));
    }
    assert_eq!(ends[0].0, Counts { created: 8, updated: 8, deactivated: 4, ..Counts::default() });
    assert_eq!(ends[0].1.len(), 20);
    assert!(ends[0] == ends[1] && ends[1] == ends[2]);
}

/// A run writes its own tenant's users, even where another tenant's have the same ids.
pub async fn another_tenants_twin_is_left_alone(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let user = world.linked_user("same@acme.example", "ext-1").await;
    let other = add_tenant(&*world.store, "other").await;
    world
        .sql(&format!(
            "INSERT INTO users (tenant_id, id, email, display_name) \
             VALUES ('{other}', '{}', 'same@acme.example', 'Twin'), ('{other}', '{}', 'new@acme.example', 'Other')",
            user.id,
            id()
        ))
        .await;
    let twin = world.store.user(other, user.id).await.unwrap();
    let run = world.sync(vec![renames(1, &user, "Renamed"), creates(2, "ext-2", "new@acme.example")]).await;
    assert_eq!((run.counts.updated, run.counts.created, run.exceptions), (1, 1, 0));
    assert_eq!(world.store.user(other, user.id).await.unwrap(), twin);
}

/// Another connection of the tenant may use the same external ids.
pub async fn connections_have_their_own_external_ids(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let second = add_connection(&*world.store, world.tenant).await;
    let theirs = world.local_user("theirs@acme.example").await;
    world.update_user(theirs.id, &format!("connection_id = '{second}', external_id = 'ext-1'")).await;
    let run = world.sync(vec![creates(1, "ext-1", "ours@acme.example")]).await;
    assert_eq!((run.counts.created, run.exceptions), (1, 0));
}

/// A run tells how many changes it has applied, batch by batch; what went stale is none of them.
pub async fn applied_changes_are_counted(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let user = world.linked_user("a@acme.example", "ext-a").await;
    let gone = world.local_user("gone@acme.example").await;
    let mut both = links(2, &gone, "ext-gone");
    both.change.after.status = Some(UserStatus::Inactive);
    both.change.after.deactivated_by = Some(Some(DeactivatedBy::DirectoryDisabled));
    both.change.deactivates = true;
    let mut changes = vec![renames(1, &user, "Stale"), both];
    changes.extend((3..=5).map(|n| creates(n, &format!("ext-{n}"), &format!("user{n}@acme.example"))));
    changes[4].change.action = Action::Conflict;
    world.update_user(user.id, "role = 'owner'").await;
    let lease = world.planned(changes).await;
    assert_eq!(world.run(lease.run).await.applied_changes, 0);
    for applied in [1, 3] {
        world.store.apply_batch(&lease, 2).await.unwrap();
        assert_eq!(world.run(lease.run).await.applied_changes, applied);
    }
    let run = world.finish(&lease, RunStatus::CompletedWithErrors).await;
    assert_eq!((run.planned_changes, run.applied_changes, run.exceptions), (Some(4), 3, 1));
}

/// A thousand users in one batch, in one call.
pub async fn a_large_batch_is_applied(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let changes: Vec<NewChange> =
        (1..=1_000).map(|n| creates(n, &format!("ext-{n}"), &format!("user{n}@acme.example"))).collect();
    let lease = world.planned(changes).await;
    assert!(!world.store.apply_batch(&lease, 1_000).await.unwrap().more);
    assert_eq!((world.user_count().await, world.run(lease.run).await.counts.created), (1_000, 1_000));
}
