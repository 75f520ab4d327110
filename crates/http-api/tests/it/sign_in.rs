//! The second way in: a platform's tokens, beside API tokens.

use std::{
    collections::HashMap,
    num::NonZeroU32,
    sync::{Arc, Mutex},
    time::Duration,
};

use chrono::{TimeDelta, Utc};
use http_api::{ApiConfig, Limits, RateLimit, SignIn, SignInError, SignedIn};
use reqwest::Method;
use serde_json::Value;
use store::TokenRole;
use tokio::sync::Semaphore;

use crate::{
    access::WRITES,
    api::{ABSENT, Api, config, registration, send},
};

/// A platform that says of each token what the test wants; of any other that it has expired.
#[derive(Clone)]
pub(crate) struct Platform {
    verdicts: Arc<Mutex<HashMap<String, Result<SignedIn, SignInError>>>>,
    /// One for each time that it has begun to think about [`HANGS`].
    hanging: Arc<Semaphore>,
}

/// What it thinks about for ever.
const HANGS: &str = "h.hangs.s";

impl Default for Platform {
    fn default() -> Self {
        Self { verdicts: Arc::default(), hanging: Arc::new(Semaphore::new(0)) }
    }
}

impl Platform {
    pub(crate) fn port(&self) -> Arc<dyn SignIn> {
        Arc::new(self.clone())
    }

    pub(crate) fn signs_in(&self, token: &str, subject: &str, tenant: &str, role: TokenRole, time: TimeDelta) {
        let person = SignedIn {
            issuer: "https://login.example.test".to_owned(),
            subject: subject.to_owned(),
            tenant: tenant.to_owned(),
            role,
            until: Utc::now() + time,
        };
        self.says(token, Ok(person));
    }

    fn says(&self, token: &str, verdict: Result<SignedIn, SignInError>) {
        self.verdicts.lock().unwrap().insert(token.to_owned(), verdict);
    }

    fn admin(&self, token: &str, subject: &str, tenant: &str) {
        self.signs_in(token, subject, tenant, TokenRole::Admin, TimeDelta::hours(1));
    }
}

#[async_trait::async_trait]
impl SignIn for Platform {
    async fn verify(&self, token: &str) -> Result<SignedIn, SignInError> {
        if token == HANGS {
            self.hanging.add_permits(1);
            std::future::pending::<()>().await;
        }
        let verdict = self.verdicts.lock().unwrap().get(token).cloned();
        verdict.unwrap_or_else(|| Err(SignInError::Refused("The token has expired.".to_owned())))
    }
}

/// So slow that nothing comes back during a test.
fn rare(burst: u32) -> Option<RateLimit> {
    NonZeroU32::new(burst).map(|burst| RateLimit { interval: Duration::from_hours(1), burst })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_is_let_in_by_role_and_tenant() {
    let platform = Platform::default();
    let api = Api::with_sign_in(config(), platform.port()).await;
    let (acme, other) = (api.account("acme").await, api.account("other").await);
    platform.admin("h.admin.s", "ada", "acme");
    platform.admin("h.by-id.s", "ada", &acme.id.to_string());
    platform.admin("h.other.s", "oli", "other");
    platform.signs_in("h.viewer.s", "vic", "acme", TokenRole::Viewer, TimeDelta::hours(1));

    let connection = api.connection("h.admin.s", "Acme").await;
    let path = format!("/connections/{connection}");
    let shown = api.get(&acme.admin, &path).await.json();
    for token in ["h.admin.s", "h.by-id.s", "h.viewer.s"] {
        assert_eq!(api.get(token, &path).await.json(), shown, "{token}");
    }
    for (method, pattern) in WRITES {
        let path = pattern.replace("ID", &connection);
        api.call(method, "h.viewer.s", &path, &registration()).await.problem(403, "forbidden");
    }
    for token in ["h.other.s", &other.admin] {
        api.get(token, &path).await.problem(404, "not_found");
        assert_eq!(api.items(token, "/connections").await, Vec::<Value>::new());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_refusal_has_its_status_and_says_why() {
    let platform = Platform::default();
    let api = Api::with_sign_in(config(), platform.port()).await;
    api.account("acme").await;
    platform.says("h.nobody.s", Err(SignInError::Forbidden("The token has no role in this service.".to_owned())));
    platform.says("h.away.s", Err(SignInError::Unavailable));
    platform.admin("h.lost.s", "ada", "nowhere");
    platform.admin("h.absent.s", "ada", ABSENT);

    let detail = |problem: Value| problem["detail"].as_str().unwrap().to_owned();
    let expired = api.get("h.expired.s", "/users").await;
    assert_eq!(detail(expired.problem(401, "unauthorized")), "The token has expired.");
    assert_eq!(expired.header("www-authenticate"), Some("Bearer"));
    let nobody = api.get("h.nobody.s", "/users").await.problem(403, "forbidden");
    assert_eq!(detail(nobody), "The token has no role in this service.");
    for token in ["h.lost.s", "h.absent.s"] {
        let lost = api.get(token, "/users").await.problem(403, "forbidden");
        assert_eq!(detail(lost), "The token's tenant is not one of this service.");
    }
    let away = api.get("h.away.s", "/users").await;
    away.problem(503, "unavailable");
    assert_eq!(away.header("retry-after"), Some("5"));
    // What has not three parts is none of the platform's.
    for token in ["h.s", "h.a.b.s", "x"] {
        let none = api.get(token, "/users").await.problem(401, "unauthorized");
        assert!(detail(none).starts_with("This is not an API token"), "{token}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_platform_its_tokens_are_nothing() {
    let api = Api::start().await;
    let refused = api.get("h.admin.s", "/users").await.problem(401, "unauthorized");
    assert!(refused["detail"].as_str().unwrap().starts_with("This is not an API token"), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_has_one_rate_for_all_their_tokens() {
    let platform = Platform::default();
    let limits = Limits { token_rate: rare(2), ..config().limits };
    let api = Api::with_sign_in(ApiConfig { limits, ..config() }, platform.port()).await;
    api.account("acme").await;
    for n in 1..=3 {
        platform.admin(&format!("h.ada-{n}.s"), "ada", "acme");
    }
    platform.admin("h.bob.s", "bob", "acme");
    assert_eq!(api.get("h.ada-1.s", "/users").await.status, 200);
    assert_eq!(api.get("h.ada-2.s", "/users").await.status, 200);
    api.get("h.ada-3.s", "/users").await.problem(429, "rate_limited");
    assert_eq!(api.get("h.bob.s", "/users").await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forged_tokens_count_against_their_address_and_not_against_genuine_ones() {
    let platform = Platform::default();
    let limits = Limits { stranger_rate: rare(2), ..config().limits };
    let api = Api::with_sign_in(ApiConfig { limits, ..config() }, platform.port()).await;
    api.account("acme").await;
    platform.admin("h.known.s", "ada", "acme");
    platform.admin("h.new.s", "ada", "acme");
    assert_eq!(api.get("h.known.s", "/users").await.status, 200);
    for _ in 0..2 {
        api.get("h.forged.s", "/users").await.problem(401, "unauthorized");
    }
    api.get("h.forged.s", "/users").await.problem(429, "rate_limited");
    // Behind a proxy they have one address, and a person's token is a new one every few minutes.
    for token in ["h.known.s", "h.new.s"] {
        assert_eq!(api.get(token, "/users").await.status, 200);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_platform_that_hangs_keeps_nobody_else_waiting() {
    let platform = Platform::default();
    let limits = Limits { concurrent_requests: 1, ..config().limits };
    let api = Api::with_sign_in(ApiConfig { limits, ..config() }, platform.port()).await;
    let acme = api.account("acme").await;
    let waiting = tokio::spawn(send(api.request(Method::GET, "/users", HANGS)));
    platform.hanging.acquire().await.unwrap().forget();
    assert_eq!(api.get(&acme.admin, "/users").await.status, 200);
    api.get(HANGS, "/users").await.problem(503, "unavailable");
    waiting.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_a_base_domain_the_host_must_be_the_persons_tenants() {
    let platform = Platform::default();
    let api =
        Api::with_sign_in(ApiConfig { base_domain: Some("example.org".to_owned()), ..config() }, platform.port()).await;
    api.account("acme").await;
    api.account("other").await;
    platform.admin("h.admin.s", "ada", "acme");
    let ask = |host: &'static str| send(api.request(Method::GET, "/users", "h.admin.s").header("host", host));
    assert_eq!(ask("acme.example.org").await.status, 200);
    for host in ["other.example.org", "nobody.example.org", "example.org"] {
        ask(host).await.problem(403, "forbidden");
    }
}
