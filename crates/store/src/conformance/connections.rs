//! Connections, their credentials, and what a run's end means for them.

use directory_core::{ConnectionId, EmailAttribute, MaxDeactivations, PlanSummary, Policy, RunId};

use super::{
    Harness,
    world::{World, add_connection, add_tenant, add_twin, creates, full, id, new_connection, sealed, second},
};
use crate::{
    Actor, Connection, ConnectionEffect, ConnectionState, ConnectionUpdate, IdPage, NewConnection, NewCredential,
    PlanNext, RunEnd, RunStatus, StoreError, UpdatedConnection,
};

fn unusual(world: &World) -> NewConnection {
    NewConnection {
        display_name: "Größe 'n' \u{1f4c7} \"x\"".to_owned(),
        group_id: Some("99999999-2222-3333-4444-555555555555".to_owned()),
        cloud: "usGovDod".to_owned(),
        default_role: "guest\u{e9}".to_owned(),
        policy: Policy {
            deactivate_missing: false,
            email_attribute: EmailAttribute::UserPrincipalName,
            adopt_domains: Some(vec!["acme.example".to_owned()]),
            protected_roles: vec![],
            max_deactivations: MaxDeactivations { percent: 100, count: u32::MAX },
            ..Policy::default_for(true)
        },
        schedule: Some("every 15m".to_owned()),
        credential: NewCredential { expires_at: Some(second("2031-02-03T04:05:06Z")), ..sealed(vec![1]) },
        ..new_connection(world.tenant)
    }
}

/// Every field of a connection comes back as it was given.
pub async fn a_connection_reads_as_it_was_registered(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let new = unusual(&world);
    let made = world.store.create_connection(Actor::SYSTEM, &new).await.unwrap();
    let expected = Connection {
        id: new.id,
        tenant: new.tenant,
        provider: new.provider.clone(),
        display_name: new.display_name.clone(),
        directory_id: new.directory_id.clone(),
        client_id: new.client_id.clone(),
        group_id: new.group_id.clone(),
        cloud: new.cloud.clone(),
        default_role: new.default_role.clone(),
        policy: new.policy.clone(),
        schedule: new.schedule.clone(),
        next_sync_at: made.next_sync_at,
        state: ConnectionState::Active,
        state_reason: None,
        quarantined_at: None,
        held_until: None,
        setbacks: 0,
        new_scope: false,
        credential_updated_at: made.created_at,
        credential_kind: new.credential.kind,
        credential_expires_at: new.credential.expires_at,
        created_at: made.created_at,
        updated_at: made.created_at,
    };
    assert_eq!(made, expected);
    assert_eq!(world.store.connection(world.tenant, new.id).await.unwrap(), Some(expected));
    assert_eq!(world.store.connection(world.tenant, ConnectionId(id())).await.unwrap(), None);
}

/// What is optional stays absent.
pub async fn a_plain_connection_has_nothing_optional(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let plain = world.store.connection(world.tenant, world.connection).await.unwrap().unwrap();
    assert_eq!((plain.group_id, plain.schedule, plain.credential_expires_at), (None, None, None));
}

/// The sealed credential is read apart from the connection, byte for byte.
pub async fn a_credential_is_kept_byte_for_byte(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let every_byte: Vec<u8> = (0..=255).collect();
    let new = NewConnection { credential: sealed(every_byte.clone()), ..new_connection(world.tenant) };
    world.store.create_connection(Actor::SYSTEM, &new).await.unwrap();
    assert_eq!(world.sealed(world.tenant, new.id).await, Some(every_byte));
    assert_eq!(world.sealed(world.tenant, ConnectionId(id())).await, None);
}

/// Pages start after the last id of the page before, and meet every connection once.
pub async fn connections_are_paged_oldest_first(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let mut made = vec![world.connection];
    for _ in 0..4 {
        made.push(add_connection(&*world.store, world.tenant).await);
    }
    let mut listed = Vec::new();
    loop {
        let after = listed.last().map(|last: &ConnectionId| last.0);
        let page = world.store.connections(world.tenant, IdPage { after, limit: 2 }).await.unwrap();
        assert!(page.len() <= 2);
        if page.is_empty() {
            break;
        }
        listed.extend(page.into_iter().map(|connection| connection.id));
    }
    assert_eq!(listed, made);
}

/// Another tenant's connection is as absent as one that was never made, even where the ids are the same.
pub async fn connections_are_the_tenants_own(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let other = add_tenant(&*world.store, "other").await;
    let page = IdPage { after: None, limit: 10 };
    assert_eq!(world.store.connection(other, world.connection).await.unwrap(), None);
    assert_eq!(world.sealed(other, world.connection).await, None);
    assert_eq!(world.store.connections(other, page).await.unwrap(), []);

    let twin = NewConnection {
        id: world.connection,
        display_name: "Twin".to_owned(),
        credential: sealed(vec![9]),
        ..new_connection(other)
    };
    world.store.create_connection(Actor::SYSTEM, &twin).await.unwrap();
    let ours = world.store.connection(world.tenant, world.connection).await.unwrap().unwrap();
    assert_eq!(ours.display_name, "Acme Entra");
    assert_eq!(world.sealed(other, world.connection).await, Some(vec![9]));
    assert_eq!(world.store.connections(world.tenant, page).await.unwrap(), [ours]);
}

async fn state_after(world: &World, effect: ConnectionEffect) -> (ConnectionState, Option<String>) {
    let lease = world.start().await.lease;
    let end = RunEnd { status: RunStatus::Succeeded, error: None, connection: effect };
    world.store.finish_run(&lease, &end).await.unwrap();
    let connection = world.store.connection(world.tenant, world.connection).await.unwrap().unwrap();
    (connection.state, connection.state_reason)
}

/// A configuration failure quarantines the connection, with its reason; a later reason replaces it.
pub async fn a_run_quarantines_its_connection(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let bystander = add_connection(&*world.store, world.tenant).await;
    for reason in ["The secret has expired.", "The group is gone."] {
        let state = state_after(&world, ConnectionEffect::Quarantine(reason.to_owned())).await;
        assert_eq!(state, (ConnectionState::Quarantined, Some(reason.to_owned())));
    }
    let other = world.store.connection(world.tenant, bystander).await.unwrap().unwrap();
    assert_eq!(other.state, ConnectionState::Active, "only the run's own connection");
}

/// A run that works lifts the quarantine; one that says nothing keeps it.
pub async fn a_run_lifts_a_quarantine(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let reason = "The secret has expired.".to_owned();
    state_after(&world, ConnectionEffect::Quarantine(reason.clone())).await;
    let kept = state_after(&world, ConnectionEffect::Keep).await;
    assert_eq!(kept, (ConnectionState::Quarantined, Some(reason)));
    assert_eq!(state_after(&world, ConnectionEffect::Lift).await, (ConnectionState::Active, None));
    assert_eq!(state_after(&world, ConnectionEffect::Lift).await, (ConnectionState::Active, None));
}

/// Whatever a run says, a connection that a person paused stays paused.
pub async fn a_paused_connection_stays_paused(harness: &dyn Harness) {
    let world = World::new(harness).await;
    world.sql("UPDATE connections SET state = 'paused', state_reason = NULL").await;
    for effect in [ConnectionEffect::Quarantine("Mend it.".to_owned()), ConnectionEffect::Lift, ConnectionEffect::Keep]
    {
        assert_eq!(state_after(&world, effect).await, (ConnectionState::Paused, None));
    }
}

async fn read(world: &World) -> Connection {
    world.store.connection(world.tenant, world.connection).await.unwrap().unwrap()
}

/// Every value as the connection has it.
fn as_is(connection: &Connection) -> ConnectionUpdate {
    ConnectionUpdate {
        display_name: connection.display_name.clone(),
        group_id: connection.group_id.clone(),
        default_role: connection.default_role.clone(),
        policy: connection.policy.clone(),
        schedule: connection.schedule.clone(),
        paused: connection.state == ConnectionState::Paused,
    }
}

async fn update(world: &World, seen: &Connection, update: ConnectionUpdate) -> Connection {
    let updated = world
        .store
        .update_connection(Actor::SYSTEM, world.tenant, world.connection, seen.updated_at, &update)
        .await
        .unwrap();
    match updated {
        UpdatedConnection::Done(connection) => *connection,
        other => panic!("not updated: {other:?}"),
    }
}

/// An update writes what it names, and leaves the directory and the credential alone; no other connection is touched.
pub async fn a_connection_is_updated(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let bystander = add_connection(&*world.store, world.tenant).await;
    let other = world.store.connection(world.tenant, bystander).await.unwrap();
    let before = read(&world).await;
    let new = unusual(&world);
    let change = ConnectionUpdate {
        display_name: new.display_name.clone(),
        group_id: new.group_id.clone(),
        default_role: new.default_role.clone(),
        policy: new.policy.clone(),
        schedule: new.schedule.clone(),
        paused: false,
    };
    let after = update(&world, &before, change).await;
    assert_eq!(after, read(&world).await);
    assert!(after.updated_at > before.updated_at);
    let expected = Connection {
        display_name: new.display_name,
        group_id: new.group_id,
        default_role: new.default_role,
        policy: new.policy,
        schedule: new.schedule,
        next_sync_at: after.next_sync_at,
        updated_at: after.updated_at,
        ..before.clone()
    };
    assert_eq!(after, expected);
    let credential = world.sealed(world.tenant, world.connection).await;
    assert_eq!(credential, Some(vec![0, 1, 2, 254, 255]));
    assert_eq!(world.store.connection(world.tenant, bystander).await.unwrap(), other);

    let back = update(&world, &after, as_is(&before)).await;
    assert_eq!(back, Connection { updated_at: back.updated_at, ..before }, "what is optional can be taken away again");
}

/// Of two who read the same connection and change it, the second is told to read it again.
pub async fn an_update_of_what_has_moved_is_refused(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let seen = read(&world).await;
    let named = |name: &str| ConnectionUpdate { display_name: name.to_owned(), ..as_is(&seen) };
    let first = update(&world, &seen, named("First")).await;
    let later = first.updated_at + chrono::TimeDelta::milliseconds(1);
    for moved in [seen.updated_at, later] {
        let second =
            world.store.update_connection(Actor::SYSTEM, world.tenant, world.connection, moved, &named("Second")).await;
        assert_eq!(second.unwrap(), UpdatedConnection::Moved);
    }
    assert_eq!(read(&world).await, first);
    update(&world, &first, named("Second")).await;
    let nobody = world
        .store
        .update_connection(Actor::SYSTEM, world.tenant, ConnectionId(id()), seen.updated_at, &named("x"))
        .await;
    assert_eq!(nobody.unwrap(), UpdatedConnection::NoConnection);
}

/// However fast updates follow each other, and wherever the clock stands, each can be told from the one before.
pub async fn updates_can_be_told_apart(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let mut last = read(&world).await;
    for _ in 0..20 {
        let next = update(&world, &last, as_is(&last)).await;
        assert!(next.updated_at > last.updated_at);
        last = next;
    }
    world.sql("UPDATE connections SET updated_at = '2999-12-31T23:59:59.999Z'").await;
    let ahead = read(&world).await;
    let next = update(&world, &ahead, as_is(&ahead)).await;
    assert_eq!(next.updated_at, second("3000-01-01T00:00:00Z"));
    assert_eq!(read(&world).await, next);
}

/// A held plan is worth nothing once the scope or the policy that it was made with is another; a name is neither.
pub async fn an_update_of_the_rules_supersedes_a_held_plan(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let status = async |run: RunId| world.run(run).await.status;
    let seen = read(&world).await;
    let mut held = world.held(vec![]).await;
    let renamed = update(&world, &seen, ConnectionUpdate { display_name: "Other".to_owned(), ..as_is(&seen) }).await;
    let mut last = update(&world, &renamed, ConnectionUpdate { paused: true, ..as_is(&renamed) }).await;
    assert_eq!(status(held).await, RunStatus::Held);
    let changes: [fn(&mut ConnectionUpdate); 3] = [
        |update| update.group_id = Some("group".to_owned()),
        |update| "reader".clone_into(&mut update.default_role),
        |update| update.policy.deactivate_missing = false,
    ];
    for change in changes {
        let mut new = as_is(&last);
        change(&mut new);
        last = update(&world, &last, new).await;
        assert_eq!(status(held).await, RunStatus::Superseded);
        assert!(world.run(held).await.finished_at.is_some());
        held = world.held(vec![]).await;
    }
}

/// A run that is still being planned goes by the rules of before; so it loses its worker, and the next one plans by the new
/// ones. What is being applied goes on.
pub async fn an_update_of_the_rules_has_a_run_planned_anew(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let old = world.start().await.lease;
    let seen = read(&world).await;
    let renamed = update(&world, &seen, ConnectionUpdate { display_name: "Other".to_owned(), ..as_is(&seen) }).await;
    world.stage(&old, vec![creates(1, "ext-1", "a@acme.example")]).await;

    let group = Some("group".to_owned());
    let regrouped = update(&world, &renamed, ConnectionUpdate { group_id: group.clone(), ..as_is(&renamed) }).await;
    let lost = world.store.finish_plan(&old, &PlanSummary::default(), &full(), &PlanNext::Apply).await;
    assert!(matches!(lost, Err(StoreError::LeaseLost)), "{lost:?}");
    assert_eq!(world.run(old.run).await.status, RunStatus::Queued);
    let claim = world.claim(old.run).await.expect("it waits for a worker");
    assert_eq!((claim.connection.group_id, claim.plan_complete), (group, false));

    world.store.clear_plan(&claim.lease).await.unwrap();
    world.stage(&claim.lease, vec![creates(1, "ext-1", "a@acme.example")]).await;
    world.clear_for_applying(&claim.lease, 1).await;
    update(&world, &regrouped, ConnectionUpdate { group_id: None, ..as_is(&regrouped) }).await;
    world.apply_all(&claim.lease, 100).await;
    world.finish(&claim.lease, RunStatus::Succeeded).await;
    assert_eq!(world.user_count().await, 1);
}

/// A connection is paused and goes on as it is told; either twice is as good as once.
pub async fn a_connection_is_paused_and_goes_on(harness: &dyn Harness) {
    let world = World::new(harness).await;
    for (paused, state) in [
        (true, ConnectionState::Paused),
        (true, ConnectionState::Paused),
        (false, ConnectionState::Active),
        (false, ConnectionState::Active),
    ] {
        let seen = read(&world).await;
        let updated = update(&world, &seen, ConnectionUpdate { paused, ..as_is(&seen) }).await;
        assert_eq!((updated.state, updated.state_reason), (state, None));
    }
}

/// An update does not mend a quarantined connection; pausing it does away with the quarantine and its reason.
pub async fn a_quarantine_outlasts_an_update(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let reason = "The secret has expired.".to_owned();
    state_after(&world, ConnectionEffect::Quarantine(reason.clone())).await;
    let seen = read(&world).await;
    let kept = update(&world, &seen, as_is(&seen)).await;
    assert_eq!((kept.state, kept.state_reason.clone()), (ConnectionState::Quarantined, Some(reason)));
    let paused = update(&world, &kept, ConnectionUpdate { paused: true, ..as_is(&kept) }).await;
    assert_eq!((paused.state, paused.state_reason.clone()), (ConnectionState::Paused, None));
    let active = update(&world, &paused, ConnectionUpdate { paused: false, ..as_is(&paused) }).await;
    assert_eq!((active.state, active.state_reason), (ConnectionState::Active, None));
}

/// Another tenant's connection is not there to be updated, even where the ids are the same.
pub async fn updates_are_the_tenants_own(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let before = read(&world).await;
    let renamed = ConnectionUpdate { display_name: "Renamed".to_owned(), ..as_is(&before) };
    let stranger = add_tenant(&*world.store, "stranger").await;
    let refused =
        world.store.update_connection(Actor::SYSTEM, stranger, world.connection, before.updated_at, &renamed).await;
    assert_eq!(refused.unwrap(), UpdatedConnection::NoConnection);
    let twin = add_twin(&world, RunId(id())).await;
    let theirs = world.store.connection(twin, world.connection).await.unwrap().unwrap();
    let done = world
        .store
        .update_connection(Actor::SYSTEM, twin, world.connection, theirs.updated_at, &renamed)
        .await
        .unwrap();
    assert!(matches!(done, UpdatedConnection::Done(connection) if connection.tenant == twin));
    assert_eq!(read(&world).await, before);
}
