use crypto::ApiToken;
use reqwest::Method;
use secrecy::ExposeSecret;

use crate::api::{Api, config, send};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn probes_need_no_token() {
    let api = Api::start().await;
    for (path, body) in [("/healthz", r#"{"status":"ok"}"#), ("/readyz", r#"{"status":"ready"}"#)] {
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
    answer.problem(503, "unavailable");
    assert_eq!(answer.header("retry-after"), Some("5"));
    assert_eq!(send(api.client.get(format!("{}/healthz", api.url))).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failing_statement_is_kept_from_the_client() {
    let api = Api::unmigrated(config()).await;
    let token = ApiToken::generate().unwrap().0;
    let answer = api.get(token.expose_secret(), "/users").await;
    answer.problem(500, "internal");
    assert!(!answer.text.contains("token") && !answer.text.contains("table"), "{}", answer.text);
}
