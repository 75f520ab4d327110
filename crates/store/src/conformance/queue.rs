//! Queueing runs and listing them.

use directory_core::{ConnectionId, Counts, Policy, RunId};
use futures_util::future::join_all;

use super::{
    Harness,
    world::{World, add_connection, add_tenant, digest, id, new_connection, new_run, queue},
};
use crate::{Actor, CreatedRun, Draft, IdPage, NewConnection, NewRun, Run, RunMode, RunStatus, Trigger};

const FIRST: IdPage = IdPage { after: None, limit: 100 };

/// A queued run is as it was asked for, and nothing more.
pub async fn a_queued_run_reads_back(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let draft = Draft {
        group_id: Some("99999999-2222-3333-4444-555555555555".to_owned()),
        default_role: "reader".to_owned(),
        policy: Policy { deactivate_missing: false, ..Policy::default_for(true) },
    };
    let new = NewRun {
        mode: RunMode::Auto,
        trigger: Trigger::Schedule,
        dry_run: true,
        draft: Some(draft.clone()),
        ..new_run(world.tenant, world.connection)
    };
    let created = world.store.create_run(Actor::SYSTEM, &new).await.unwrap();
    let run = world.run(new.id).await;
    let expected = Run {
        id: new.id,
        tenant: world.tenant,
        connection: world.connection,
        status: RunStatus::Queued,
        phase: None,
        mode: RunMode::Auto,
        mode_reason: None,
        trigger: Trigger::Schedule,
        dry_run: true,
        draft: Some(draft),
        counts: Counts::default(),
        planned_changes: None,
        applied_changes: 0,
        exceptions: 0,
        plan_digest: None,
        hold: vec![],
        error: None,
        not_before: None,
        created_at: run.created_at,
        started_at: None,
        finished_at: None,
        changes_deleted_at: None,
    };
    assert_eq!(run, expected);
    assert_eq!(created, CreatedRun::Queued(Box::new(expected)));
    assert_eq!(world.store.run(world.tenant, RunId(id())).await.unwrap(), None);
}

/// A run needs a connection of its own tenant.
pub async fn a_run_needs_a_connection(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let other = add_tenant(&*world.store, "other").await;
    for (tenant, connection) in [(world.tenant, ConnectionId(id())), (other, world.connection)] {
        let created = world.store.create_run(Actor::SYSTEM, &new_run(tenant, connection)).await.unwrap();
        assert_eq!(created, CreatedRun::NoConnection);
    }
    assert_eq!(world.number("SELECT count(*) FROM sync_runs").await, 0);
}

/// While a run is queued or running, asking for another answers with it.
pub async fn a_second_run_answers_with_the_active_one(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let run = world.queue().await;
    let new = new_run(world.tenant, world.connection);
    assert_eq!(world.store.create_run(Actor::SYSTEM, &new).await.unwrap(), CreatedRun::AlreadyActive(run));
    let claim = world.claim(run).await.unwrap();
    assert_eq!(world.store.create_run(Actor::SYSTEM, &new).await.unwrap(), CreatedRun::AlreadyActive(run));
    assert_eq!(world.store.run(world.tenant, new.id).await.unwrap(), None);

    let elsewhere = add_connection(&*world.store, world.tenant).await;
    queue(&*world.store, world.tenant, elsewhere).await;
    world.finish(&claim.lease, RunStatus::Succeeded).await;
    world.queue().await;
}

/// However many ask at once, from however many processes, one run is queued.
pub async fn many_ask_and_one_is_queued(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let stores = join_all((0..4).map(|_| world.database.open())).await;
    let asked = (0..16).map(|n| {
        let new = new_run(world.tenant, world.connection);
        let store = &stores[n % stores.len()];
        async move { store.create_run(Actor::SYSTEM, &new).await.unwrap() }
    });
    let answers = join_all(asked).await;
    let queued: Vec<RunId> = answers
        .iter()
        .filter_map(|answer| if let CreatedRun::Queued(run) = answer { Some(run.id) } else { None })
        .collect();
    assert_eq!(queued.len(), 1);
    assert_eq!(answers.iter().filter(|answer| **answer == CreatedRun::AlreadyActive(queued[0])).count(), 15);
    assert_eq!(world.number("SELECT count(*) FROM sync_runs").await, 1);
}

/// Whichever way a run ends, the next one can be queued.
pub async fn an_ended_run_makes_room(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let ends = [RunStatus::Succeeded, RunStatus::CompletedWithErrors, RunStatus::Failed, RunStatus::Cancelled];
    for status in ends {
        let lease = world.start().await.lease;
        assert_eq!(world.finish(&lease, status).await.status, status);
    }
    assert_eq!(world.number("SELECT count(*) FROM sync_runs").await, 4);
}

/// A run takes the place of the connection's held plan, and of no other's.
pub async fn a_new_run_supersedes_a_held_one(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let held = world.held(vec![]).await;
    assert_eq!(world.run(held).await.finished_at, None);

    let elsewhere = add_connection(&*world.store, world.tenant).await;
    queue(&*world.store, world.tenant, elsewhere).await;
    assert_eq!(world.run(held).await.status, RunStatus::Held);

    world.queue().await;
    let superseded = world.run(held).await;
    assert_eq!(superseded.status, RunStatus::Superseded);
    assert!(superseded.finished_at.is_some());
    assert_eq!(superseded.plan_digest, Some(digest()), "what was held stays readable");
    assert_eq!(superseded.hold.len(), 1);
}

/// A dry run looks, and leaves a held plan where it is.
pub async fn a_dry_run_supersedes_nothing(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let held = world.held(vec![]).await;
    let dry = NewRun { dry_run: true, ..new_run(world.tenant, world.connection) };
    assert!(matches!(world.store.create_run(Actor::SYSTEM, &dry).await.unwrap(), CreatedRun::Queued(_)));
    assert_eq!(world.run(held).await.status, RunStatus::Held);
}

/// Only held runs are superseded; what has ended stays as it ended.
pub async fn ended_runs_are_not_superseded(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let lease = world.start().await.lease;
    let ended = world.finish(&lease, RunStatus::Failed).await;
    world.queue().await;
    assert_eq!(world.run(ended.id).await, ended);
}

/// A connection's runs, newest first, page by page.
pub async fn runs_are_paged_newest_first(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let mut made = Vec::new();
    for _ in 0..5 {
        let lease = world.start().await.lease;
        world.finish(&lease, RunStatus::Succeeded).await;
        made.insert(0, lease.run);
    }
    let elsewhere = add_connection(&*world.store, world.tenant).await;
    queue(&*world.store, world.tenant, elsewhere).await;

    let mut listed: Vec<RunId> = Vec::new();
    loop {
        let page = IdPage { after: listed.last().map(|last| last.0), limit: 2 };
        let runs = world.store.runs(world.tenant, world.connection, page).await.unwrap();
        assert!(runs.len() <= 2);
        if runs.is_empty() {
            break;
        }
        listed.extend(runs.into_iter().map(|run| run.id));
    }
    assert_eq!(listed, made);
}

/// A connection without runs has a history, one that was deleted or is another tenant's has none.
pub async fn a_history_is_of_a_connection_that_is_there(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let store = &*world.store;
    let idle = add_connection(store, world.tenant).await;
    let other = add_tenant(store, "other").await;
    world.start().await;
    let all = store.runs(world.tenant, world.connection, FIRST).await.unwrap();
    let first = IdPage { limit: 1, ..FIRST };
    let rest = IdPage { after: Some(all[0].id.0), ..first };
    assert_eq!(store.history(world.tenant, world.connection, first).await.unwrap(), Some(all));
    assert_eq!(store.history(world.tenant, world.connection, rest).await.unwrap(), Some(Vec::new()), "past its end");
    assert_eq!(store.history(world.tenant, idle, FIRST).await.unwrap(), Some(Vec::new()));
    assert_eq!(store.history(other, world.connection, FIRST).await.unwrap(), None);
    world.disconnect().await;
    assert_eq!(store.history(world.tenant, world.connection, FIRST).await.unwrap(), None);
}

/// Each connection's newest run; connections without one are left out.
pub async fn last_runs_are_one_per_connection(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let second = add_connection(&*world.store, world.tenant).await;
    let idle = add_connection(&*world.store, world.tenant).await;
    let unasked = add_connection(&*world.store, world.tenant).await;
    let lease = world.start().await.lease;
    world.finish(&lease, RunStatus::Succeeded).await;
    let newest = world.queue().await;
    let other = queue(&*world.store, world.tenant, second).await;
    queue(&*world.store, world.tenant, unasked).await;

    let runs = world.store.last_runs(world.tenant, &[world.connection, second, idle]).await.unwrap();
    let mut found: Vec<RunId> = runs.iter().map(|run| run.id).collect();
    found.sort();
    assert_eq!(found, [newest, other]);
    assert!(runs.contains(&world.run(newest).await), "each as it reads by itself");
    assert_eq!(world.store.last_runs(world.tenant, &[]).await.unwrap(), []);
}

/// Another tenant's run is as absent as one that was never made, even where the ids are the same.
pub async fn runs_are_the_tenants_own(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let other = add_tenant(&*world.store, "other").await;
    let run = world.queue().await;
    assert_eq!(world.store.run(other, run).await.unwrap(), None);
    assert_eq!(world.store.runs(other, world.connection, FIRST).await.unwrap(), []);
    assert_eq!(world.store.last_runs(other, &[world.connection]).await.unwrap(), []);
    assert!(world.store.claim_run(other, run, id(), super::world::LEASE).await.unwrap().is_none());

    let twin = NewConnection { id: world.connection, ..new_connection(other) };
    world.store.create_connection(Actor::SYSTEM, &twin).await.unwrap();
    let new = NewRun { id: run, ..new_run(other, world.connection) };
    assert!(matches!(world.store.create_run(Actor::SYSTEM, &new).await.unwrap(), CreatedRun::Queued(_)));
    let claim = world.claim(run).await.unwrap();
    assert_eq!(claim.connection.tenant, world.tenant);
    world.finish(&claim.lease, RunStatus::Cancelled).await;
    assert_eq!(world.store.run(other, run).await.unwrap().unwrap().status, RunStatus::Queued);
    assert_eq!(world.store.runs(world.tenant, world.connection, FIRST).await.unwrap().len(), 1);
}
