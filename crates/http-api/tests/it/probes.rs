use std::sync::mpsc;

use crypto::ApiToken;
use http_api::Telemetry;
use reqwest::Method;
use secrecy::ExposeSecret;
use serde_json::json;

use crate::api::{Api, config, send};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn probes_need_no_token() {
    let api = Api::start().await;
    let ready = r#"{"status":"ready","checks":{"database":"ok","migrations":"ok","keys":"unknown"}}"#;
    for (path, body) in [("/healthz", r#"{"status":"ok"}"#), ("/readyz", ready)] {
        let answer = send(api.client.get(format!("{}{path}", api.url))).await;
        assert_eq!((answer.status, answer.text.as_str()), (200, body));
        assert!(answer.header("x-request-id").is_some());
        let head = send(api.client.head(format!("{}{path}", api.url))).await;
        assert_eq!((head.status, head.text.as_str()), (200, ""));
        assert_eq!(head.header("content-length"), answer.header("content-length"));
        send(api.client.request(Method::POST, format!("{}{path}", api.url))).await.problem(405, "method_not_allowed");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_does_not_fit_is_not_ready() {
    let api = Api::unmigrated(config()).await;
    let answer = send(api.client.get(format!("{}/readyz", api.url))).await;
    let problem = answer.problem(503, "unavailable");
    assert!(problem["detail"].as_str().unwrap().contains("`migrations`"), "{problem}");
    assert_eq!(answer.header("retry-after"), Some("5"));
    assert_eq!(send(api.client.get(format!("{}/healthz", api.url))).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readiness_tells_what_was_found_out_about_the_keys() {
    let api = Api::start().await;
    assert!(api.engine.missing_keys().await.unwrap().is_empty());
    let answer = send(api.client.get(format!("{}/readyz", api.url))).await;
    assert_eq!((answer.status, &answer.json()["checks"]["keys"]), (200, &json!("ok")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_without_a_recorder_has_no_metrics() {
    let api = Api::start().await;
    send(api.client.get(format!("{}/metrics", api.url))).await.problem(404, "not_found");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metrics_are_the_programs_own_text() {
    let telemetry = Telemetry::default().with_metrics(|| "# as the program says\n".to_owned());
    // Also of a database that cannot be asked for its numbers.
    let api = Api::watched(config(), telemetry).await;
    let answer = send(api.client.get(format!("{}/metrics", api.url))).await;
    assert_eq!((answer.status, answer.text.as_str()), (200, "# as the program says\n"));
    assert_eq!(answer.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_callers_trace_is_handed_on() {
    let (told, heard) = mpsc::channel();
    let telemetry = Telemetry::default().with_parents(move |_, parent| drop(told.send(parent.to_owned())));
    let api = Api::watched(config(), telemetry).await;
    for path in ["/healthz", "/api/directory/users", "/nowhere"] {
        send(api.client.get(format!("{}{path}", api.url))).await;
        send(api.client.get(format!("{}{path}", api.url)).header("traceparent", path)).await;
        assert_eq!(heard.try_recv().unwrap(), path);
        assert!(heard.try_recv().is_err(), "who sends none has none");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failing_statement_is_kept_from_the_client() {
    let api = Api::unmigrated(config()).await;
    let token = ApiToken::generate().unwrap().0;
    let answer = api.get(token.expose_secret(), "/users").await;
    answer.problem(500, "internal");
    assert!(!answer.text.contains("token") && !answer.text.contains("table"), "{}", answer.text);
}
