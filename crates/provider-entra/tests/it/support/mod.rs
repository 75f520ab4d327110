//! A scripted login service and Graph on loopback.

pub(crate) mod gzip;
pub(crate) mod raw;

use std::{
    collections::{HashMap, VecDeque},
    path::PathBuf,
    sync::{
        Mutex,
        atomic::{AtomicU8, Ordering},
    },
    time::Duration,
};

use directory_core::{
    ConnectionSettings, Credential, DirectoryEntry, DirectoryProvider, FailureKind, ListingEnd, ProviderError,
    ProviderFactory, RunErrorCode,
};
use provider_entra::{Bounds, EntraFactory, EntraOptions};
use serde_json::{Value, json};
use wiremock::{
    Mock, MockServer, Request, Respond, ResponseTemplate,
    matchers::{method, path, query_param},
};

pub(crate) const DIRECTORY: &str = "9b2a6c1e-3f4d-4a5b-8c6d-7e8f90a1b2c3";
pub(crate) const CLIENT: &str = "11111111-2222-4333-8444-555555555555";
pub(crate) const GROUP: &str = "abcdef01-2222-4333-8444-555555555555";
/// Holds what a form must escape.
pub(crate) const SECRET: &str = "s3cr~t+&=% ü";
pub(crate) const REQUEST_ID: &str = "0b7e1c2a-5b1f-4d0e-9c55-3f0f0d7c9a11";

/// Both hosts in one server.
pub(crate) struct Entra {
    pub(crate) server: MockServer,
    pub(crate) bounds: Bounds,
    pub(crate) cloud: Option<String>,
    pub(crate) credential: Credential,
    pub(crate) token_file: Option<PathBuf>,
    /// Of the next answer that is to come before earlier ones.
    priority: AtomicU8,
}

fn is_latest(read: &Request) -> bool {
    read.url.path().ends_with("/delta") && read.url.query().is_some_and(|query| query.ends_with("$deltatoken=latest"))
}

fn delta_link(server: &str, of: &str, token: &str) -> String {
    format!("{server}/v1.0/{of}/delta?$deltatoken={token}")
}

/// Changes are told from now on.
pub(crate) fn latest(server: &str, of: &str) -> ResponseTemplate {
    answer(200).set_body_json(json!({"value": [], "@odata.deltaLink": delta_link(server, of, "now")}))
}

/// Answers in order; the last answer stays.
struct Script(Mutex<VecDeque<ResponseTemplate>>);

impl Respond for Script {
    fn respond(&self, _: &Request) -> ResponseTemplate {
        let mut answers = self.0.lock().expect("lock");
        if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() }.expect("an answer")
    }
}

impl Entra {
    /// Issues `token-1`, `token-2`, … and has no Graph yet.
    pub(crate) async fn start() -> Self {
        let tokens = (1..100).map(|number| token(&format!("token-{number}"), 3600));
        Self::with_login(tokens).await
    }

    pub(crate) async fn with_login(answers: impl IntoIterator<Item = ResponseTemplate>) -> Self {
        let entra = Self {
            server: MockServer::start().await,
            bounds: quick(),
            cloud: None,
            credential: secret(),
            token_file: None,
            priority: AtomicU8::new(4),
        };
        entra.script("POST", answers).await;
        entra.latest("users", latest(&entra.server.uri(), "users")).await;
        entra.latest("groups", latest(&entra.server.uri(), "groups")).await;
        entra
    }

    /// Another answer to the question from where changes are told. It is asked before each whole listing of a directory,
    /// and not among [`Self::reads`].
    pub(crate) async fn latest(&self, of: &str, answer: ResponseTemplate) {
        let at = path(format!("/v1.0/{of}/delta"));
        let question = Mock::given(method("GET")).and(at).and(query_param("$deltatoken", "latest"));
        question
            .respond_with(answer)
            .with_priority(self.priority.fetch_sub(1, Ordering::Relaxed))
            .mount(&self.server)
            .await;
    }

    /// Graph's answers, in order; the last one stays.
    pub(crate) async fn graph(&self, answers: impl IntoIterator<Item = ResponseTemplate>) {
        self.script("GET", answers).await;
    }

    async fn script(&self, verb: &str, answers: impl IntoIterator<Item = ResponseTemplate>) {
        let script = Script(Mutex::new(answers.into_iter().collect()));
        Mock::given(method(verb)).respond_with(script).mount(&self.server).await;
    }

    pub(crate) fn users(&self) -> Box<dyn DirectoryProvider> {
        self.connect(None, false)
    }

    pub(crate) fn connect(&self, group: Option<&str>, nested: bool) -> Box<dyn DirectoryProvider> {
        let factory = self.factory();
        let settings = settings(group, nested, self.cloud.clone());
        factory.connect(&settings, self.credential.clone()).expect("provider")
    }

    pub(crate) fn factory(&self) -> EntraFactory {
        factory(&self.server.uri(), self.bounds.clone(), self.token_file.clone())
    }

    /// A next link to this server.
    pub(crate) fn link(&self, rest: &str) -> String {
        format!("{}/v1.0/users?$skiptoken={rest}", self.server.uri())
    }

    pub(crate) async fn tokens_asked(&self) -> Vec<Request> {
        self.requests("POST").await
    }

    pub(crate) async fn reads(&self) -> Vec<Request> {
        let mut reads = self.requests("GET").await;
        reads.retain(|read| !is_latest(read));
        reads
    }

    /// The questions from where changes are told.
    pub(crate) async fn latest_asked(&self) -> Vec<Request> {
        self.requests("GET").await.into_iter().filter(is_latest).collect()
    }

    /// A delta link to this server.
    pub(crate) fn delta_link(&self, token: &str) -> String {
        delta_link(&self.server.uri(), "users", token)
    }

    async fn requests(&self, verb: &str) -> Vec<Request> {
        let all = self.server.received_requests().await.expect("recorded");
        all.into_iter().filter(|request| request.method.as_str() == verb).collect()
    }
}

pub(crate) fn connect(
    server: &str,
    bounds: Bounds,
    group: Option<&str>,
    nested: bool,
    cloud: Option<String>,
) -> Box<dyn DirectoryProvider> {
    factory(server, bounds, None).connect(&settings(group, nested, cloud), secret()).expect("provider")
}

fn factory(server: &str, bounds: Bounds, federated_token_file: Option<PathBuf>) -> EntraFactory {
    let url = Some(server.parse().expect("URL"));
    let options = EntraOptions { login_url: url.clone(), graph_url: url, federated_token_file, bounds };
    let factory = EntraFactory::new(options).expect("factory");
    assert_eq!(factory.provider(), "entra");
    factory
}

pub(crate) fn settings(group: Option<&str>, nested: bool, cloud: Option<String>) -> ConnectionSettings {
    ConnectionSettings {
        directory_id: DIRECTORY.to_owned(),
        client_id: CLIENT.to_owned(),
        group_id: group.map(str::to_owned),
        include_nested_groups: nested,
        cloud,
    }
}

pub(crate) fn secret() -> Credential {
    Credential::ClientSecret(SECRET.to_owned().into())
}

/// The parameters of a token request.
pub(crate) fn form(request: &Request) -> HashMap<String, String> {
    url::form_urlencoded::parse(&request.body).into_owned().collect()
}

/// Pauses that nobody notices, time enough for a slow machine, and an end for a test that goes wrong.
pub(crate) fn quick() -> Bounds {
    Bounds {
        first_delay: Duration::from_millis(1),
        longest_delay: Duration::from_millis(4),
        page_budget: Duration::from_secs(20),
        ..Bounds::default()
    }
}

/// Gives up soon.
pub(crate) fn impatient() -> Bounds {
    let soon = Duration::from_millis(500);
    let longest_delay = Duration::from_millis(50);
    Bounds { page_budget: soon, verify_budget: soon, longest_delay, ..quick() }
}

pub(crate) fn token(text: &str, expires_in: u64) -> ResponseTemplate {
    let body = json!({"token_type": "Bearer", "expires_in": expires_in, "ext_expires_in": 1, "access_token": text});
    ResponseTemplate::new(200).set_body_json(body)
}

pub(crate) fn user(id: &str) -> Value {
    json!({
        "id": id, "displayName": format!("Name {id}"), "givenName": null, "surname": null,
        "mail": format!("{id}@example.org"), "userPrincipalName": format!("{id}@example.org"),
        "accountEnabled": true, "userType": "Member",
    })
}

pub(crate) fn page(users: &[&str], next: Option<&str>) -> ResponseTemplate {
    let mut body = json!({"@odata.context": "x", "value": users.iter().map(|id| user(id)).collect::<Vec<_>>()});
    if let Some(next) = next {
        body["@odata.nextLink"] = next.into();
    }
    answer(200).set_body_json(body)
}

/// An answer with Graph's request id.
pub(crate) fn answer(status: u16) -> ResponseTemplate {
    ResponseTemplate::new(status).insert_header("request-id", REQUEST_ID)
}

pub(crate) fn graph_error(status: u16, code: &str) -> ResponseTemplate {
    let inner = json!({"date": "2026-11-23T08:00:00", "request-id": "inner", "client-request-id": "x"});
    let body = json!({"error": {"code": code, "message": "About ada@example.org", "innerError": inner}});
    answer(status).set_body_json(body)
}

/// Reads a listing to its end.
pub(crate) async fn list(provider: &dyn DirectoryProvider) -> Result<Vec<DirectoryEntry>, ProviderError> {
    let mut listing = provider.list().await?;
    let mut entries = Vec::new();
    loop {
        let page = listing.next_page().await?;
        entries.extend(page.entries);
        match page.end {
            Some(ListingEnd::Complete) => return Ok(entries),
            Some(ListingEnd::Incremental) => panic!("no such listing was asked for"),
            None => {}
        }
    }
}

/// The ids of the users of a listing, which must all be readable.
pub(crate) async fn ids(provider: &dyn DirectoryProvider) -> Result<Vec<String>, ProviderError> {
    let entries = list(provider).await?;
    let id = |entry| match entry {
        DirectoryEntry::Present(user) => user.external_id.as_str().to_owned(),
        other => panic!("{other:?}"),
    };
    Ok(entries.into_iter().map(id).collect())
}

pub(crate) fn assert_configuration(error: &ProviderError, code: RunErrorCode, message: &str, hint: &str) {
    assert_eq!((error.code, error.kind), (code, FailureKind::Configuration), "{error:?}");
    assert!(error.message.contains(message), "{error:?}");
    assert!(error.hint.contains(hint), "{error:?}");
}

pub(crate) fn assert_protocol(error: &ProviderError, message: &str) {
    assert_eq!((error.code, error.kind), (RunErrorCode::ProviderProtocol, FailureKind::Protocol), "{error:?}");
    assert!(error.message.contains(message), "{error:?}");
}

pub(crate) fn assert_transient(error: &ProviderError, code: RunErrorCode) {
    assert!(matches!(error.kind, FailureKind::Transient { .. }), "{error:?}");
    assert_eq!(error.code, code, "{error:?}");
}

pub(crate) fn header<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    request.headers.get(name).map(|value| value.to_str().expect("text"))
}
