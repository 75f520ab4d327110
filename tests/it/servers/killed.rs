//! Three servers, many connections, and servers that are killed while they work.

use std::{collections::BTreeSet, time::Duration};

use entra_simulator::{Config, Mix, TenantConfig};
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{fleet::Fleet, journal, journal::Journal};
use crate::{
    support::{Kind, System},
    twins::chance,
};

const SERVERS: usize = 3;
const TENANTS: usize = 8;
/// Of each tenant: a group each.
const CONNECTIONS: usize = 25;
/// Of each group, in two pages.
const MEMBERS: u32 = 5;
const PAGE: usize = 3;
/// How long the directory takes for a page.
const LATENCY: Duration = Duration::from_millis(80);
const PER_TENANT: u32 = 3;
const PER_DIRECTORY: u32 = 10;
/// Less would prove little.
const LOSSES: usize = 6;

/// A tenant of the product.
struct Customer {
    id: String,
    token: String,
    connections: Vec<String>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_may_be_killed_at_any_moment() {
    let mut chance = chance();
    let mut system = start().await;
    let groups = found_groups(&system);
    let customers = register(&system, &groups).await;
    let small = customer(&system, "small", &groups[..1]).await;
    let database = &system.database;
    journal::begin(database).await;
    let cli = system
        .cli
        .with("DIRECTORY_RUNS_PER_TENANT", &PER_TENANT.to_string())
        .with("DIRECTORY_RUNS_PER_DIRECTORY", &PER_DIRECTORY.to_string());
    let mut fleet = Fleet::start(&cli, database, SERVERS);

    let (runs, small_run) = sync_all(&system, &customers, &small).await;
    while !all_ended(&system).await {
        tokio::time::sleep(Duration::from_millis(chance.u64(100..600))).await;
        fleet.lose_one(database, &mut chance).await;
    }

    let journal = Journal::read(database).await;
    everything_was_done_once(&journal, &fleet, &runs);
    let (of_tenant, of_all) = journal.most();
    assert!(of_tenant <= PER_TENANT && of_all <= PER_DIRECTORY, "{of_tenant} of a tenant, {of_all} of the directory");
    assert!(of_all > 1, "nobody worked beside another");
    // Older runs of tenants that have none running come before it, as many as there are when the machine is slow. In the
    // order of the queue alone it would be the last of all.
    let (waited, claims) = (journal.claims_before(&small_run), journal.claims().count());
    assert!(waited < claims / 4, "one tenant's only run waited for {waited} others of {claims}");
    for customer in customers.iter().chain([&small]) {
        assert_users_are_right(&system, customer, &groups).await;
    }
    eprintln!("killed {}, stopped {}, taken over {}", fleet.killed.len(), fleet.stopped.len(), journal.robbed().len());
    drop(fleet);
    system.take_server().kill();
}

/// The system's own server has no workers: it answers, and others work.
async fn start() -> System {
    let tenant = TenantConfig { users: 1, mix: Mix::PLAIN, ..TenantConfig::default() };
    let config = Config { tenants: vec![tenant], max_page_size: PAGE, latency: LATENCY, ..Config::default() };
    let mut system = System::start(Kind::Postgres, config).await;
    assert!(system.take_server().terminate().success());
    let with_workers = system.cli.clone();
    system.cli = system.cli.with("DIRECTORY_WORKERS", "0");
    system.start_server();
    system.cli = with_workers;
    system
}

/// A group of the directory, and the addresses of its members.
struct Group {
    id: String,
    members: BTreeSet<String>,
}

fn found_groups(system: &System) -> Vec<Group> {
    let directory = system.simulator.directory();
    let found = |n: usize| {
        let id = directory.add_group(&format!("Group {n}"));
        let mails = (0..MEMBERS).map(|member| format!("user-{n}-{member}@example.com"));
        let members: BTreeSet<String> = mails.collect();
        for mail in &members {
            let user = directory.add_user(&json!({"displayName": mail, "mail": mail})).unwrap();
            directory.add_member(id, user).unwrap();
        }
        Group { id: id.to_string(), members }
    };
    (0..CONNECTIONS).map(found).collect()
}

async fn register(system: &System, groups: &[Group]) -> Vec<Customer> {
    join_all((0..TENANTS).map(|n| async move { customer(system, &format!("tenant-{n}"), groups).await })).await
}

/// A new tenant with a connection for each group.
async fn customer(system: &System, slug: &str, groups: &[Group]) -> Customer {
    let (id, token) = system.other_tenant(slug);
    let mut connections = Vec::new();
    for group in groups {
        connections.push(system.register_as(&token, json!({"groupId": group.id})).await);
    }
    Customer { id, token, connections }
}

/// Asks for a run of each connection, the small tenant's last; their ids, and that one's.
async fn sync_all(system: &System, customers: &[Customer], small: &Customer) -> (Vec<String>, String) {
    let of_one = async |customer: &Customer| {
        let mut runs = Vec::new();
        for connection in &customer.connections {
            let path = format!("/api/directory/connections/{connection}/sync");
            let (status, run) = system.call_as(&customer.token, reqwest::Method::POST, &path, None).await;
            assert_eq!(status, reqwest::StatusCode::ACCEPTED, "{run}");
            runs.push(run["id"].as_str().unwrap().to_owned());
        }
        runs
    };
    let mut runs = join_all(customers.iter().map(of_one)).await.concat();
    let small_run = of_one(small).await.remove(0);
    runs.push(small_run.clone());
    (runs, small_run)
}

async fn all_ended(system: &System) -> bool {
    system
        .database
        .texts("SELECT 'active' FROM sync_runs WHERE status IN ('queued', 'running') LIMIT 1")
        .await
        .is_empty()
}

fn everything_was_done_once(journal: &Journal, fleet: &Fleet, runs: &[String]) {
    let ends = journal.ends();
    assert_eq!(ends.keys().copied().collect::<BTreeSet<_>>(), runs.iter().map(String::as_str).collect());
    for (run, ends) in &ends {
        assert_eq!(ends[..], ["succeeded"], "{run}");
    }
    let lost = fleet.killed.len() + fleet.stopped.len();
    assert!(lost >= LOSSES, "the runs are over too soon: {lost} servers were lost");
    // A run changes hands when its server is dead, or has given it back: never are there two that work on it.
    let robbed = journal.robbed();
    assert!(!robbed.is_empty(), "nobody died with a run");
    for server in robbed {
        assert!(fleet.killed.contains(server), "{server} was alive");
    }
    for server in journal.gave_back() {
        assert!(fleet.stopped.contains(server), "{server} was not asked to stop");
    }
}

/// Each member of each group is there once, active, linked to the group's connection, and was written once.
async fn assert_users_are_right(system: &System, customer: &Customer, groups: &[Group]) {
    let users = system.all_as(&customer.token, "/api/directory/users").await;
    let text = |user: &Value, member: &str| user[member].as_str().unwrap_or_default().to_owned();
    let mut found: Vec<_> =
        users.iter().map(|user| (text(user, "connectionId"), text(user, "email"), text(user, "status"))).collect();
    found.sort();
    let of_group = |(connection, group): (&String, &Group)| {
        let user = |mail: &String| (connection.clone(), mail.clone(), "active".to_owned());
        group.members.iter().map(user).collect::<Vec<_>>()
    };
    let mut expected: Vec<_> = customer.connections.iter().zip(groups).flat_map(of_group).collect();
    expected.sort();
    assert_eq!(found, expected);
    let sql = format!("SELECT email::text FROM users WHERE tenant_id = '{}' AND version <> 1", customer.id);
    assert_eq!(system.database.texts(&sql).await, [""; 0], "written twice");
}
