//! How a round is paged, what happens meanwhile, and what goes wrong.

use entra_simulator::{Fault, FaultKind, Route};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{World, ids};

const PATH: &str = "/users/delta?$select=id,displayName";

#[tokio::test]
async fn the_page_size_is_the_directorys_and_not_the_clients() {
    let world = World::with_users(10).await;
    assert_eq!(world.round(&format!("{PATH}&$top=2")).await.pages, 1);
    world.page_delta(4, 500).await;
    assert_eq!(world.round(&format!("{PATH}&$top=2")).await.pages, 3);
    let settings = world.control(Method::GET, "/delta", None).await;
    assert_eq!(settings.body, json!({"objects": 4, "members": 500, "otherGroups": false}));
    let link = world.delta_from_now(PATH).await;
    let directory = world.simulator.directory();
    for index in 0..9 {
        directory.update_user(directory.generated_user(index), &json!({"displayName": "New"})).expect("live");
    }
    let round = world.round(&link).await;
    assert_eq!((ids(&round.objects).len(), round.objects.len(), round.pages), (9, 9, 3));
    let first = world.get(&link).await;
    let link = first.next().expect("a next link");
    let query = link.split_once('?').expect("a query").1;
    assert!(query.starts_with("$skiptoken=") && !query.contains('&'), "the options are in the token: {query}");
    assert!(first.body["@odata.context"].as_str().is_some_and(|text| text.ends_with("#users(id,displayName)")));
}

#[tokio::test]
async fn what_changes_during_a_round_is_not_lost() {
    let world = World::with_users(10).await;
    world.page_delta(4, 500).await;
    let directory = world.simulator.directory();
    let [early, late, gone] = [0, 9, 1].map(|index| directory.generated_user(index));
    let first = world.get(PATH).await;
    for user in [early, late] {
        directory.update_user(user, &json!({"displayName": "New"})).expect("live");
    }
    directory.delete_user(gone).expect("live");
    let new = directory.add_user(&json!({"displayName": "Newer"})).expect("valid");
    let rest = world.round(first.next().expect("a next link")).await;
    assert!(rest.objects.contains(&json!({"id": late, "displayName": "New"})));
    let next = world.round(&rest.link).await;
    let expected = [
        json!({"id": early, "displayName": "New"}),
        json!({"id": gone, "@removed": {"reason": "changed"}}),
        json!({"id": late, "displayName": "New"}),
        json!({"id": new, "displayName": "Newer"}),
    ];
    assert_eq!(next.objects, expected);

    // The same within a later round.
    world.page_delta(1, 500).await;
    let page = world.get(&rest.link).await;
    directory.update_user(early, &json!({"displayName": "Newest"})).expect("live");
    let rest = world.round(page.next().expect("a next link")).await;
    assert_eq!(world.round(&rest.link).await.objects, [json!({"id": early, "displayName": "Newest"})]);
}

#[tokio::test]
async fn a_million_users_cost_nothing_when_a_hundred_change() {
    let world = World::with_users(1_000_000).await;
    let directory = world.simulator.directory();
    let link = world.delta_from_now(PATH).await;
    for index in 0..100 {
        directory.update_user(directory.generated_user(index * 9_999), &json!({"displayName": "New"})).expect("live");
    }
    world.simulator.reset_requests();
    let round = world.minimal_round(&link).await;
    assert_eq!((ids(&round.objects).len(), world.simulator.requests(Route::Any)), (100, 1));
}

#[tokio::test]
async fn a_million_new_users_are_paged_without_being_stored() {
    let world = World::with_users(3).await;
    let directory = world.simulator.directory();
    let link = world.delta_from_now(PATH).await;
    directory.generate_users(1_000_000).expect("room");
    directory.update_user(directory.generated_user(1), &json!({"displayName": "Old"})).expect("live");
    let first = world.get(&link).await;
    assert_eq!(first.value().len(), 200);
    assert_eq!(first.value()[0], json!({"id": directory.generated_user(1), "displayName": "Old"}));
    assert_eq!(first.value()[1]["id"], directory.generated_user(3).to_string());
    let second = world.get(first.next().expect("a next link")).await;
    assert_eq!(second.value()[0]["id"], directory.generated_user(202).to_string());
}

#[tokio::test]
async fn faults_strike_delta_requests_too() {
    let world = World::with_users(10).await;
    world.page_delta(4, 500).await;
    let strike = |kind| world.simulator.add_fault(Fault::new(Route::UserDelta, kind));
    strike(FaultKind::throttled("3"));
    let throttled = world.get(PATH).await;
    assert_eq!(
        (throttled.error(), &throttled.headers["retry-after"]),
        ((429, "TooManyRequests"), &"3".parse().expect("text"))
    );
    strike(FaultKind::status(503, "serviceNotAvailable"));
    assert_eq!(world.get(PATH).await.error(), (503, "serviceNotAvailable"));
    strike(FaultKind::CutConnection);
    assert!(world.send(PATH).await.expect("the head arrives").bytes().await.is_err());
    strike(FaultKind::ExpiredPageToken);
    let first = world.get(PATH).await;
    let next = first.next().expect("a next link");
    assert_eq!(world.get(next).await.error(), (400, "Directory_ExpiredPageToken"));
    assert_eq!(world.get(next).await.value().len(), 4);
    assert!(world.simulator.faults().pending().is_empty());
}

#[tokio::test]
async fn a_page_may_be_empty_repeated_or_lead_astray() {
    let world = World::with_users(10).await;
    let strike = |kind| world.simulator.add_fault(Fault::new(Route::UserDelta, kind));
    strike(FaultKind::EmptyPage);
    let empty = world.get(PATH).await;
    assert!(empty.value().is_empty() && empty.delta().is_none());
    assert_eq!(world.round(empty.next().expect("a next link")).await.objects.len(), 10);
    strike(FaultKind::DuplicateItems);
    let twice = world.round(PATH).await;
    assert_eq!((twice.objects.len(), ids(&twice.objects).len()), (20, 10));
    strike(FaultKind::LoopingNextLink);
    let loops = world.get(&twice.link).await;
    assert_eq!((loops.next(), loops.delta()), (Some(twice.link.as_str()), None));
    strike(FaultKind::MissingValue);
    assert_eq!(world.get(PATH).await.body.get("value"), None::<&Value>);
}
