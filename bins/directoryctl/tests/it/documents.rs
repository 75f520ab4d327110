//! The JSON documents that scripts rely on: every member of the interface is there, whatever its value.

use serde_json::Value;

use crate::simulated::{ACME, Simulated, text};

const CONNECTION: &str = "id provider displayName directoryId clientId groupId defaultRole cloud policy schedule nextSyncAt state \
     stateReason credentialUpdatedAt credentialExpiresAt credentialWarning createdAt updatedAt lastRun";
const RUN: &str = "id connectionId status phase mode trigger dryRun counts planDigest hold error notBefore createdAt startedAt finishedAt";
const CHANGE: &str = "seq action outcome userId externalId email before after code message";
const USER: &str =
    "id email displayName givenName familyName role status deactivation connectionId externalId createdAt updatedAt";
const TENANT: &str = "id slug name createdAt";
const TOKEN: &str = "id role name createdAt expiresAt";

fn assert_members(document: &Value, members: &str, of: &str) {
    let document = document.as_object().unwrap_or_else(|| panic!("{of}: {document}"));
    for member in members.split_whitespace() {
        assert!(document.contains_key(member), "{of} has no {member}: {document:?}");
    }
}

#[test]
fn every_document_has_the_members_of_the_interface() {
    let world = Simulated::synced(2);
    let id = text(&world.connection()["id"]).to_owned();
    let run = world.run(&["run", "list", ACME]).json()["items"][0].clone();
    let run_id = text(&run["id"]).to_owned();
    let user = world.run(&["user", "list"]).json()["items"][0].clone();
    let user_id = text(&user["id"]).to_owned();

    for (members, list) in [
        (TENANT, &["tenant", "list"][..]),
        (CONNECTION, &["connection", "list"]),
        (RUN, &["run", "list", ACME]),
        (CHANGE, &["run", "changes", &run_id]),
        (USER, &["user", "list"]),
        ("externalId createdAt", &["connection", "ignored", ACME]),
    ] {
        let document = world.run(list).json();
        assert_members(&document, "items nextCursor", &list.join(" "));
        for item in document["items"].as_array().unwrap() {
            assert_members(item, members, &list.join(" "));
        }
        assert!(list[1] == "ignored" || !document["items"].as_array().unwrap().is_empty(), "{list:?}");
    }
    let token = world.run(&["token", "create", "--role", "viewer"]).json();
    assert_members(&token, &format!("{TOKEN} token"), "token create");
    let tokens = world.run(&["token", "list"]).json();
    assert_members(&tokens["items"][0], TOKEN, "token list");

    for (members, one) in [
        (CONNECTION, &["connection", "show", ACME][..]),
        (CONNECTION, &["connection", "update", ACME, "--pause"]),
        (RUN, &["run", "show", &run_id]),
        (RUN, &["sync", ACME]),
        (RUN, &["sync", &id, "--dry-run"]),
        (USER, &["user", "show", &user_id]),
        ("ok checks", &["connection", "test", ACME]),
        ("keys unopened", &["key", "status"]),
        ("seen resealed failed", &["key", "rotate"]),
        ("checks", &["doctor"]),
        (TENANT, &["tenant", "create", "globex"]),
    ] {
        assert_members(&world.run(one).json(), members, &one.join(" "));
    }
}
