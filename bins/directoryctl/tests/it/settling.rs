//! Settling conflicts by hand: link, unlink, ignore, heed.

use serde_json::{Value, json};

use crate::simulated::{ACME, Simulated, text};

/// A world of three users of whom the first is a local one that may not be adopted, and the run that met the conflict.
fn in_conflict() -> (Simulated, Value) {
    let world = Simulated::synced(3);
    let said = world.run(&["user", "unlink", &world.mail(0)]);
    let local = said.json_and(0);
    assert_eq!((&local["connectionId"], &local["externalId"]), (&Value::Null, &Value::Null));
    assert!(said.stderr.contains(&world.external_id(0)), "whom to ignore: {said:?}");
    world.run(&["connection", "update", ACME, "--adopt-by-email", "false"]).json();
    let run = world.run(&["sync", ACME]).json_and(4);
    assert_eq!(run["counts"]["conflicts"], 1);
    (world, run)
}

#[test]
fn a_conflict_names_the_users_and_is_settled_by_a_link() {
    let (world, run) = in_conflict();
    let local = world.run(&["user", "show", &world.mail(0)]).json();
    let id = text(&run["id"]);
    let conflict = &world.items(&["run", "changes", id, "--action", "conflict"])[0];
    assert_eq!(
        (&conflict["externalId"], &conflict["conflictsWith"]["userId"]),
        (&json!(world.external_id(0)), &local["id"])
    );
    let table = world.run(&["run", "changes", id, "--action", "conflict", "--output", "table"]).done().stdout;
    assert!(table.contains(&format!("against user {}", text(&local["id"]))), "{table}");

    // Once is as good as twice, and a GUID as good in upper case.
    for (user, external_id) in
        [(world.mail(0), world.external_id(0).to_uppercase()), (text(&local["id"]).to_owned(), world.external_id(0))]
    {
        let link = ["user", "link", &user, "--connection", ACME, "--external-id", &external_id];
        let linked = world.run(&link).json();
        assert_eq!((&linked["id"], &linked["externalId"]), (&local["id"], &json!(world.external_id(0))));
    }
    let run = world.run(&["sync", ACME, "--full"]).json();
    assert_eq!((&run["status"], &run["counts"]["unchanged"]), (&json!("succeeded"), &json!(3)));
}

#[test]
fn a_link_that_cannot_be_meant_says_what_to_do() {
    let (world, _) = in_conflict();
    let link = |user: &str, external_id: &str| {
        world.run(&["user", "link", user, "--connection", ACME, "--external-id", external_id])
    };
    let linked = link(&world.mail(1), &world.external_id(0)).one_line(1);
    assert!(linked.contains("user unlink"), "the user is somebody else: {linked}");
    let known = link(&world.mail(0), &world.external_id(2)).one_line(1);
    let other = world.run(&["user", "show", &world.mail(2)]).json();
    assert!(known.contains(&format!("user unlink {}", text(&other["id"]))), "{known}");
    let unknown = link(&world.mail(0), "00000000-0000-4000-8000-000000000000").one_line(1);
    assert!(unknown.contains("--action conflict"), "{unknown}");
    assert!(link("nobody@example.org", &world.external_id(0)).one_line(1).contains("nobody@example.org"));
    assert!(link("nobody", &world.external_id(0)).one_line(2).contains("nobody"));
    assert!(link(&world.mail(0), " ").one_line(2).contains("--external-id"));
    world.run(&["user", "unlink", "nobody@example.org"]).one_line(1);

    let local = world.run(&["user", "show", &world.mail(0)]).json();
    assert_eq!(local["connectionId"], Value::Null, "nothing was linked");
    assert_eq!(world.run(&["user", "unlink", &world.mail(0)]).json(), local, "a local one already");
}

#[test]
fn an_ignored_directory_user_is_left_alone_until_it_is_heeded() {
    let (world, _) = in_conflict();
    let id = world.external_id(0);
    for _ in 0..2 {
        let said = world.run(&["connection", "ignore", ACME, &id.to_uppercase()]).done();
        assert_eq!(said.stdout, "");
    }
    let ignored = world.items(&["connection", "ignored", ACME]);
    assert_eq!((ignored.len(), &ignored[0]["externalId"]), (1, &json!(id)));
    assert!(ignored[0]["createdAt"].is_string());
    let table = world.run(&["connection", "ignored", "--output", "table"]).done().stdout;
    assert!(table.contains(&id), "{table}");

    let run = world.run(&["sync", ACME]).json();
    assert_eq!((&run["counts"]["excluded"], &run["counts"]["conflicts"]), (&json!(1), &json!(0)));

    world.run(&["connection", "heed", ACME, &id]).done();
    assert!(world.run(&["connection", "heed", ACME, &id]).one_line(1).contains("connection ignored"));
    assert_eq!(world.items(&["connection", "ignored"]), Vec::<Value>::new());
    assert_eq!(world.run(&["sync", ACME]).json_and(4)["counts"]["conflicts"], 1);
}

#[test]
fn the_ignored_come_a_page_at_a_time() {
    let world = Simulated::new(0);
    for id in ["c", "a", "b"] {
        world.run(&["connection", "ignore", ACME, id]).done();
    }
    let ids = |page: &Value| {
        let items = page["items"].as_array().unwrap();
        items.iter().map(|item| text(&item["externalId"]).to_owned()).collect::<Vec<_>>()
    };
    let first = world.run(&["connection", "ignored", ACME, "--limit", "2"]).json();
    assert_eq!((ids(&first), &first["nextCursor"]), (vec!["a".to_owned(), "b".to_owned()], &json!("b")));
    let second = world.run(&["connection", "ignored", ACME, "--cursor", "b"]).json();
    assert_eq!((ids(&second), &second["nextCursor"]), (vec!["c".to_owned()], &Value::Null));
    assert!(world.run(&["connection", "ignored", ACME, "--cursor", ""]).one_line(2).contains("--cursor"));
}
