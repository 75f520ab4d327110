use serde_json::json;

use super::*;

fn directory(users: u32) -> Directory {
    let profile = Profile { seed: 11, domain: "example.com".to_owned(), mix: Mix::default() };
    Directory::new(profile, users, 1_000)
}

fn members(directory: &Directory, group: Uuid, nested: bool, keep: Keep) -> Vec<Uuid> {
    let model = directory.read();
    let group = model.group_key(group).expect("the group exists");
    let mut found = Vec::new();
    let mut start = Some(Key::FIRST);
    while let Some(from) = start {
        let slice = model.members(group, nested, from, 7, keep);
        assert!(slice.keys.len() <= 7);
        found.extend(slice.keys.iter().map(|key| model.id(*key)));
        start = slice.next;
    }
    assert_eq!(found.len(), model.count_members(group, nested, keep));
    found
}

#[test]
fn edits_cost_only_themselves_and_are_seen() {
    let directory = directory(1_000_000);
    let id = directory.generated_user(999_999);
    directory.update_user(id, &json!({"mail": null, "displayName": "Åsa"})).expect("known");
    let user = directory.user(id).expect("live");
    assert_eq!(user["displayName"], "Åsa");
    assert_eq!(user["mail"], Value::Null);
    assert_eq!(user["proxyAddresses"], json!([]));
    assert_eq!(user["surname"].as_str().map(str::is_empty), Some(false));
}

#[test]
fn a_user_leaves_comes_back_and_leaves_for_good() {
    let directory = directory(30);
    let id = directory.generated_user(3);
    directory.delete_user(id).expect("live");
    assert_eq!(directory.user_count(), 29);
    assert!(directory.user(id).is_none() && !directory.user_ids(0, 99).contains(&id));
    assert_eq!(directory.delete_user(id), Err(EditError::UnknownUser(id)));
    assert_eq!(directory.update_user(id, &json!({})), Err(EditError::UnknownUser(id)));
    assert!(!members(&directory, directory.engineering(), false, Keep::default()).contains(&id));

    directory.restore_user(id).expect("soft-deleted");
    assert_eq!(directory.user_ids(3, 1), [id]);
    assert!(members(&directory, directory.engineering(), false, Keep::default()).contains(&id));

    directory.purge_user(id).expect("live");
    assert_eq!(directory.restore_user(id), Err(EditError::UnknownUser(id)));
    assert_eq!(directory.purge_user(id), Err(EditError::UnknownUser(id)));
    assert_eq!(directory.user_count(), 29);
}

#[test]
fn added_users_come_last_and_get_what_entra_requires() {
    let directory = directory(2);
    let id = directory.add_user(&json!({"mail": "new@example.com"})).expect("valid");
    directory.generate_users(1).expect("room");
    assert_eq!(
        directory.user_ids(0, 9),
        [0, 1, 2].map(|index| directory.generated_user(index)).into_iter().chain([id]).collect::<Vec<_>>()
    );
    let user = directory.user(id).expect("live");
    assert_eq!(user["userPrincipalName"], "new@example.com");
    assert_eq!(user["accountEnabled"], true);
    assert_eq!(user["proxyAddresses"], json!(["SMTP:new@example.com"]));
}

#[test]
fn bad_edits_are_refused_and_change_nothing() {
    let directory = directory(1);
    let id = directory.generated_user(0);
    let before = directory.user(id);
    let refused = |properties: Value| directory.update_user(id, &properties).expect_err("refused");
    assert_eq!(refused(json!({"displayName": "x", "mial": "x"})), EditError::UnknownProperty("mial".to_owned()));
    assert_eq!(refused(json!({"accountEnabled": "False"})), EditError::WrongValue("accountEnabled".to_owned()));
    assert_eq!(refused(json!({"otherMails": null})), EditError::WrongValue("otherMails".to_owned()));
    assert_eq!(refused(json!({"id": "x"})), EditError::WrongValue("id".to_owned()));
    assert_eq!(refused(json!([])), EditError::NotAnObject);
    assert_eq!(directory.user(id), before);
}

#[test]
fn nested_groups_are_flattened_once_even_in_a_circle() {
    let directory = directory(40);
    let (engineering, research) = (directory.engineering(), directory.research());
    assert_eq!(members(&directory, research, false, Keep::default()).len(), 6);
    directory.add_member(research, directory.generated_user(0)).expect("known");
    directory.add_member(engineering, research).expect("known");
    let users = Keep { only: Some(Only::Users), enabled: None };
    assert_eq!(members(&directory, research, true, users).len(), 30);
    let all = members(&directory, research, true, Keep::default());
    assert_eq!(all.len(), 31);
    assert!(all.contains(&engineering) && !all.contains(&research));
    let groups = Keep { only: Some(Only::Groups), enabled: None };
    assert_eq!(members(&directory, research, true, groups), [engineering]);

    // A circle that the listed group is not part of must end too.
    let below = directory.add_group("Below");
    directory.add_member(engineering, below).expect("known");
    directory.add_member(below, engineering).expect("known");
    assert_eq!(members(&directory, research, true, users).len(), 30);
    directory.delete_group(below).expect("known");

    directory.remove_member(engineering, research).expect("a member");
    assert_eq!(directory.remove_member(engineering, research), Err(EditError::UnknownMember(research)));
    directory.delete_group(engineering).expect("known");
    assert_eq!(members(&directory, research, true, Keep::default()).len(), 6);
    assert_eq!(directory.add_member(engineering, research), Err(EditError::UnknownGroup(engineering)));
}

#[test]
fn the_filter_counts_what_it_lists() {
    let directory = directory(500);
    directory.update_user(directory.generated_user(0), &json!({"accountEnabled": false})).expect("known");
    let model = directory.read();
    let disabled = Keep { only: None, enabled: Some(false) };
    assert_eq!(model.count_users(disabled), 11);
    assert_eq!(model.users(Key::FIRST, 999, disabled).keys.len(), 11);
}
