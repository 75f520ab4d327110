//! `GET /groups/delta`: the members that came and went.

use std::collections::BTreeSet;

use entra_simulator::Route;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::World;

fn path(group: Uuid) -> String {
    format!("/groups/delta?$filter=id eq '{group}'&$select=members")
}

fn user(id: Uuid) -> Value {
    json!({"@odata.type": "#microsoft.graph.user", "id": id})
}

fn gone(id: Uuid) -> Value {
    json!({"@odata.type": "#microsoft.graph.user", "id": id, "@removed": {"reason": "deleted"}})
}

/// The members that a round tells of a group, over all its parts.
fn members(objects: &[Value], group: Uuid) -> Vec<Value> {
    let parts = objects.iter().filter(|object| object["id"] == group.to_string());
    parts.flat_map(|part| part["members@delta"].as_array().cloned().unwrap_or_default()).collect()
}

#[tokio::test]
async fn members_of_every_type_come_and_go() {
    let world = World::with_users(40).await;
    let directory = world.simulator.directory();
    let group = directory.research();
    let first = world.round(&path(group)).await;
    let nested = json!({"@odata.type": "#microsoft.graph.group", "id": directory.engineering()});
    let five = (25..30).map(|index| user(directory.generated_user(index)));
    let expected: Vec<_> = five.chain([nested]).collect();
    assert_eq!(first.objects, [json!({"id": group, "members@delta": expected})], "direct members only");

    let device = world.control(Method::POST, "/devices", None).await.body["id"].clone();
    world.command(Method::PUT, &format!("/groups/{group}/members/{}", device.as_str().expect("an id")), None).await;
    let [old, new] = [25, 39].map(|index| directory.generated_user(index));
    directory.remove_member(group, old).expect("a member");
    directory.add_member(group, new).expect("known");
    directory.add_member(directory.engineering(), new).expect("known");
    directory.delete_group(directory.engineering()).expect("known");
    let next = world.round(&first.link).await;
    let expected = [
        gone(old),
        user(new),
        json!({
            "@odata.type": "#microsoft.graph.group", "id": directory.engineering(), "@removed": {"reason": "deleted"},
        }),
        json!({"@odata.type": "#microsoft.graph.device", "id": device}),
    ];
    assert_eq!(next.objects, [json!({"id": group, "members@delta": expected})]);
    assert_eq!(world.round(&next.link).await.objects, [] as [Value; 0]);
    assert_eq!(world.simulator.requests(Route::GroupDelta), 3);

    let listed = world.get(&format!("/groups/{group}/members?$select=id,displayName")).await;
    let expected = json!({"@odata.type": "#microsoft.graph.device", "id": device, "displayName": null});
    assert!(listed.value().contains(&expected), "{}", listed.body);
}

#[tokio::test]
async fn a_user_who_is_deleted_leaves_and_one_who_is_restored_returns() {
    let world = World::with_users(40).await;
    let directory = world.simulator.directory();
    let (group, member) = (directory.engineering(), directory.generated_user(3));
    let first = world.round(&path(group)).await;
    directory.delete_user(member).expect("live");
    let deleted = world.round(&first.link).await;
    assert_eq!(members(&deleted.objects, group), [gone(member)]);
    assert_eq!(members(&world.round(&path(group)).await.objects, group).len(), 24);
    directory.restore_user(member).expect("deleted");
    let restored = world.round(&deleted.link).await;
    assert_eq!(members(&restored.objects, group), [user(member)]);
    directory.purge_user(member).expect("live");
    assert_eq!(members(&world.round(&restored.link).await.objects, group), [gone(member)]);
}

#[tokio::test]
async fn a_large_group_is_told_in_parts() {
    let world = World::with_users(40).await;
    world.page_delta(200, 7).await;
    let directory = world.simulator.directory();
    let group = directory.engineering();
    let first = world.round(&path(group)).await;
    assert_eq!((first.objects.len(), first.pages), (4, 4));
    assert!(first.objects.iter().all(|object| object["id"] == group.to_string()));
    let all: BTreeSet<_> = members(&first.objects, group).iter().map(|member| member["id"].to_string()).collect();
    assert_eq!(all.len(), 25);
    for index in 5..25 {
        directory.remove_member(group, directory.generated_user(index)).expect("a member");
    }
    let next = world.round(&first.link).await;
    assert_eq!((members(&next.objects, group).len(), next.pages), (20, 3));
    assert!(members(&next.objects, group).iter().all(|member| member["@removed"]["reason"] == "deleted"));
}

#[tokio::test]
async fn groups_that_were_not_asked_for_come_in_between() {
    let world = World::with_users(40).await;
    let settings = json!({"members": 10, "otherGroups": true});
    world.command(Method::PUT, "/delta", Some(settings)).await;
    let directory = world.simulator.directory();
    let round = world.round(&path(directory.engineering())).await;
    assert_eq!(members(&round.objects, directory.engineering()).len(), 25);
    let others = round.objects.iter().filter(|object| object["id"] == directory.research().to_string());
    assert_eq!((others.count(), round.pages), (3, 3));
    assert!(!members(&round.objects, directory.research()).is_empty());
}

#[tokio::test]
async fn groups_themselves_come_and_go() {
    let world = World::with_users(40).await;
    let directory = world.simulator.directory();
    let first = world.round("/groups/delta?$select=displayName,description").await;
    let expected = [
        json!({"id": directory.engineering(), "displayName": "Engineering"}),
        json!({"id": directory.research(), "displayName": "Everyone in R&D"}),
    ];
    assert_eq!(first.objects, expected, "members only if they are selected");
    let team = directory.add_group("Team");
    directory.add_member(team, directory.generated_user(0)).expect("known");
    directory.add_member(directory.research(), directory.generated_user(0)).expect("known");
    directory.delete_group(directory.engineering()).expect("known");
    let expected = [
        json!({"id": directory.engineering(), "@removed": {"reason": "deleted"}}),
        json!({"id": team, "displayName": "Team"}),
    ];
    assert_eq!(world.round(&first.link).await.objects, expected);
}

#[tokio::test]
async fn a_selection_adds_properties_that_a_minimal_answer_leaves_out() {
    let world = World::with_users(40).await;
    let directory = world.simulator.directory();
    let (group, member) = (directory.engineering(), directory.generated_user(30));
    let link =
        world.delta_from_now(&format!("/groups/delta?$filter=id eq '{group}'&$select=displayName,members")).await;
    directory.add_member(group, member).expect("known");
    let full = json!({"id": group, "displayName": "Engineering", "members@delta": [user(member)]});
    assert_eq!(world.round(&link).await.objects, [full]);
    let minimal = json!({"id": group, "members@delta": [user(member)]});
    assert_eq!(world.minimal_round(&link).await.objects, [minimal]);
}

#[tokio::test]
async fn an_empty_group_has_no_members_and_an_unknown_one_is_not_there() {
    let world = World::with_users(1).await;
    let directory = world.simulator.directory();
    let team = directory.add_group("Team");
    assert_eq!(world.round(&path(team)).await.objects, [json!({"id": team})]);
    let link = world.delta_from_now(&path(team)).await;
    directory.delete_group(team).expect("known");
    assert_eq!(world.round(&link).await.objects, [json!({"id": team, "@removed": {"reason": "deleted"}})]);
    assert!(world.round(&path(team)).await.objects.is_empty());
    assert!(world.round(&path(Uuid::from_u128(7))).await.objects.is_empty());
    let default = world.round("/groups/delta").await;
    assert_eq!(members(&default.objects, directory.engineering()).len(), 1, "members are there by default");
}
