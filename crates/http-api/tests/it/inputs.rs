//! What is refused before its meaning matters: bodies, paths, methods, parameters.

use reqwest::{Method, header::CONTENT_TYPE};
use serde_json::json;

use crate::{
    access::WRITES,
    api::{ABSENT, Api, registration, send},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_must_be_json_by_its_type() {
    let api = Api::start().await;
    let acme = api.account("acme").await;
    let post = |media_type: Option<&'static str>| {
        let request = api.request(Method::POST, "/entra", &acme.admin).body(registration().to_string());
        match media_type {
            Some(media_type) => request.header(CONTENT_TYPE, media_type),
            None => request,
        }
    };
    for media_type in [
        None,
        Some("text/plain"),
        Some("application/x-www-form-urlencoded"),
        Some("application/json; charset=utf-16"),
        Some("json"),
    ] {
        send(post(media_type)).await.problem(415, "unsupported_media_type");
    }
    send(post(Some("application/json")).header("content-encoding", "gzip"))
        .await
        .problem(415, "unsupported_media_type");
    for media_type in ["application/json", "application/json; charset=UTF-8", "application/vnd.acme+json"] {
        assert_eq!(send(post(Some(media_type))).await.status, 201, "{media_type}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_must_be_json_by_its_content() {
    let api = Api::start().await;
    let acme = api.account("acme").await;
    for body in ["{", "{}x", "\"", "[1,", "{'a':1}", "\u{feff}{}"] {
        let request = api.request(Method::POST, "/entra", &acme.admin).header(CONTENT_TYPE, "application/json");
        assert_eq!(send(request.body(body)).await.pointers(), [""], "{body}");
    }
    let empty = api.request(Method::POST, "/entra", &acme.admin).header(CONTENT_TYPE, "application/json");
    send(empty).await.problem(400, "bad_request");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_has_a_size() {
    let api = Api::start().await;
    let acme = api.account("acme").await;
    let connection = api.connection(&acme.admin, "Acme").await;
    let sync = format!("/connections/{connection}/sync");
    let body = |bytes: usize| format!("{{}}{}", " ".repeat(bytes - 2));
    let post = |path: &str, bytes| {
        api.request(Method::POST, path, &acme.admin).header(CONTENT_TYPE, "application/json").body(body(bytes))
    };
    send(post(&sync, 65_537)).await.problem(413, "payload_too_large");
    send(post("/entra", 100_000)).await.problem(413, "payload_too_large");
    assert_eq!(send(post(&sync, 65_536)).await.status, 202);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unknown_paths_are_problems() {
    let api = Api::start().await;
    let acme = api.account("acme").await;
    for path in ["/", "", "/nothing", "/connections/", "/users/a/b", "//", "//nothing", "//api", "//healthz/x"] {
        api.get(&acme.admin, path).await.problem(404, "not_found");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_method_is_told_the_right_ones() {
    let api = Api::start().await;
    let acme = api.account("acme").await;
    let table = [
        (Method::GET, "/entra", "POST"),
        (Method::PUT, "/connections", "GET, HEAD"),
        (Method::PUT, "/connections/ID", "GET, HEAD, PATCH, DELETE"),
        (Method::PUT, "/connections/ID/ignored", "GET, HEAD"),
        (Method::GET, "/connections/ID/ignored/e1", "PUT, DELETE"),
        (Method::GET, "/connections/ID/preview", "POST"),
        (Method::GET, "/connections/ID/sync", "POST"),
        (Method::POST, "/connections/ID/runs", "GET, HEAD"),
        (Method::DELETE, "/runs/ID", "GET, HEAD"),
        (Method::POST, "/runs/ID/changes", "GET, HEAD"),
        (Method::GET, "/runs/ID/approve", "POST"),
        (Method::DELETE, "/runs/ID/reject", "POST"),
        (Method::PUT, "/runs/ID/cancel", "POST"),
        (Method::POST, "/users", "GET, HEAD"),
        (Method::PATCH, "/users/ID", "GET, HEAD"),
        (Method::GET, "/users/ID/link", "POST, DELETE"),
    ];
    for (method, path, allowed) in table {
        let answer = send(api.request(method, &path.replace("ID", ABSENT), &acme.admin)).await;
        answer.problem(405, "method_not_allowed");
        assert_eq!(answer.header("allow"), Some(allowed), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_usable_request_id_is_returned() {
    let api = Api::start().await;
    let acme = api.account("acme").await;
    let ask = |id: &'static str| send(api.request(Method::GET, "/users", &acme.admin).header("x-request-id", id));
    assert_eq!(ask("edge-42").await.header("x-request-id"), Some("edge-42"));
    let replaced = ask("no good").await;
    assert_ne!(replaced.header("x-request-id"), Some("no good"));
    assert_eq!(replaced.header("x-request-id").unwrap().len(), 36);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_parameters_are_pointed_at() {
    let api = Api::start().await;
    let acme = api.account("acme").await;
    let connection = api.connection(&acme.admin, "Acme").await;
    let run = api.queue(&acme.admin, &connection, &json!({})).await;
    let lists = [
        "/connections".to_owned(),
        "/users".to_owned(),
        format!("/connections/{connection}/runs"),
        format!("/connections/{connection}/ignored"),
        format!("/runs/{run}/changes"),
    ];
    for list in &lists {
        for (query, pointer) in
            [("limit=0", "?limit"), ("limit=201", "?limit"), ("cursor=AQ", "?cursor"), ("sort=x", "?sort")]
        {
            assert_eq!(api.get(&acme.admin, &format!("{list}?{query}")).await.pointers(), [pointer], "{list}?{query}");
        }
    }
    for (query, pointer) in [("status=gone", "?status"), ("connectionId=x", "?connectionId"), ("email=x", "?email")] {
        assert_eq!(api.get(&acme.admin, &format!("/users?{query}")).await.pointers(), [pointer]);
    }
    for (query, pointer) in
        [("action=erase", "?action"), ("outcome=done", "?outcome"), ("action=link&action=link", "?action")]
    {
        assert_eq!(api.get(&acme.admin, &format!("/runs/{run}/changes?{query}")).await.pointers(), [pointer]);
    }
    assert!(!api.get(&acme.admin, "/users?email=ada%40secret&limit=x").await.text.contains("secret"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_input_is_the_servers_failure() {
    let api = Api::start().await;
    let acme = api.account("acme").await;
    let connection = api.connection(&acme.admin, "Acme").await;
    let run = api.queue(&acme.admin, &connection, &json!({})).await;
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let bodies = [
        "null",
        "true",
        "1e999",
        "\"x\"",
        "[]",
        "[[]]",
        "{\"\":1}",
        "{\"policy\":{\"maxDeactivations\":[]}}",
        "{\"planDigest\":\"\u{0}\",\"changes\":[18446744073709551616]}",
        "{\"externalId\":\"\\u0000\\ud800\"}",
        &deep,
    ];
    for (method, pattern) in WRITES {
        for id in [&connection, &run, ABSENT] {
            let path = pattern.replace("ID", id);
            for body in bodies {
                let request = api.request(method.clone(), &path, &acme.admin).header(CONTENT_TYPE, "application/json");
                let answer = send(request.body(body.to_owned())).await;
                assert!(answer.status < 500, "{method} {path} {body}: {}", answer.text);
            }
        }
        for id in [&connection, &run, "%00", "%F0%9F%92%A9", "..%2F..", &"9".repeat(5_000)] {
            let answer = api.bare(method.clone(), &acme.admin, &pattern.replace("ID", id)).await;
            assert!(answer.status < 500, "{method} {pattern} {id}: {}", answer.text);
        }
    }
}
