//! Settling conflicts by hand: linking users, and ignoring directory users.

use reqwest::Method;
use serde_json::{Value, json};

use crate::api::{ABSENT, Account, Api, person, text};

const GUID: &str = "1f6a2c0e-0b1d-4c58-9b1e-5f6a1d2c3b4a";

/// Two connections. Ada and Bob are users of the first; the second met its own Ada and could not have her.
struct Conflict {
    api: Api,
    acme: Account,
    first: String,
    second: String,
    ada: String,
    bob: String,
    run: String,
}

impl Conflict {
    async fn make() -> Self {
        let api = Api::start().await;
        let acme = api.account("acme").await;
        api.start_worker();
        let (first, second) = (api.connection(&acme.admin, "first").await, api.connection(&acme.admin, "second").await);
        api.directory_lists(vec![person("e1", "ada"), person("e2", "bob")]);
        api.sync(&acme.admin, &first, &json!({})).await;
        api.directory_lists(vec![person(GUID, "ada")]);
        let run = text(&api.sync(&acme.admin, &second, &json!({})).await["id"]);
        let mut users = Vec::new();
        for email in ["ada%40example.org", "bob%40example.org"] {
            users.push(text(&api.items(&acme.admin, &format!("/users?email={email}")).await[0]["id"]));
        }
        let [ada, bob] = users.try_into().unwrap();
        Self { api, acme, first, second, ada, bob, run }
    }

    async fn link(&self, user: &str, body: &Value) -> crate::api::Answer {
        self.api.post(&self.acme.admin, &format!("/users/{user}/link"), body).await
    }

    async fn unlink(&self, user: &str) -> crate::api::Answer {
        self.api.bare(Method::DELETE, &self.acme.admin, &format!("/users/{user}/link")).await
    }

    fn target(&self, external_id: &str) -> Value {
        json!({"connectionId": self.second, "externalId": external_id})
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_conflict_says_with_whom() {
    let it = Conflict::make().await;
    let changes = it.api.items(&it.acme.viewer, &format!("/runs/{}/changes", it.run)).await;
    assert_eq!(changes.len(), 1);
    assert_eq!((&changes[0]["action"], &changes[0]["code"]), (&json!("conflict"), &json!("email_taken")));
    assert_eq!(changes[0]["conflictsWith"]["userId"], json!(it.ada), "{}", changes[0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_is_unlinked_and_linked_to_whom_it_is() {
    let it = Conflict::make().await;
    it.link(&it.ada, &it.target(GUID)).await.problem(409, "user_linked");

    let answer = it.unlink(&it.ada).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let local = answer.json();
    assert_eq!(
        (&local["id"], &local["connectionId"], &local["externalId"]),
        (&json!(it.ada), &json!(null), &json!(null))
    );
    assert_eq!(it.unlink(&it.ada).await.status, 200, "once is as good as twice");

    // In another case it is the same object.
    let answer = it.link(&it.ada, &it.target(&GUID.to_uppercase())).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let linked = answer.json();
    assert_eq!((&linked["connectionId"], &linked["externalId"]), (&json!(it.second), &json!(GUID)));
    assert_eq!(it.link(&it.ada, &it.target(GUID)).await.status, 200, "once is as good as twice");
    assert_eq!(it.api.get(&it.acme.viewer, &format!("/users/{}", it.ada)).await.json()["externalId"], json!(GUID));

    it.unlink(&it.bob).await;
    let problem = it.link(&it.bob, &it.target(GUID)).await.problem(409, "directory_user_linked");
    assert_eq!(problem["userId"], json!(it.ada));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_a_directory_user_in_conflict_is_linked() {
    let it = Conflict::make().await;
    it.unlink(&it.bob).await;
    let nobody = it.target("1f6a2c0e-0b1d-4c58-9b1e-5f6a1d2c3b4b");
    let problem = it.link(&it.bob, &nobody).await.problem(409, "unknown_directory_user");
    assert!(text(&problem["detail"]).contains("dry run"), "{problem}");
    // The other connection met no such directory user.
    let elsewhere = json!({"connectionId": it.first, "externalId": GUID});
    it.link(&it.bob, &elsewhere).await.problem(409, "unknown_directory_user");
    let bob = it.api.get(&it.acme.admin, &format!("/users/{}", it.bob)).await.json();
    assert_eq!(bob["connectionId"], Value::Null);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_link_is_pointed_at() {
    let it = Conflict::make().await;
    let other = it.api.account("other").await;
    let foreign = it.api.connection(&other.admin, "Other").await;
    it.unlink(&it.bob).await;
    for (body, pointers) in [
        (json!({}), vec!["/connectionId", "/externalId"]),
        (json!({"connectionId": "x", "externalId": "e1"}), vec!["/connectionId"]),
        (json!({"connectionId": it.second, "externalId": ""}), vec!["/externalId"]),
        (json!({"connectionId": it.second, "externalId": 5}), vec!["/externalId"]),
        (json!({"connectionId": it.second, "externalId": GUID, "userId": it.bob}), vec!["/userId"]),
        (json!({"connectionId": ABSENT, "externalId": GUID}), vec!["/connectionId"]),
        (json!({"connectionId": foreign, "externalId": GUID}), vec!["/connectionId"]),
        (json!([]), vec![""]),
    ] {
        assert_eq!(it.link(&it.bob, &body).await.pointers(), pointers, "{body}");
    }
    let path = format!("/users/{}/link", it.bob);
    let bodiless = it.api.bare(Method::POST, &it.acme.admin, &path).await;
    assert_eq!(bodiless.pointers(), ["/connectionId", "/externalId"]);
    for method in [Method::POST, Method::DELETE] {
        let answer = it.api.call(method, &it.acme.admin, &format!("{path}?x=1"), &it.target(GUID)).await;
        assert_eq!(answer.pointers(), ["?x"]);
    }
    it.link(ABSENT, &it.target(GUID)).await.problem(404, "not_found");
    it.unlink(ABSENT).await.problem(404, "not_found");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_directory_user_is_ignored_and_heeded_again() {
    let api = Api::start().await;
    let acme = api.account("acme").await;
    let connection = api.connection(&acme.admin, "Acme").await;
    let list = format!("/connections/{connection}/ignored");
    // The path's segment, and whom it names.
    let escaped = format!("%20{}", GUID.to_uppercase());
    for (segment, id) in [
        ("e1", "e1"),
        ("a%2Fb", "a/b"),
        ("a%252Fb", "a%2Fb"),
        ("a+b", "a+b"),
        ("a%2Bb", "a+b"),
        ("Zo%C3%AB%20B", "Zoë B"),
        ("100%25", "100%"),
        ("a%3Fb%23c", "a?b#c"),
        (&escaped, GUID),
    ] {
        let path = format!("{list}/{segment}");
        for _ in 0..2 {
            let answer = api.bare(Method::PUT, &acme.admin, &path).await;
            assert_eq!((answer.status, answer.text.as_str()), (204, ""), "{segment}");
        }
        let items = api.items(&acme.viewer, &list).await;
        assert_eq!((items.len(), &items[0]["externalId"]), (1, &json!(id)), "{segment}");
        assert_eq!(api.bare(Method::DELETE, &acme.admin, &path).await.status, 204, "{segment}");
        api.bare(Method::DELETE, &acme.admin, &path).await.problem(404, "not_found");
        assert_eq!(api.items(&acme.viewer, &list).await, Vec::<Value>::new());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_else_is_ignored() {
    let api = Api::start().await;
    let acme = api.account("acme").await;
    let connection = api.connection(&acme.admin, "Acme").await;
    let list = format!("/connections/{connection}/ignored");
    for segment in ["%20", "a%0Ab", "%FF", "a%EF%BF%BDb", &"x".repeat(257), "a/b"] {
        for method in [Method::PUT, Method::DELETE] {
            let answer = api.bare(method, &acme.admin, &format!("{list}/{segment}")).await;
            answer.problem(404, "not_found");
        }
    }
    for method in [Method::PUT, Method::DELETE] {
        let absent = format!("/connections/{ABSENT}/ignored/e1");
        api.bare(method.clone(), &acme.admin, &absent).await.problem(404, "not_found");
        assert_eq!(api.bare(method, &acme.admin, &format!("{list}/e1?x=1")).await.pointers(), ["?x"]);
    }
    let body = json!({"reason": "x"});
    assert_eq!(api.call(Method::PUT, &acme.admin, &format!("{list}/e1"), &body).await.pointers(), ["/reason"]);
    assert_eq!(api.items(&acme.admin, &list).await, Vec::<Value>::new());
}
