//! What happens is told: once, and only if it did happen.

use directory_core::{
    Action, ChangeCode, DeactivatedBy, ExternalId, HoldReason, LocalUser, RunErrorCode, UserStatus, Values,
};

use super::{
    Harness,
    entangled::entangle,
    world::{
        World, add_connection, add_twin, changes_user, conflicts, creates, deactivates, digest, external, full, links,
        moves, queue, renames,
    },
};
use crate::{
    Actor, Approval, Choice, ConnectionEffect, Event, EventData, EventFilter, EventKind, Feed, Linking, PlanNext, Run,
    RunEnd, RunError, RunEvent, RunStatus, UserEvent,
};

/// Everything that the tenant's feed tells.
pub(super) async fn told(world: &World) -> Vec<Event> {
    match world.store.events(world.tenant, None, &EventFilter::default(), 10_000).await.unwrap() {
        Feed::Page(page) => {
            assert!(!page.more);
            page.events
        }
        Feed::Gone => panic!("nothing can have been missed"),
    }
}

/// Of users: what happened to whom.
async fn of_users(world: &World) -> Vec<(EventKind, UserEvent)> {
    told(world).await.into_iter().filter_map(user_event).collect()
}

fn user_event(event: Event) -> Option<(EventKind, UserEvent)> {
    match event.data {
        EventData::User(user) => Some((event.kind, *user)),
        EventData::Run(_) | EventData::Quarantine(_) => None,
    }
}

/// Of runs: how which one ended, or that it is held.
async fn of_runs(world: &World) -> Vec<(EventKind, directory_core::RunId, RunEvent)> {
    let of_run = |event: Event| match event.data {
        EventData::Run(run) => Some((event.kind, event.run.expect("its run"), *run)),
        EventData::User(_) | EventData::Quarantine(_) => None,
    };
    told(world).await.into_iter().filter_map(of_run).collect()
}

async fn inactive(world: &World, email: &str, external_id: &str) -> LocalUser {
    let user = world.linked_user(email, external_id).await;
    world.update_user(user.id, "status = 'inactive', deactivated_by = 'directory_absent'").await;
    world.user(user.id).await.user
}

fn active() -> Values {
    Values { status: Some(UserStatus::Active), deactivated_by: Some(None), ..Values::default() }
}

fn left() -> Values {
    let by = Some(Some(DeactivatedBy::DirectoryDisabled));
    Values { status: Some(UserStatus::Inactive), deactivated_by: by, ..Values::default() }
}

fn linking(external_id: &str, values: Values) -> Values {
    Values { external_id: Some(Some(external_id.to_owned())), ..values }
}

/// Each change that is applied is one event, with the change's values.
pub async fn an_applied_change_is_one_event(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let updated = world.linked_user("a@acme.example", "ext-a").await;
    let leaver = world.linked_user("b@acme.example", "ext-b").await;
    let returner = inactive(&world, "c@acme.example", "ext-c").await;
    let adopted = world.local_user("d@acme.example").await;
    let renamed = world.local_user("e@acme.example").await;
    let disabled = world.local_user("f@acme.example").await;
    let name = Values { display_name: Some("Renamed".to_owned()), ..Values::default() };
    let new = creates(1, "ext-new", "New@acme.example");
    let new_user = new.new_user.unwrap();
    let changes = vec![
        new.clone(),
        moves(2, &updated, "moved@acme.example"),
        deactivates(3, &leaver, DeactivatedBy::DirectoryAbsent),
        changes_user(4, Action::Reactivate, &returner, active()),
        links(5, &adopted, "ext-d"),
        changes_user(6, Action::Link, &renamed, linking("ext-e", name)),
        changes_user(7, Action::Link, &disabled, linking("ext-f", left())),
    ];
    let expected = [
        (EventKind::UserCreated, new_user, Some(UserStatus::Active)),
        (EventKind::UserUpdated, updated.id, None),
        (EventKind::UserDeactivated, leaver.id, Some(UserStatus::Inactive)),
        (EventKind::UserReactivated, returner.id, Some(UserStatus::Active)),
        (EventKind::UserLinked, adopted.id, None),
        (EventKind::UserUpdated, renamed.id, None),
        (EventKind::UserDeactivated, disabled.id, Some(UserStatus::Inactive)),
    ];
    let run = world.sync(changes.clone()).await;
    let told = told(&world).await;
    let users: Vec<_> = told.iter().filter(|event| event.kind != EventKind::RunFinished).cloned().collect();
    for ((event, change), (kind, user, status)) in users.iter().zip(&changes).zip(&expected) {
        let change = &change.change;
        assert_eq!((event.kind, event.tenant, event.connection), (*kind, world.tenant, world.connection));
        assert_eq!(event.run, Some(run.id));
        assert!(event.at >= run.created_at);
        let EventData::User(data) = &event.data else { panic!("{event:?}") };
        let told = UserEvent {
            user: *user,
            external_id: change.external_id.clone(),
            email: change.after.email.clone().or_else(|| change.email.clone()),
            status: *status,
            before: change.before.clone(),
            after: change.after.clone(),
        };
        assert_eq!(**data, told, "{kind:?}");
    }
    assert_eq!(users.len(), changes.len());
    let ids: std::collections::HashSet<_> = told.iter().map(|event| event.id).collect();
    assert_eq!(ids.len(), told.len());
    assert_eq!(self::told(&world).await, told, "read again, it is the same");
}

/// What was not applied is not told: what is refused, stale, turned down, or still to come.
pub async fn what_was_not_applied_is_not_told(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let user = world.linked_user("a@acme.example", "ext-a").await;
    let other = world.linked_user("b@acme.example", "ext-b").await;
    let changes = vec![
        conflicts(1, "ext-1", ChangeCode::EmailTaken),
        renames(2, &user, "Stale"),
        creates(3, "ext-3", "three@acme.example"),
        renames(4, &other, "Renamed"),
        creates(5, "ext-5", "five@acme.example"),
        creates(6, "ext-6", "six@acme.example"),
    ];
    world.update_user(user.id, "role = 'owner'").await;
    let run = world.held(changes).await;
    let approved =
        world.store.approve_run(Actor::SYSTEM, world.tenant, run, &digest(), &Choice::Except(vec![3])).await.unwrap();
    assert!(matches!(approved, Approval::Approved(_)), "{approved:?}");
    let lease = world.claim(run).await.unwrap().lease;
    assert!(world.store.apply_batch(&lease, 3).await.unwrap().more);
    let told: Vec<_> = of_users(&world).await.into_iter().map(|(kind, user)| (kind, user.email.unwrap())).collect();
    let expected = [(EventKind::UserUpdated, "b@acme.example"), (EventKind::UserCreated, "five@acme.example")];
    assert_eq!(told, expected.map(|(kind, email)| (kind, email.to_owned())));
}

/// A batch in which everything is stale, and a plan of nothing, are no news. Nor are the pages of a plan.
pub async fn where_nothing_changes_nothing_is_told(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let user = world.linked_user("a@acme.example", "ext-a").await;
    let stale = renames(1, &user, "Stale");
    world.update_user(user.id, "role = 'owner'").await;
    for changes in [vec![], vec![stale], vec![conflicts(1, "ext-1", ChangeCode::NoEmail)]] {
        let lease = world.planned(changes).await;
        world.apply_all(&lease, 10).await;
        assert_eq!(told(&world).await, [], "{lease:?}");
        world.sql("UPDATE sync_runs SET status = 'failed'").await;
    }
    assert_eq!(world.number("SELECT count(*) FROM events").await, 0);
}

/// Addresses that move between users are told with the others of their batch, and before what follows.
pub async fn entangled_changes_are_told_first(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let a = world.linked_user("a@acme.example", "ext-a").await;
    let b = world.linked_user("b@acme.example", "ext-b").await;
    let changes = vec![
        creates(1, "ext-1", "one@acme.example"),
        moves(2, &a, "b@acme.example"),
        creates(3, "ext-3", "three@acme.example"),
        moves(4, &b, "a@acme.example"),
    ];
    let lease = entangle(&world, changes, &[2, 4]).await;
    world.apply_all(&lease, 1).await;
    let told: Vec<_> = told(&world).await.into_iter().map(|event| event.id.seq).collect();
    assert_eq!(told, [Some(2), Some(4), Some(1), Some(3)]);
    world.finish(&lease, RunStatus::Succeeded).await;

    // With nothing else to do.
    let (a, b) = (world.user(a.id).await.user, world.user(b.id).await.user);
    let before = of_users(&world).await.len();
    let swapped = vec![moves(7, &a, "a@acme.example"), moves(9, &b, "b@acme.example")];
    let lease = entangle(&world, swapped, &[7, 9]).await;
    world.apply_all(&lease, 1).await;
    let told = of_users(&world).await.split_off(before);
    assert_eq!(told.into_iter().map(|(_, user)| user.user).collect::<Vec<_>>(), [a.id, b.id]);
}

/// Each run's end is told once, whoever ends it, as the run is then.
pub async fn each_run_ends_once(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let mut ended: Vec<(directory_core::RunId, RunStatus)> = Vec::new();
    let mut note = |run: &Run| ended.push((run.id, run.status));

    note(&world.sync(vec![creates(1, "ext-1", "one@acme.example")]).await);
    let failing = world.start().await.lease;
    let (message, hint) = ("No.".to_owned(), "Mend it.".to_owned());
    let error = RunError { code: RunErrorCode::GroupNotFound, message, hint, request_id: Some("r-1".to_owned()) };
    let end = RunEnd { status: RunStatus::Failed, error: Some(error.clone()), connection: ConnectionEffect::Keep };
    note(&world.store.finish_run(&failing, &end).await.unwrap());
    let queued = world.queue().await;
    note(&world.cancel(queued).await);
    let dry = world.start().await.lease;
    let planned = PlanNext::Planned { digest: digest(), reasons: Vec::new() };
    world.store.finish_plan(&dry, &directory_core::PlanSummary::default(), &full(), &planned).await.unwrap();
    note(&world.run(dry.run).await);
    let rejected = world.held(vec![creates(1, "ext-2", "two@acme.example")]).await;
    world.store.reject_run(Actor::SYSTEM, world.tenant, rejected).await.unwrap();
    note(&world.run(rejected).await);
    let superseded = world.held(vec![creates(1, "ext-2", "two@acme.example")]).await;
    let orphan = world.queue().await;
    note(&world.run(superseded).await);
    world.sql(&format!("UPDATE connections SET policy = '7' WHERE id = '{}'", world.connection)).await;
    assert!(world.claim(orphan).await.is_none());
    note(&world.run(orphan).await);

    let finished: Vec<_> = of_runs(&world)
        .await
        .into_iter()
        .filter(|(kind, ..)| *kind == EventKind::RunFinished)
        .map(|(_, run, data)| (run, data.status))
        .collect();
    assert_eq!(finished, ended);
    let statuses: Vec<_> = ended.iter().map(|(_, status)| *status).collect();
    let all = [
        RunStatus::Succeeded,
        RunStatus::Failed,
        RunStatus::Cancelled,
        RunStatus::Planned,
        RunStatus::Rejected,
        RunStatus::Superseded,
        RunStatus::Failed,
    ];
    assert_eq!(statuses, all);
    let told = of_runs(&world).await.into_iter().map(|(_, _, data)| data).collect::<Vec<_>>();
    let run = world.run(ended[0].0).await;
    let expected = RunEvent {
        status: RunStatus::Succeeded,
        mode: run.mode,
        trigger: run.trigger,
        dry_run: false,
        counts: run.counts,
        hold: Vec::new(),
        error: None,
    };
    assert_eq!(told[0], expected);
    assert_eq!(told[1].error, Some(error));
}

/// Deleting a connection ends its runs, and what was told of it stays.
pub async fn events_outlive_their_connection(harness: &dyn Harness) {
    let world = World::new(harness).await;
    world.sync(vec![creates(1, "ext-1", "one@acme.example")]).await;
    let before = told(&world).await;
    let queued = world.queue().await;
    world.disconnect().await;
    let mut after = told(&world).await;
    let end = after.pop().unwrap();
    assert_eq!((end.kind, end.run), (EventKind::RunFinished, Some(queued)));
    assert_eq!(after, before);
}

/// A held plan is told with its reasons and what it would do; that it was approved changes nothing of what was told.
pub async fn a_held_plan_is_told(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let run = world.held(vec![creates(1, "ext-1", "one@acme.example")]).await;
    let held = of_runs(&world).await;
    let [(EventKind::RunHeld, of, data)] = &held[..] else { panic!("{held:?}") };
    assert_eq!((*of, data.status, data.counts.created), (run, RunStatus::Held, 1));
    assert_eq!(data.hold, [HoldReason::AllDeactivated { deactivations: 3 }]);
    let shown = serde_json::to_value(data).unwrap();
    assert_eq!(shown["hold"]["reasons"][0]["code"], "all_deactivated");
    assert!(shown["hold"]["reasons"][0]["message"].is_string());
    world.store.approve_run(Actor::SYSTEM, world.tenant, run, &digest(), &Choice::All).await.unwrap();
    let lease = world.claim(run).await.unwrap().lease;
    world.apply_all(&lease, 10).await;
    world.finish(&lease, RunStatus::Succeeded).await;
    let all = of_runs(&world).await;
    assert_eq!((&all[0], all.len()), (&held[0], 2));
}

/// A quarantine is told when it begins, and when its reason changes; not each time that a run meets the same.
pub async fn a_quarantine_is_told_once(harness: &dyn Harness) {
    let world = World::new(harness).await;
    for reason in ["The secret has expired.", "The secret has expired.", "The group is gone."] {
        let lease = world.start().await.lease;
        let connection = ConnectionEffect::Quarantine(reason.to_owned());
        let end = RunEnd { status: RunStatus::Failed, error: None, connection };
        world.store.finish_run(&lease, &end).await.unwrap();
    }
    let reasons: Vec<_> = told(&world)
        .await
        .into_iter()
        .filter(|event| event.kind == EventKind::ConnectionQuarantined)
        .map(|event| match event.data {
            EventData::Quarantine(data) => (event.connection, data.reason.unwrap()),
            other => panic!("{other:?}"),
        })
        .collect();
    let expected = ["The secret has expired.", "The group is gone."];
    assert_eq!(reasons, expected.map(|reason| (world.connection, reason.to_owned())));
}

/// A person links a user and unlinks it.
pub async fn links_by_hand_are_told(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let user = world.local_user("a@acme.example").await;
    world.sync(vec![conflicts(1, "ext-1", ChangeCode::EmailTaken)]).await;
    for _ in 0..2 {
        let linked = world
            .store
            .link_user(Actor::SYSTEM, world.tenant, user.id, world.connection, &external("ext-1"))
            .await
            .unwrap();
        assert!(matches!(linked, Linking::Linked(_)), "{linked:?}");
    }
    for _ in 0..2 {
        world.store.unlink_user(Actor::SYSTEM, world.tenant, user.id).await.unwrap();
    }
    let linked = Values { external_id: Some(Some("ext-1".to_owned())), ..Values::default() };
    let local = Values { external_id: Some(None), ..Values::default() };
    let data = |before: &Values, after: &Values| UserEvent {
        user: user.id,
        external_id: ExternalId::parse("ext-1"),
        email: Some("a@acme.example".to_owned()),
        status: None,
        before: before.clone(),
        after: after.clone(),
    };
    let expected = [(EventKind::UserLinked, data(&local, &linked)), (EventKind::UserUnlinked, data(&linked, &local))];
    assert_eq!(of_users(&world).await, expected);
    assert!(told(&world).await.iter().all(|event| event.connection == world.connection));
}

/// Another tenant's events are another feed, even of a run of the same id.
pub async fn events_are_the_tenants_own(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let run = world.sync(vec![creates(1, "ext-1", "one@acme.example")]).await;
    let before = told(&world).await;
    let other = add_twin(&world, run.id).await;
    let mine = before[0].id;
    let feed = world.store.events(other, None, &EventFilter::default(), 10).await.unwrap();
    assert!(matches!(&feed, Feed::Page(page) if page.events.is_empty()), "{feed:?}");
    assert_eq!(world.store.events(other, Some(mine), &EventFilter::default(), 10).await.unwrap(), Feed::Gone);
    let connection = add_connection(&*world.store, other).await;
    let cancelled = queue(&*world.store, other, connection).await;
    world.store.cancel_run(Actor::SYSTEM, other, cancelled).await.unwrap();
    let Feed::Page(page) = world.store.events(other, None, &EventFilter::default(), 10).await.unwrap() else {
        panic!("nothing was deleted");
    };
    assert_eq!(page.events.len(), 1);
    assert_eq!((page.events[0].tenant, page.events[0].connection), (other, connection));
    assert_eq!(told(&world).await, before);
}
