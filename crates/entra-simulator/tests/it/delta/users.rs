//! `GET /users/delta`: what it tells of each user.

use std::slice;

use entra_simulator::{Permission, Route};
use serde_json::{Value, json};

use crate::{World, ids};

const PATH: &str = "/users/delta?$select=id,displayName,mail,proxyAddresses,accountEnabled,companyName";

#[tokio::test]
async fn a_first_round_has_everyone_and_the_next_one_nobody() {
    let world = World::with_users(450).await;
    let first = world.round(PATH).await;
    assert_eq!((ids(&first.objects).len(), first.objects.len(), first.pages), (450, 450, 3));
    let next = world.round(&first.link).await;
    assert_eq!((next.objects.len(), next.pages), (0, 1));
    assert_ne!(next.link, first.link);
    assert_eq!(world.round(&next.link).await.objects.len(), 0);
    assert_eq!(world.simulator.requests(Route::UserDelta), 5);
    assert_eq!((world.simulator.requests(Route::Users), world.simulator.requests(Route::Graph)), (0, 5));
}

#[tokio::test]
async fn what_was_never_set_is_absent_and_what_was_cleared_is_null() {
    let world = World::with_users(1).await;
    let directory = world.simulator.directory();
    let ada = directory.add_user(&json!({"displayName": "Ada", "mail": null})).expect("valid");
    let first = world.round(PATH).await;
    assert_eq!(first.objects[1], json!({"id": ada, "displayName": "Ada", "accountEnabled": true}));

    directory.update_user(ada, &json!({"mail": "ada@example.com"})).expect("live");
    let set = world.round(&first.link).await;
    let proxies = json!(["SMTP:ada@example.com"]);
    let expected = json!({
        "id": ada, "displayName": "Ada", "accountEnabled": true, "mail": "ada@example.com", "proxyAddresses": proxies,
    });
    assert_eq!(set.objects, [expected]);

    directory.update_user(ada, &json!({"mail": null})).expect("live");
    let cleared = world.round(&set.link).await;
    let expected = json!({"id": ada, "displayName": "Ada", "accountEnabled": true, "mail": null, "proxyAddresses": []});
    assert_eq!(cleared.objects, slice::from_ref(&expected));
    assert_eq!(world.round(PATH).await.objects[1], expected, "a first round too tells what was cleared");
}

#[tokio::test]
async fn those_who_want_only_what_changed_get_only_that() {
    let world = World::with_users(3).await;
    let directory = world.simulator.directory();
    let [a, b] = [0, 1].map(|index| directory.generated_user(index));
    let link = world.delta_from_now(PATH).await;
    directory.update_user(a, &json!({"accountEnabled": false})).expect("live");
    directory.update_user(b, &json!({"mail": null, "displayName": "B"})).expect("live");
    let new = directory.add_user(&json!({"displayName": "New"})).expect("valid");
    let expected = [
        json!({"id": a, "accountEnabled": false}),
        json!({"id": b, "displayName": "B", "mail": null, "proxyAddresses": []}),
        json!({"id": new, "displayName": "New", "accountEnabled": true}),
    ];
    assert_eq!(world.minimal_round(&link).await.objects, expected);
    let full = world.round(&link).await;
    assert_eq!(full.objects[0]["displayName"], directory.user(a).expect("live")["displayName"]);
    let minimal_first = world.minimal_round(PATH).await;
    assert_eq!(minimal_first.objects, world.round(PATH).await.objects, "there is nothing to leave out yet");
}

#[tokio::test]
async fn a_change_of_something_else_does_not_surface() {
    let world = World::with_users(3).await;
    let directory = world.simulator.directory();
    let user = directory.generated_user(0);
    let before = directory.user(user).expect("live")["displayName"].clone();
    let link = world.delta_from_now("/users/delta?$select=displayName").await;
    directory.update_user(user, &json!({"mail": "new@example.com", "accountEnabled": false})).expect("live");
    directory.update_user(user, &json!({"displayName": before})).expect("live");
    let round = world.round(&link).await;
    assert!(round.objects.is_empty(), "{:?}", round.objects);
    directory.update_user(user, &json!({"displayName": "Else"})).expect("live");
    assert_eq!(world.round(&link).await.objects, [json!({"id": user, "displayName": "Else"})]);
}

#[tokio::test]
async fn what_follows_from_a_change_has_changed() {
    let world = World::with_users(1).await;
    let directory = world.simulator.directory();
    let user = directory.generated_user(0);
    let link = world.delta_from_now("/users/delta?$select=identities").await;
    directory.update_user(user, &json!({"userPrincipalName": "new@example.com"})).expect("live");
    let round = world.minimal_round(&link).await;
    assert_eq!(round.objects[0]["identities"][0]["issuerAssignedId"], "new@example.com");
}

#[tokio::test]
async fn users_go_come_back_and_go_for_good() {
    let world = World::with_users(4).await;
    let directory = world.simulator.directory();
    let user = directory.generated_user(2);
    let first = world.round(PATH).await;

    directory.delete_user(user).expect("live");
    let deleted = world.round(&first.link).await;
    let soft = json!({"id": user, "@removed": {"reason": "changed"}});
    assert_eq!(deleted.objects, slice::from_ref(&soft));
    let everyone = world.round(PATH).await;
    assert_eq!(everyone.objects.len(), 4, "the deleted ones appear in a first round");
    assert!(everyone.objects.contains(&soft));

    directory.restore_user(user).expect("deleted");
    let restored = world.minimal_round(&deleted.link).await;
    assert_eq!(restored.objects, [first.objects[2].clone()], "as itself, and as a whole");

    directory.delete_user(user).expect("live");
    directory.purge_user(user).expect("deleted");
    let purged = world.round(&restored.link).await;
    assert_eq!(purged.objects, [json!({"id": user, "@removed": {"reason": "deleted"}})]);
    assert_eq!(world.round(&deleted.link).await.objects, purged.objects, "an older link knows it too");
    assert_eq!(world.round(PATH).await.objects.len(), 3);
}

#[tokio::test]
async fn a_replayed_link_gives_the_same_changes_and_the_newer_ones() {
    let world = World::with_users(5).await;
    let directory = world.simulator.directory();
    let link = world.delta_from_now(PATH).await;
    directory.update_user(directory.generated_user(4), &json!({"displayName": "Four"})).expect("live");
    let once = world.round(&link).await;
    assert_eq!(world.round(&link).await.objects, once.objects);
    directory.update_user(directory.generated_user(1), &json!({"displayName": "One"})).expect("live");
    let names = |objects: &[Value]| objects.iter().map(|user| user["displayName"].clone()).collect::<Vec<_>>();
    assert_eq!(names(&world.round(&link).await.objects), ["One", "Four"]);
    assert_eq!(names(&world.round(&once.link).await.objects), ["One"]);
}

#[tokio::test]
async fn a_filter_follows_the_users_it_names() {
    let world = World::with_users(9).await;
    let directory = world.simulator.directory();
    let [a, b, c] = [2, 5, 7].map(|index| directory.generated_user(index));
    let path = format!("/users/delta?$select=displayName&$filter=id eq '{b}' or id eq '{a}'");
    let first = world.round(&path).await;
    assert_eq!(ids(&first.objects), [a, b].map(|id| id.to_string()).iter().map(String::as_str).collect());
    for user in [b, c] {
        directory.update_user(user, &json!({"displayName": "New"})).expect("live");
    }
    assert_eq!(world.round(&first.link).await.objects, [json!({"id": b, "displayName": "New"})]);
}

#[tokio::test]
async fn each_delta_needs_its_permission() {
    let users = World::with_permissions(&[Permission::UserReadAll]).await;
    assert_eq!(users.get("/users/delta").await.status, 200);
    assert_eq!(users.get("/groups/delta").await.error(), (403, "Authorization_RequestDenied"));
    let groups = World::with_permissions(&[Permission::GroupMemberReadAll]).await;
    assert_eq!(groups.get("/groups/delta").await.status, 200);
    assert_eq!(groups.get("/users/delta").await.error(), (403, "Authorization_RequestDenied"));
}
