//! A directory of a million users.

use entra_simulator::{Config, Mix, Simulator};
use serde_json::json;

use super::{World, ids};

const MILLION: u32 = 1_000_000;

#[tokio::test]
async fn a_million_users_are_served_from_the_first_page_to_a_deep_one() {
    let mut config = Config::with_users(MILLION);
    config.tenants[0].mix = Mix { disabled_every: 100_000, ..Mix::PLAIN };
    let world = World::start(config).await;
    let directory = world.simulator.directory();
    let first = world.get_advanced("/users?$select=id&$top=999&$count=true").await;
    assert_eq!((ids(first.value()).len(), &first.body["@odata.count"]), (999, &json!(MILLION)));

    directory.delete_user(directory.generated_user(MILLION - 2)).expect("live");
    directory.update_user(directory.generated_user(MILLION - 1), &json!({"displayName": "The last"})).expect("live");
    // The only way to a deep page is a link; a filter that few users pass leads there in one step.
    let page = world.get("/users?$filter=accountEnabled eq false&$select=id,displayName&$top=9").await;
    assert_eq!(page.value()[8]["id"], directory.generated_user(899_999).to_string());
    let deep = world.get(page.next().expect("a next link")).await;
    assert_eq!(deep.value(), [json!({"id": directory.generated_user(MILLION - 1), "displayName": "The last"})]);
    assert_eq!(deep.next(), None);
}

#[test]
fn the_largest_directory_needs_no_memory_to_start() {
    // Four thousand million users: if any of them were stored, this could not end.
    let simulator = Simulator::start(Config::with_users(u32::MAX)).expect("starts");
    assert_eq!(simulator.directory().user_count(), u32::MAX as usize);
    assert!(simulator.directory().user(simulator.directory().generated_user(u32::MAX - 1)).is_some());
}

#[test]
fn the_port_is_free_again_when_a_simulator_is_dropped() {
    let first = Simulator::start(Config::default()).expect("starts");
    let listen = first.graph_url().trim_start_matches("http://").parse().expect("an address");
    let again = || Simulator::start(Config { listen, ..Config::default() });
    assert!(again().is_err(), "the port is taken");
    drop(first);
    again().expect("the port is free").stop();
}

#[test]
fn a_configuration_without_a_tenant_is_refused() {
    assert!(Simulator::start(Config { tenants: Vec::new(), ..Config::default() }).is_err());
}
