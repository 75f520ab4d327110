//! Connections, their credentials, and what a run's end means for them.

use directory_core::{ConnectionId, EmailAttribute, MaxDeactivations, Policy};

use super::{
    Harness,
    world::{World, add_connection, add_tenant, id, new_connection, second},
};
use crate::{Connection, ConnectionEffect, ConnectionState, IdPage, NewConnection, RunEnd, RunStatus};

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
        credential_expires_at: Some(second("2031-02-03T04:05:06Z")),
        ..new_connection(world.tenant)
    }
}

/// Every field of a connection comes back as it was given.
pub async fn a_connection_reads_as_it_was_registered(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let new = unusual(&world);
    let made = world.store.create_connection(&new).await.unwrap();
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
        state: ConnectionState::Active,
        state_reason: None,
        credential_updated_at: made.created_at,
        credential_expires_at: new.credential_expires_at,
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
    let new = NewConnection { sealed_credential: every_byte.clone(), ..new_connection(world.tenant) };
    world.store.create_connection(&new).await.unwrap();
    assert_eq!(world.store.sealed_credential(world.tenant, new.id).await.unwrap(), Some(every_byte));
    assert_eq!(world.store.sealed_credential(world.tenant, ConnectionId(id())).await.unwrap(), None);
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
    assert_eq!(world.store.sealed_credential(other, world.connection).await.unwrap(), None);
    assert_eq!(world.store.connections(other, page).await.unwrap(), []);

    let twin = NewConnection {
        id: world.connection,
        display_name: "Twin".to_owned(),
        sealed_credential: vec![9],
        ..new_connection(other)
    };
    world.store.create_connection(&twin).await.unwrap();
    let ours = world.store.connection(world.tenant, world.connection).await.unwrap().unwrap();
    assert_eq!(ours.display_name, "Acme Entra");
    assert_eq!(world.store.sealed_credential(other, world.connection).await.unwrap(), Some(vec![9]));
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
