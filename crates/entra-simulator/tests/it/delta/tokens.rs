//! Which tokens are good for what, and how they end.

use entra_simulator::{Config, DeltaRefusal, TenantConfig};
use reqwest::Method;
use serde_json::json;
use uuid::Uuid;

use crate::World;

const PATH: &str = "/users/delta?$select=id,displayName";

#[tokio::test]
async fn tokens_carry_the_options_and_take_no_others() {
    let world = World::with_users(10).await;
    world.page_delta(4, 500).await;
    let first = world.get(PATH).await;
    let next = first.next().expect("a next link").to_owned();
    let delta = world.round(&next).await.link;
    for link in [&next, &delta] {
        for option in ["$select=id,displayName", "$select=mail", "$filter=id eq 'x'", "$expand=manager"] {
            let answer = world.get(&format!("{link}&{option}")).await;
            assert_eq!(answer.status, 400, "{link} {option}");
        }
        assert_eq!(world.get(&format!("{link}&$top=5")).await.status, 200, "this one is ignored");
    }
    assert_eq!(world.get(&format!("{next}&{}", delta.split_once('?').expect("a query").1)).await.status, 400);
}

#[tokio::test]
async fn a_token_is_good_only_where_it_was_made() {
    let other = TenantConfig { directory_id: Uuid::from_u128(7), ..TenantConfig::default() };
    let tenants = vec![TenantConfig { users: 10, ..TenantConfig::default() }, other];
    let mut world = World::start(Config { tenants, ..Config::default() }).await;
    world.page_delta(4, 500).await;
    let first = world.get(PATH).await;
    let next = first.next().expect("a next link").to_owned();
    let delta = world.round(&next).await.link;
    let mixed_up = [
        next.replace("$skiptoken", "$deltatoken"),
        delta.replace("$deltatoken", "$skiptoken"),
        delta.replace("/users/", "/groups/"),
        next.replace("/users/", "/groups/"),
        delta.replace("$deltatoken=", "$deltatoken=A"),
        delta.replace("_%27", ""),
        "/users/delta?$deltatoken=made-up".to_owned(),
        "/users/delta?$skiptoken=made-up".to_owned(),
    ];
    for link in mixed_up {
        assert_eq!(world.get(&link).await.error(), (400, "Request_BadRequest"), "{link}");
    }
    assert_eq!(world.get(&delta).await.status, 200);
    world.token = world.ask_token_of(&Uuid::from_u128(7).to_string(), &[]).await.access_token();
    assert_eq!(world.get(&delta).await.error(), (400, "Request_BadRequest"), "of another tenant");
}

#[tokio::test]
async fn what_graph_refuses_is_refused() {
    let world = World::with_users(1).await;
    for (query, expected) in [
        ("users/delta?$select=nickname", (400, "Request_BadRequest")),
        ("users/delta?$select=members", (400, "Request_BadRequest")),
        ("users/delta?$select=aboutMe", (501, "NotImplemented")),
        ("users/delta?$select=id&$select=id", (400, "Request_BadRequest")),
        ("users/delta?$expand=manager", (400, "Request_UnsupportedQuery")),
        ("users/delta?$orderby=id", (400, "Request_UnsupportedQuery")),
        ("users/delta?$filter=accountEnabled eq true", (400, "Request_UnsupportedQuery")),
        ("groups/delta?$select=surname", (400, "Request_BadRequest")),
        ("groups/delta?$expand=members", (400, "Request_UnsupportedQuery")),
    ] {
        assert_eq!(world.get(&format!("/{query}")).await.error(), expected, "{query}");
    }
}

#[tokio::test]
async fn expired_tokens_are_refused_as_told_and_new_ones_work() {
    let world = World::with_users(3).await;
    let directory = world.simulator.directory();
    for code in ["syncStateNotFound", "SyncStateNotFound", "resyncrequired"] {
        for status in [400, 404, 410] {
            let link = world.delta_from_now(PATH).await;
            directory.expire_delta_tokens(DeltaRefusal::code(status, code));
            assert_eq!(world.get(&link).await.error(), (status, code));
        }
    }
    let first = world.round(PATH).await;
    directory.update_user(directory.generated_user(0), &json!({"displayName": "New"})).expect("live");
    assert_eq!(world.round(&first.link).await.objects.len(), 1);
    world.command(Method::POST, "/delta/expire", Some(json!({"form": "code", "status": 400, "code": "X"}))).await;
    assert_eq!(world.get(&first.link).await.error(), (400, "X"));
}

#[tokio::test]
async fn a_reset_leads_back_to_the_first_request() {
    let world = World::with_users(3).await;
    let link = world.delta_from_now(PATH).await;
    world.command(Method::POST, "/delta/expire", Some(json!({"form": "gone"}))).await;
    let gone = world.get(&link).await;
    assert_eq!(gone.error(), (410, "UnknownError"));
    let location = gone.headers["location"].to_str().expect("text");
    assert!(location.ends_with("/users/delta?$select=id,displayName&$deltatoken="), "{location}");
    let again = world.round(location).await;
    assert_eq!(again.objects.len(), 3);
    assert_eq!(again.objects[0].as_object().map(serde_json::Map::len), Some(2), "with the options of the first");
}

#[tokio::test]
async fn a_round_ends_when_its_changes_are_forgotten() {
    let world = World::with_users(9).await;
    let directory = world.simulator.directory();
    world.page_delta(2, 500).await;
    let link = world.delta_from_now(PATH).await;
    for index in 0..5 {
        directory.update_user(directory.generated_user(index), &json!({"displayName": "New"})).expect("live");
    }
    let first_round = world.get(PATH).await;
    let page = world.get(&link).await;
    directory.expire_delta_tokens(DeltaRefusal::default());
    assert_eq!(world.get(page.next().expect("a next link")).await.error(), (400, "syncStateNotFound"));
    // A first round looks back on nothing; only its delta link is as old as itself.
    let rest = world.round(first_round.next().expect("a next link")).await;
    assert_eq!(rest.objects.len(), 7);
    assert_eq!(world.get(&rest.link).await.error(), (400, "syncStateNotFound"));
}

#[tokio::test]
async fn only_so_many_edits_are_looked_back_on() {
    let world = World::start(Config { edits_kept: 3, ..Config::with_users(9) }).await;
    let directory = world.simulator.directory();
    let link = world.delta_from_now(PATH).await;
    let edit = |index| {
        directory.update_user(directory.generated_user(index), &json!({"displayName": "New"})).expect("live");
    };
    (0..3).for_each(edit);
    assert_eq!(world.round(&link).await.objects.len(), 3);
    edit(3);
    assert_eq!(world.get(&link).await.error(), (400, "syncStateNotFound"));
}
