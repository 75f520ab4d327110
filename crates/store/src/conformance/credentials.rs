//! Credentials: setting another one, and putting the same one under another key.

use std::collections::HashSet;

use directory_core::{ConnectionId, CredentialKind};

use super::{
    Harness,
    world::{World, add_connection, add_tenant, id, sealed, second},
};
use crate::{
    Actor, CloudInUse, Connection, ConnectionEffect, ConnectionState, ExpiringCredential, NewCredential, RunEnd,
    RunStatus, SealedCredential, UpdatedConnection,
};

async fn set(world: &World, credential: &NewCredential, works: bool) -> Connection {
    let seen = world.store.connection(world.tenant, world.connection).await.unwrap().unwrap().updated_at;
    let set = world
        .store
        .set_credential(Actor::SYSTEM, world.tenant, world.connection, seen, credential, works)
        .await
        .unwrap();
    match set {
        UpdatedConnection::Done(connection) => *connection,
        other => panic!("not set: {other:?}"),
    }
}

/// Another credential takes the place of the first one, with its kind, its end and the time of the change.
pub async fn a_credential_is_replaced(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let before = world.store.connection(world.tenant, world.connection).await.unwrap().unwrap();
    let expires_at = Some(second("2031-02-03T04:05:06Z"));
    let new = NewCredential { kind: CredentialKind::Certificate, sealed: vec![7; 5_000], expires_at };
    let after = set(&world, &new, false).await;
    assert_eq!(world.store.connection(world.tenant, world.connection).await.unwrap(), Some(after.clone()));
    assert_eq!((after.credential_kind, after.credential_expires_at), (new.kind, expires_at));
    assert!(after.credential_updated_at >= before.credential_updated_at && after.updated_at > before.updated_at);
    let read = world.store.sealed_credential(world.tenant, world.connection).await.unwrap().unwrap();
    assert_eq!((read.kind, read.sealed), (new.kind, new.sealed));
    let back = set(&world, &sealed(vec![1]), false).await;
    assert_eq!((back.credential_kind, back.credential_expires_at), (CredentialKind::ClientSecret, None));
}

/// Only a credential that is known to work lifts a quarantine; a pause is a person's and stays.
pub async fn a_credential_that_works_lifts_a_quarantine(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let lease = world.start().await.lease;
    let connection = ConnectionEffect::Quarantine("mend it".to_owned());
    let end = RunEnd { status: RunStatus::Failed, error: None, connection };
    world.store.finish_run(&lease, &end).await.unwrap();
    let state = async |works| {
        let now = set(&world, &sealed(vec![1]), works).await;
        (now.state, now.state_reason)
    };
    assert_eq!(state(false).await, (ConnectionState::Quarantined, Some("mend it".to_owned())));
    assert_eq!(state(true).await, (ConnectionState::Active, None));
    world.sql("UPDATE connections SET state = 'paused'").await;
    assert_eq!(state(true).await, (ConnectionState::Paused, None));
}

/// Another tenant's connection has no credential to set.
pub async fn credentials_are_the_tenants_own(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let other = add_tenant(&*world.store, "other").await;
    let seen = world.store.connection(world.tenant, world.connection).await.unwrap().unwrap().updated_at;
    for (tenant, connection) in [(other, world.connection), (world.tenant, ConnectionId(id()))] {
        let set =
            world.store.set_credential(Actor::SYSTEM, tenant, connection, seen, &sealed(vec![9]), true).await.unwrap();
        assert_eq!(set, UpdatedConnection::NoConnection);
    }
    assert_eq!(world.sealed(world.tenant, world.connection).await, Some(vec![0, 1, 2, 254, 255]));
}

/// A credential is set on the connection that was read, and not on what somebody else has made of it since.
pub async fn a_credential_for_what_has_moved_is_refused(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let seen = world.store.connection(world.tenant, world.connection).await.unwrap().unwrap().updated_at;
    set(&world, &sealed(vec![7]), true).await;
    let late = world
        .store
        .set_credential(Actor::SYSTEM, world.tenant, world.connection, seen, &sealed(vec![9]), true)
        .await
        .unwrap();
    assert_eq!(late, UpdatedConnection::Moved);
    assert_eq!(world.sealed(world.tenant, world.connection).await, Some(vec![7]));
}

/// A run that began before the credential was set says nothing about it.
pub async fn a_run_quarantines_no_newer_credential(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let lease = world.start().await.lease;
    let started = format!("UPDATE sync_runs SET started_at = '2001-01-01T00:00:00.000Z' WHERE id = '{}'", lease.run);
    assert_eq!(world.sql(&started).await, 1);
    set(&world, &sealed(vec![7]), true).await;
    let connection = ConnectionEffect::Quarantine("the old one".to_owned());
    let end = RunEnd { status: RunStatus::Failed, error: None, connection };
    world.store.finish_run(&lease, &end).await.unwrap();
    let now = world.store.connection(world.tenant, world.connection).await.unwrap().unwrap();
    assert_eq!((now.state, now.state_reason), (ConnectionState::Active, None));
}

/// The walk over every tenant's credentials meets each of them once, in pages.
pub async fn every_credential_is_walked_once(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let other = add_tenant(&*world.store, "other").await;
    let mut expected = HashSet::from([(world.tenant, world.connection)]);
    for tenant in [world.tenant, other, world.tenant, other] {
        expected.insert((tenant, add_connection(&*world.store, tenant).await));
    }
    let mut walked: Vec<SealedCredential> = Vec::new();
    loop {
        let after = walked.last().map(|last| (last.tenant, last.connection));
        let page = world.store.sealed_credentials(after, 2).await.unwrap();
        assert!(page.len() <= 2);
        if page.is_empty() {
            break;
        }
        walked.extend(page);
    }
    assert_eq!(walked.len(), expected.len());
    assert_eq!(walked.into_iter().map(|one| (one.tenant, one.connection)).collect::<HashSet<_>>(), expected);
}

/// The walk over the credentials that end meets those of every tenant once, in pages, up to the time asked for.
pub async fn every_credential_that_ends_is_walked_once(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let other = add_tenant(&*world.store, "other").await;
    let ends = [
        (world.tenant, Some("2031-01-31T00:00:00Z")),
        (other, Some("2031-01-31T00:00:01Z")),
        (world.tenant, Some("2020-01-01T00:00:00Z")),
        (other, Some("2031-01-30T23:59:59Z")),
        (other, None),
    ];
    let mut expected = HashSet::new();
    for (tenant, end) in ends {
        let id = add_connection(&*world.store, tenant).await;
        let seen = world.store.connection(tenant, id).await.unwrap().unwrap().updated_at;
        let credential =
            NewCredential { kind: CredentialKind::Certificate, expires_at: end.map(second), ..sealed(vec![7]) };
        world.store.set_credential(Actor::SYSTEM, tenant, id, seen, &credential, false).await.unwrap();
        expected.extend(end.map(|end| (tenant, id, CredentialKind::Certificate, second(end))));
    }
    let before = second("2031-01-31T00:00:00Z");
    expected.retain(|(.., end)| *end <= before);
    let mut walked: Vec<ExpiringCredential> = Vec::new();
    loop {
        let after = walked.last().map(|last| (last.tenant, last.connection));
        let page = world.store.expiring_credentials(before, after, 2).await.unwrap();
        assert!(page.len() <= 2);
        if page.is_empty() {
            break;
        }
        walked.extend(page);
    }
    assert_eq!((walked.len(), expected.len()), (3, 3));
    let walked = walked.into_iter().map(|one| (one.tenant, one.connection, one.kind, one.expires_at));
    assert_eq!(walked.collect::<HashSet<_>>(), expected);
}

/// Whatever tenants' connections are in a cloud, it is told once.
pub async fn clouds_are_told_once(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let other = add_tenant(&*world.store, "other").await;
    add_connection(&*world.store, other).await;
    let first = world.store.clouds_in_use().await.unwrap();
    assert_eq!(first.len(), 1);
    world.sql(&format!("UPDATE connections SET cloud = 'china' WHERE tenant_id = '{other}'")).await;
    let clouds = world.store.clouds_in_use().await.unwrap();
    let china = CloudInUse { cloud: "china".to_owned(), ..first[0].clone() };
    assert_eq!(clouds, [china, first[0].clone()]);
}

/// The same credential under another key changes nothing else; one that was replaced meanwhile is left alone.
pub async fn a_credential_is_resealed(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let before = world.store.connection(world.tenant, world.connection).await.unwrap();
    let read = world.store.sealed_credential(world.tenant, world.connection).await.unwrap().unwrap();
    assert!(world.store.reseal_credential(Actor::SYSTEM, &read, &[8, 8]).await.unwrap());
    assert_eq!(world.sealed(world.tenant, world.connection).await, Some(vec![8, 8]));
    assert_eq!(world.store.connection(world.tenant, world.connection).await.unwrap(), before);
    assert!(
        !world.store.reseal_credential(Actor::SYSTEM, &read, &[9, 9]).await.unwrap(),
        "it is not the one that was read"
    );
    let elsewhere = SealedCredential { sealed: vec![8, 8], tenant: add_tenant(&*world.store, "other").await, ..read };
    assert!(!world.store.reseal_credential(Actor::SYSTEM, &elsewhere, &[9, 9]).await.unwrap());
    assert_eq!(world.sealed(world.tenant, world.connection).await, Some(vec![8, 8]));
}
