//! Too many requests, and more than there is room for.

use std::{num::NonZeroU32, time::Duration};

use http_api::{ApiConfig, Limits, RateLimit};
use reqwest::Method;
use store::TokenRole;

use crate::api::{Answer, Api, config, registration, send};

/// So slow that nothing comes back during a test.
fn rare(burst: u32) -> Option<RateLimit> {
    NonZeroU32::new(burst).map(|burst| RateLimit { interval: Duration::from_hours(1), burst })
}

fn check_rate_limited(answer: &Answer) {
    answer.problem(429, "rate_limited");
    let seconds: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=3_600).contains(&seconds), "{seconds}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_token_has_a_rate_of_its_own() {
    let limits = Limits { token_rate: rare(3), ..config().limits };
    let api = Api::with_config(ApiConfig { limits, ..config() }).await;
    let acme = api.account("acme").await;
    for _ in 0..3 {
        assert_eq!(api.get(&acme.admin, "/users").await.status, 200);
    }
    check_rate_limited(&api.get(&acme.admin, "/users").await);
    check_rate_limited(&api.post(&acme.admin, "/entra", &registration()).await);
    assert_eq!(api.get(&acme.viewer, "/users").await.status, 200);
    assert_eq!(api.get(&acme.viewer, "//healthz").await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_keeps_failing_is_told_to_wait_but_not_the_neighbours() {
    let limits = Limits { stranger_rate: rare(2), ..config().limits };
    let api = Api::with_config(ApiConfig { limits, ..config() }).await;
    let acme = api.account("acme").await;
    assert_eq!(api.get(&acme.admin, "/users").await.status, 200);
    let unknown = crypto::ApiToken::generate().unwrap().0;
    let unknown = secrecy::ExposeSecret::expose_secret(&unknown);
    api.get(unknown, "/users").await.problem(401, "unauthorized");
    send(api.client.get(format!("{}/api/directory/users", api.url))).await.problem(401, "unauthorized");
    check_rate_limited(&api.get(unknown, "/users").await);
    check_rate_limited(&send(api.client.get(format!("{}/api/directory/users", api.url))).await);
    // All of these come from one address.
    assert_eq!(api.get(&acme.admin, "/users").await.status, 200);
    let new = api.token(acme.id, TokenRole::Viewer).await;
    check_rate_limited(&api.get(&new, "/users").await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_server_refuses_at_once() {
    let limits = Limits { concurrent_requests: 1, ..config().limits };
    let api = Api::with_config(ApiConfig { limits, ..config() }).await;
    let acme = api.account("acme").await;
    let mut stall = api.stall();
    let body = registration();
    let registering = api.post(&acme.admin, "/entra", &body);
    let meanwhile = async {
        stall.begun().await;
        let refused = api.get(&acme.admin, "/users").await;
        refused.problem(503, "overloaded");
        assert_eq!(refused.header("retry-after"), Some("1"));
        assert_eq!(api.get(&acme.admin, "//healthz").await.status, 200);
        drop(stall);
    };
    let (registered, ()) = tokio::join!(registering, meanwhile);
    assert_eq!(registered.status, 201, "{}", registered.text);
    assert_eq!(api.get(&acme.admin, "/users").await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_takes_too_long_is_answered_and_goes_on() {
    let limits = Limits { request_time: Duration::from_millis(500), ..config().limits };
    let api = Api::with_config(ApiConfig { limits, ..config() }).await;
    let acme = api.account("acme").await;
    let stall = api.stall();
    let answer = api.post(&acme.admin, "/entra", &registration()).await;
    answer.problem(503, "timeout");
    assert_eq!(answer.header("retry-after"), Some("5"));
    drop(stall);
    while api.items(&acme.admin, "/connections").await.is_empty() {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_head_that_is_too_large_is_refused() {
    let api = Api::start().await;
    let acme = api.account("acme").await;
    let users = || api.request(Method::GET, "/users", &acme.viewer);
    let mut many = users();
    for number in 0..100 {
        many = many.header(format!("x-{number}"), "1");
    }
    assert_eq!(send(many).await.status, 431);
    // The server may hang up before everything is sent.
    if let Ok(response) = users().header("x-large", "x".repeat(200_000)).send().await {
        assert_eq!(response.status(), 431);
    }
    assert_eq!(send(users()).await.status, 200);
}
