//! Groups and their members.

use entra_simulator::{Permission, Route};
use serde_json::{Value, json};

use super::{World, ids};

const USER: &str = "microsoft.graph.user";

fn count_of<'a>(objects: impl IntoIterator<Item = &'a Value>, kind: &str) -> usize {
    objects.into_iter().filter(|object| object["@odata.type"] == kind).count()
}

#[tokio::test]
async fn direct_members_are_mixed_and_typed() {
    let world = World::with_users(60).await;
    let directory = world.simulator.directory();
    let members = world.get(&format!("/groups/{}/members?$select=id,displayName,mail", directory.research())).await;
    assert_eq!(members.value().len(), 6);
    assert_eq!(count_of(members.value(), "#microsoft.graph.user"), 5);
    let group =
        members.value().iter().find(|member| member["@odata.type"] == "#microsoft.graph.group").expect("nested");
    assert_eq!((&group["id"], &group["displayName"]), (&json!(directory.engineering()), &json!("Engineering")));
    let user = &members.value()[0];
    assert_eq!((&user["id"], user["mail"].is_string()), (&json!(directory.generated_user(25)), true));
}

#[tokio::test]
async fn a_cast_takes_the_header_and_the_count() {
    let world = World::with_users(60).await;
    let path = format!("/groups/{}/members/{USER}", world.simulator.directory().research());
    for refused in
        [world.get(&path).await, world.get(&format!("{path}?$count=true")).await, world.get_advanced(&path).await]
    {
        assert_eq!(refused.error(), (400, "Request_UnsupportedQuery"));
    }
    let members = world.get_advanced(&format!("{path}?$count=true&$select=id,mail&$top=3")).await;
    assert_eq!((members.value().len(), &members.body["@odata.count"]), (3, &json!(5)));
    assert_eq!(members.value()[0].as_object().map(serde_json::Map::len), Some(2), "no type is needed");
    let link = members.next().expect("a next link");
    assert_eq!(world.get(link).await.error(), (400, "Request_UnsupportedQuery"), "the header is not remembered");
    let rest = world.get_advanced(link).await;
    assert_eq!((rest.value().len(), &rest.body["@odata.count"]), (2, &Value::Null));
    assert_eq!(world.simulator.requests(Route::GroupMembers), 6);

    let group = path.replace(USER, "microsoft.graph.device");
    assert_eq!(world.get_advanced(&format!("{group}?$count=true")).await.error(), (400, "Request_UnsupportedQuery"));
}

#[tokio::test]
async fn transitive_members_are_each_user_once_over_pages() {
    let world = World::with_users(60).await;
    let directory = world.simulator.directory();
    let (engineering, research) = (directory.engineering(), directory.research());
    directory.add_member(research, directory.generated_user(0)).expect("known");
    directory.add_member(engineering, research).expect("a circle is tolerated");
    let (users, pages) =
        world.list(&format!("/groups/{research}/transitiveMembers/{USER}?$count=true&$select=id&$top=7"), true).await;
    assert_eq!((users.len(), ids(&users).len(), pages), (30, 30, 5));
    let (all, _) = world.list(&format!("/groups/{research}/transitiveMembers"), false).await;
    assert_eq!((ids(&all).len(), count_of(&all, "#microsoft.graph.group")), (31, 1));
    let (groups, _) =
        world.list(&format!("/groups/{research}/transitiveMembers/microsoft.graph.group?$count=true"), true).await;
    assert_eq!(ids(&groups).into_iter().collect::<Vec<_>>(), [engineering.to_string()]);
}

#[tokio::test]
async fn members_need_a_group_permission() {
    let world = World::with_permissions(&[Permission::UserReadAll]).await;
    let group = world.simulator.directory().engineering();
    for path in [format!("/groups/{group}"), format!("/groups/{group}/members")] {
        assert_eq!(world.get(&path).await.error(), (403, "Authorization_RequestDenied"), "{path}");
    }
}

#[tokio::test]
async fn users_that_may_not_be_read_are_all_null() {
    let world = World::with_permissions(&[Permission::GroupMemberReadAll]).await;
    let group = world.simulator.directory().engineering();
    let first = world.simulator.directory().generated_user(0);
    let expected = json!({"@odata.type": "#microsoft.graph.user", "id": first, "mail": null, "accountEnabled": null});
    let select = "$select=id,mail,accountEnabled";
    let members = world.get(&format!("/groups/{group}/members?{select}")).await;
    assert_eq!((members.value().len(), &members.value()[0]), (25, &expected));
    let cast = world.get_advanced(&format!("/groups/{group}/members/{USER}?$count=true&{select}")).await;
    assert_eq!((cast.value().len(), &cast.value()[0]), (25, &expected));
}

#[tokio::test]
async fn an_unknown_group_is_not_found() {
    let world = World::with_users(30).await;
    let directory = world.simulator.directory();
    let gone = directory.add_group("Short-lived");
    assert_eq!(world.get(&format!("/groups/{gone}/members")).await.value().len(), 0);
    directory.delete_group(gone).expect("known");
    for id in [gone, directory.generated_user(0)] {
        for path in
            [format!("/groups/{id}"), format!("/groups/{id}/members"), format!("/groups/{id}/transitiveMembers")]
        {
            let answer = world.get(&path).await;
            assert_eq!(answer.error(), (404, "Request_ResourceNotFound"), "{path}");
            assert!(answer.body["error"]["message"].as_str().is_some_and(|text| text.contains(&id.to_string())));
        }
    }
}

#[tokio::test]
async fn a_group_is_read_by_id() {
    let world = World::with_users(1).await;
    let group = world.simulator.directory().engineering();
    let answer = world.get(&format!("/groups/{group}?$select=id,displayName")).await;
    assert_eq!((answer.status, &answer.body["displayName"]), (200, &json!("Engineering")));
    assert_eq!(world.get(&format!("/groups/{group}?$select=surname")).await.error(), (400, "Request_BadRequest"));
}

#[tokio::test]
async fn members_come_and_go() {
    let world = World::with_users(40).await;
    let directory = world.simulator.directory();
    let path = format!("/groups/{}/members?$select=id&$top=999", directory.engineering());
    directory.remove_member(directory.engineering(), directory.generated_user(0)).expect("a member");
    directory.delete_user(directory.generated_user(1)).expect("live");
    directory.add_member(directory.engineering(), directory.generated_user(39)).expect("known");
    let members = world.get(&path).await;
    let found = ids(members.value());
    assert_eq!(found.len(), 24);
    assert!(found.contains(directory.generated_user(39).to_string().as_str()));
    directory.restore_user(directory.generated_user(1)).expect("deleted");
    assert_eq!(world.get(&path).await.value().len(), 25, "a restored user keeps its memberships");
}
