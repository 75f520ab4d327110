//! Reading the feed: from any place, in pages of any size, for as long as it is kept.

use std::{collections::BTreeMap, mem::take, time::Duration};

use directory_core::{Action, ConnectionId, DeactivatedBy, EmailKey, Link, LocalUser, UserId, UserStatus, Values};

use super::{
    Harness,
    entangled::entangle,
    events::told,
    world::{World, add_tenant, changes_user, creates, deactivates, external, id, links, moves, renames},
};
use crate::{
    Actor, Event, EventData, EventFilter, EventId, EventKind, EventPage, Feed, IdPage, RunStatus, StoreError,
    UserFilter,
};

const DAY: Duration = Duration::from_hours(24);

async fn read(world: &World, after: Option<EventId>, limit: u32) -> Feed {
    world.store.events(world.tenant, after, &EventFilter::default(), limit).await.unwrap()
}

async fn page(world: &World, after: Option<EventId>, filter: &EventFilter, limit: u32) -> EventPage {
    match world.store.events(world.tenant, after, filter, limit).await.unwrap() {
        Feed::Page(page) => page,
        Feed::Gone => panic!("nothing was deleted"),
    }
}

/// Goes on until there is no more; the events, and where they end.
async fn follow(world: &World, after: Option<EventId>, filter: &EventFilter, limit: u32) -> (Vec<Event>, EventId) {
    let (mut events, mut after) = (Vec::new(), after);
    for _ in 0..1_000 {
        let page = page(world, after, filter, limit).await;
        assert!(page.events.len() <= limit as usize);
        assert!(!page.more || after != Some(page.next), "it gets on: {page:?}");
        events.extend(page.events);
        if !page.more {
            return (events, page.next);
        }
        after = Some(page.next);
    }
    panic!("the feed does not come to an end");
}

/// Batches of several sizes, an entangled one, one with gaps, and runs' ends.
async fn a_feed_of_everything(world: &World) {
    let a = world.linked_user("a@acme.example", "ext-a").await;
    let b = world.linked_user("b@acme.example", "ext-b").await;
    let mut changes: Vec<_> =
        (10..=16).map(|n| creates(n, &format!("ext-{n}"), &format!("{n}@acme.example"))).collect();
    changes.extend([moves(20, &a, "b@acme.example"), moves(30, &b, "a@acme.example")]);
    let lease = entangle(world, changes, &[20, 30]).await;
    world.sql("UPDATE sync_changes SET outcome = 'rejected' WHERE seq IN (12, 16)").await;
    world.apply_all(&lease, 3).await;
    world.finish(&lease, RunStatus::Succeeded).await;
    let lease =
        world.planned((1..=4).map(|n| creates(n, &format!("e-{n}"), &format!("e{n}@acme.example"))).collect()).await;
    world.apply_all(&lease, 1).await;
    world.finish(&lease, RunStatus::Succeeded).await;
}

/// Pages of any size tell the same, in the same order, wherever they begin.
pub async fn pages_of_any_size_tell_the_same(harness: &dyn Harness) {
    let world = World::new(harness).await;
    a_feed_of_everything(&world).await;
    let all = told(&world).await;
    assert_eq!(all.len(), 2 + 5 + 1 + 4 + 1);
    for limit in 1..=14 {
        let (events, _) = follow(&world, None, &EventFilter::default(), limit).await;
        assert_eq!(events, all, "{limit} at a time");
    }
    for (index, event) in all.iter().enumerate() {
        for limit in [1, 3] {
            let (rest, _) = follow(&world, Some(event.id), &EventFilter::default(), limit).await;
            assert_eq!(rest, all[index + 1..], "after {index}, {limit} at a time");
        }
    }
}

/// Some kinds only: the same events as the whole feed has of them, and the place moves on past the others.
pub async fn events_are_filtered_by_kind(harness: &dyn Harness) {
    let world = World::new(harness).await;
    a_feed_of_everything(&world).await;
    let all = told(&world).await;
    let end = world.store.latest_event(world.tenant).await.unwrap();
    for kinds in [
        vec![EventKind::RunFinished],
        vec![EventKind::UserCreated],
        vec![EventKind::UserUpdated, EventKind::RunFinished],
        vec![EventKind::UserUnlinked],
        EventKind::ALL.to_vec(),
    ] {
        let expected: Vec<_> = all.iter().filter(|event| kinds.contains(&event.kind)).cloned().collect();
        let filter = EventFilter { kinds };
        for limit in [1, 2, 3, 100] {
            let (events, next) = follow(&world, None, &filter, limit).await;
            assert_eq!(events, expected, "{filter:?}, {limit} at a time");
            assert_eq!(next.entry, end.entry, "{filter:?}");
        }
    }
}

/// Who waits for what is to come begins at the end, and misses nothing from there on; a page without events says where to
/// go on as well.
pub async fn the_end_of_the_feed_is_a_place_to_begin(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let nothing = page(&world, None, &EventFilter::default(), 10).await;
    assert_eq!((nothing.events.len(), nothing.more), (0, false));
    let start = world.store.latest_event(world.tenant).await.unwrap();
    world.sync(vec![creates(1, "ext-1", "one@acme.example")]).await;
    let first = told(&world).await;
    for place in [nothing.next, start] {
        assert_eq!(follow(&world, Some(place), &EventFilter::default(), 10).await.0, first);
    }
    let end = world.store.latest_event(world.tenant).await.unwrap();
    let empty = page(&world, Some(end), &EventFilter::default(), 10).await;
    assert_eq!(empty, EventPage { events: Vec::new(), unknown: Vec::new(), next: end, more: false });
    world.sync(vec![creates(1, "ext-2", "two@acme.example")]).await;
    let (events, next) = follow(&world, Some(end), &EventFilter::default(), 10).await;
    assert_eq!(events, told(&world).await[first.len()..]);
    assert_eq!(follow(&world, Some(next), &EventFilter::default(), 10).await.0, []);
}

/// What is older than it is kept for goes, oldest first and so many at a time.
pub async fn old_events_are_deleted(harness: &dyn Harness) {
    let world = World::new(harness).await;
    world.sync(vec![creates(1, "ext-1", "one@acme.example"), creates(2, "ext-2", "two@acme.example")]).await;
    world.sync(vec![creates(1, "ext-3", "three@acme.example")]).await;
    assert!(!world.store.delete_old_events(DAY, 10).await.unwrap(), "all is young");
    world.sql("UPDATE events SET at = '2001-01-01T00:00:00.000Z'").await;
    world.sync(vec![creates(1, "ext-4", "four@acme.example")]).await;
    let all = told(&world).await;
    assert_eq!(world.number("SELECT count(*) FROM events").await, 6);
    assert!(world.store.delete_old_events(DAY, 3).await.unwrap());
    assert_eq!(world.number("SELECT count(*) FROM events").await, 3);
    assert_eq!(told(&world).await, all[4..], "the run's end is the oldest that is kept");
    while world.store.delete_old_events(DAY, 3).await.unwrap() {}
    assert_eq!(told(&world).await, all[5..], "the young ones stay");
}

/// Who stopped reading for too long is told so, instead of missing something; who had read everything goes on.
pub async fn who_missed_something_is_told(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let start = world.store.latest_event(world.tenant).await.unwrap();
    world.sync(vec![creates(1, "ext-1", "one@acme.example"), creates(2, "ext-2", "two@acme.example")]).await;
    let old = told(&world).await;
    let end = world.store.latest_event(world.tenant).await.unwrap();
    world.sql("UPDATE events SET at = '2001-01-01T00:00:00.000Z'").await;
    while world.store.delete_old_events(DAY, 1).await.unwrap() {}
    assert_eq!(world.store.latest_event(world.tenant).await.unwrap(), end);
    world.sync(vec![creates(1, "ext-3", "three@acme.example")]).await;
    let young = told(&world).await;
    assert_eq!(young.len(), 2);
    for missed in [start, old[0].id, old[1].id, EventId::of(old[0].id.entry), EventId::of(id())] {
        assert_eq!(read(&world, Some(missed), 10).await, Feed::Gone, "{missed}");
    }
    for place in [Some(end), Some(old[2].id), None] {
        let Feed::Page(page) = read(&world, place, 10).await else { panic!("nothing was missed") };
        assert_eq!(page.events, young);
    }
}

/// The events of many tenants go together: what deleting takes follows what there is to delete, not whose it is. What is left
/// of each begins somewhere, whatever the clock said of what came before.
pub async fn old_events_of_many_tenants_go_together(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let (old, young) = ("2001-01-01T00:00:00.000Z", "2999-01-01T00:00:00.000Z");
    let mut tenants = Vec::new();
    for slug in ["a", "b", "c", "d"] {
        let tenant = add_tenant(&*world.store, slug).await;
        let mut ends = Vec::new();
        // The clock of the second was ahead.
        for at in [old, young, old, young] {
            let sql = format!(
                "INSERT INTO events (tenant_id, kind, connection_id, data, at)
                 VALUES ('{tenant}', 'connection.quarantined', '{}', '{{\"reason\":null}}', '{at}')",
                world.connection
            );
            world.sql(&sql).await;
            ends.push(world.store.latest_event(tenant).await.unwrap());
        }
        tenants.push((tenant, ends));
    }
    let left = async || world.number("SELECT count(*) FROM events").await;
    assert!(world.store.delete_old_events(DAY, 5).await.unwrap());
    assert_eq!(left().await, 11, "so many at a time");
    assert!(world.store.delete_old_events(DAY, 100).await.unwrap());
    assert_eq!(left().await, 4, "all tenants' at once");
    assert!(!world.store.delete_old_events(DAY, 100).await.unwrap());
    for (tenant, ends) in tenants {
        let after = async |place| world.store.events(tenant, place, &EventFilter::default(), 10).await.unwrap();
        for missed in [EventId::START, ends[0], ends[1]] {
            assert_eq!(after(Some(missed)).await, Feed::Gone);
        }
        for place in [Some(ends[2]), None] {
            let Feed::Page(page) = after(place).await else { panic!("nothing was missed") };
            assert_eq!(page.events.iter().map(|event| event.id).collect::<Vec<_>>(), [ends[3]]);
        }
    }
}

/// A place in the middle of a batch that was deleted is gone, even if the batch was the last to go: what was left of it is
/// missed.
pub async fn a_place_within_what_was_deleted_is_gone(harness: &dyn Harness) {
    let world = World::new(harness).await;
    world.sync(vec![creates(1, "ext-1", "one@acme.example"), creates(2, "ext-2", "two@acme.example")]).await;
    let all = told(&world).await;
    world.sql("UPDATE events SET at = '2001-01-01T00:00:00.000Z' WHERE kind = 'users'").await;
    while world.store.delete_old_events(DAY, 10).await.unwrap() {}
    assert_eq!(told(&world).await, all[2..]);
    assert_eq!(read(&world, Some(all[0].id), 10).await, Feed::Gone);
    let Feed::Page(rest) = read(&world, Some(EventId::of(all[0].id.entry)), 10).await else {
        panic!("all of the batch was read")
    };
    assert_eq!(rest.events, all[2..]);
}

/// A place that never was in this tenant's feed is gone, whoever else has it; one after a batch's last change is its end.
pub async fn a_place_that_never_was_is_gone(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let other = add_tenant(&*world.store, "other").await;
    world.sync(vec![creates(1, "ext-1", "one@acme.example"), creates(2, "ext-2", "two@acme.example")]).await;
    let all = told(&world).await;
    for never in [EventId::of(id()), EventId::within(id(), 1), EventId { seq: Some(1), ..EventId::START }] {
        assert_eq!(read(&world, Some(never), 10).await, Feed::Gone, "{never}");
    }
    for theirs in [all[0].id, all[2].id, EventId::of(all[0].id.entry)] {
        let feed = world.store.events(other, Some(theirs), &EventFilter::default(), 10).await.unwrap();
        assert_eq!(feed, Feed::Gone, "{theirs}");
    }
    let beyond = EventId::within(all[0].id.entry, u32::MAX);
    for limit in [1, 10] {
        let (rest, _) = follow(&world, Some(beyond), &EventFilter::default(), limit).await;
        assert_eq!(rest, all[2..]);
    }
}

/// What events are told from is kept for as long as they are.
pub async fn changes_stay_with_their_events(harness: &dyn Harness) {
    let world = World::new(harness).await;
    world.sync(vec![creates(1, "ext-1", "one@acme.example")]).await;
    world.sql("UPDATE sync_runs SET finished_at = '2001-01-01T00:00:00.000Z'").await;
    let all = told(&world).await;
    assert!(!world.store.delete_old_changes(DAY, 10).await.unwrap());
    assert_eq!(told(&world).await, all);
    world.sql("UPDATE events SET at = '2001-01-01T00:00:00.000Z'").await;
    while world.store.delete_old_events(DAY, 10).await.unwrap() {}
    while world.store.delete_old_changes(DAY, 10).await.unwrap() {}
    assert_eq!(world.number("SELECT count(*) FROM sync_changes").await, 0);
}

/// What a newer program writes is passed over, and a value that makes no sense is told by its place.
pub async fn what_is_not_known_is_passed_over(harness: &dyn Harness) {
    let world = World::new(harness).await;
    world.sync(vec![creates(1, "ext-1", "one@acme.example")]).await;
    let insert = |kind: &str, data: &str| {
        format!(
            "INSERT INTO events (tenant_id, kind, connection_id, data) VALUES ('{}', '{kind}', '{}', '{data}')",
            world.tenant, world.connection
        )
    };
    world.sql(&insert("user.promoted", "[7]")).await;
    world.sync(vec![creates(1, "ext-2", "two@acme.example")]).await;
    let kinds: Vec<_> = told(&world).await.into_iter().map(|event| event.kind).collect();
    let (created, finished) = (EventKind::UserCreated, EventKind::RunFinished);
    assert_eq!(kinds, [created, finished, created, finished]);
    let told_apart = page(&world, None, &EventFilter::default(), 10).await.unknown;
    assert_eq!(told_apart.iter().map(|event| event.kind.as_str()).collect::<Vec<_>>(), ["user.promoted"]);
    assert_eq!(page(&world, None, &EventFilter { kinds: vec![finished] }, 10).await.unknown, []);
    let (_, next) = follow(&world, None, &EventFilter::default(), 1).await;
    assert_eq!(next.entry, world.store.latest_event(world.tenant).await.unwrap().entry);
    world.sql(&insert("run.held", "[7]")).await;
    let corrupt = world.store.events(world.tenant, Some(next), &EventFilter::default(), 10).await;
    assert!(matches!(corrupt, Err(StoreError::Corrupt { table: "events", column: "data", .. })), "{corrupt:?}");
}

/// The users, each without its version: that is no news.
type Users = BTreeMap<UserId, LocalUser>;

/// Who takes the users as they are and then replays the feed has the users as they are after each run.
pub async fn replaying_tells_the_users(harness: &dyn Harness) {
    let world = World::new(harness).await;
    world.local_user("local@acme.example").await;
    let adopted = world.local_user("adopted@acme.example").await;
    let mut copy = users(&world).await;
    let mut place = world.store.latest_event(world.tenant).await.unwrap();

    let mut changes: Vec<_> = (1..=8).map(|n| creates(n, &format!("ext-{n}"), &format!("{n}@acme.example"))).collect();
    changes.push(links(9, &adopted, "ext-9"));
    world.sync(changes).await;
    replay(&world, &mut copy, &mut place).await;

    let [one, two, three, four] = ["1", "2", "3", "4"].map(|name| format!("{name}@acme.example"));
    let (one, two) = (by_email(&world, &one).await, by_email(&world, &two).await);
    let (three, four) = (by_email(&world, &three).await, by_email(&world, &four).await);
    let adopted = by_email(&world, "adopted@acme.example").await;
    let changes = vec![
        moves(1, &one, "2@acme.example"),
        renames(2, &three, "Renamed"),
        moves(3, &two, "1@acme.example"),
        deactivates(4, &four, DeactivatedBy::DirectoryAbsent),
        deactivates(5, &adopted, DeactivatedBy::DirectoryDisabled),
        creates(6, "ext-10", "10@acme.example"),
    ];
    let lease = entangle(&world, changes, &[1, 3]).await;
    world.apply_all(&lease, 2).await;
    world.finish(&lease, RunStatus::CompletedWithErrors).await;
    replay(&world, &mut copy, &mut place).await;

    let four = world.user(four.id).await.user;
    let back = Values { status: Some(UserStatus::Active), deactivated_by: Some(None), ..Values::default() };
    world.sync(vec![changes_user(1, Action::Reactivate, &four, back)]).await;
    world.store.unlink_user(Actor::SYSTEM, world.tenant, three.id).await.unwrap();
    replay(&world, &mut copy, &mut place).await;
}

async fn by_email(world: &World, email: &str) -> LocalUser {
    let found = world.store.users_by_email(world.tenant, &[EmailKey::of(email)]).await.unwrap();
    found.into_iter().next().expect("the user")
}

async fn users(world: &World) -> Users {
    let page = IdPage { after: None, limit: 1_000 };
    let found = world.store.users(world.tenant, &UserFilter::default(), page).await.unwrap();
    found.into_iter().map(|record| (record.user.id, LocalUser { version: 0, ..record.user })).collect()
}

/// Brings the copy up to date by the feed, and compares it with the users.
async fn replay(world: &World, copy: &mut Users, place: &mut EventId) {
    let (events, next) = follow(world, Some(*place), &EventFilter::default(), 4).await;
    *place = next;
    for event in events {
        let EventData::User(change) = event.data else { continue };
        if event.kind == EventKind::UserCreated {
            assert!(copy.insert(change.user, nobody(change.user)).is_none(), "created once");
        }
        let user = copy.get_mut(&change.user).expect("a user who is known");
        write(user, event.connection, change.after);
        assert_eq!(change.email.as_ref(), Some(&user.email));
        assert!(change.status.is_none_or(|status| status == user.status));
    }
    assert_eq!(*copy, users(world).await);
}

fn nobody(id: UserId) -> LocalUser {
    LocalUser {
        id,
        version: 0,
        email: String::new(),
        display_name: String::new(),
        given_name: None,
        family_name: None,
        role: String::new(),
        status: UserStatus::Inactive,
        deactivated_by: None,
        link: None,
    }
}

fn write(user: &mut LocalUser, connection: ConnectionId, values: Values) {
    let Values { email, display_name, given_name, family_name, role, status, deactivated_by, external_id } = values;
    user.email = email.unwrap_or(take(&mut user.email));
    user.display_name = display_name.unwrap_or(take(&mut user.display_name));
    user.given_name = given_name.unwrap_or(user.given_name.take());
    user.family_name = family_name.unwrap_or(user.family_name.take());
    user.role = role.unwrap_or(take(&mut user.role));
    user.status = status.unwrap_or(user.status);
    user.deactivated_by = deactivated_by.unwrap_or(user.deactivated_by);
    if let Some(linked) = external_id {
        user.link = linked.map(|id| Link { connection, external_id: external(&id) });
    }
}
