//! A running API with everything that it needs.

use std::{
    sync::{Arc, Mutex, PoisonError, mpsc},
    time::Duration,
};

use crypto::{ApiToken, Keyring, generate_key_line};
use directory_core::{
    AccountKind, ConnectionSettings, Credential, DirectoryEntry, DirectoryProvider, DirectoryUser, ExternalId,
    ProviderError, ProviderFactory, TenantId, fake::FakeDirectory,
};
use http_api::{ApiConfig, Limits, Server, SignIn, Telemetry, Watching};
use reqwest::{Client, Method, RequestBuilder, header::HeaderMap};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use store::{Actor, NewTenant, NewToken, Store, TokenRole};
use store_sqlite::SqliteStore;
use sync_engine::{Providers, SyncEngine, Worker};
use tempfile::TempDir;
use tokio::{
    sync::oneshot,
    task::{JoinHandle, block_in_place},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub(crate) const DIRECTORY: &str = "3f2504e0-4f89-11d3-9a0c-0305e82c3301";
pub(crate) const CLIENT: &str = "7d444840-9dc0-11d1-b245-5ffdce74fad2";
pub(crate) const SECRET: &str = "Abc8Q~synthetic.value-of_a-secret";
pub(crate) const ABSENT: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

pub(crate) struct Api {
    pub(crate) url: String,
    pub(crate) client: Client,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) folder: TempDir,
    pub(crate) stop: CancellationToken,
    pub(crate) task: JoinHandle<std::io::Result<()>>,
    directory: Directory,
    pub(crate) engine: SyncEngine,
}

/// A tenant with a token of each role.
pub(crate) struct Account {
    pub(crate) id: TenantId,
    pub(crate) admin: String,
    pub(crate) viewer: String,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Api {
    /// Without a worker: runs stay queued.
    pub(crate) async fn start() -> Self {
        Self::with_config(config()).await
    }

    pub(crate) async fn with_config(config: ApiConfig) -> Self {
        let api = Self::unmigrated(config).await;
        api.store.migrate().await.unwrap();
        api
    }

    /// One that takes a platform's tokens as well.
    pub(crate) async fn with_sign_in(config: ApiConfig, sign_in: Arc<dyn SignIn>) -> Self {
        let api = Self::served(config, Telemetry::default(), Some(sign_in)).await;
        api.store.migrate().await.unwrap();
        api
    }

    pub(crate) async fn unmigrated(config: ApiConfig) -> Self {
        Self::served(config, Telemetry::default(), None).await
    }

    pub(crate) async fn watched(config: ApiConfig, telemetry: Telemetry) -> Self {
        Self::served(config, telemetry, None).await
    }

    async fn served(config: ApiConfig, telemetry: Telemetry, sign_in: Option<Arc<dyn SignIn>>) -> Self {
        // Fails when another test of this process was first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = TempDir::new().unwrap();
        let store: Arc<dyn Store> = Arc::new(SqliteStore::open(&folder.path().join("directory.db")).await.unwrap());
        let keyring = Keyring::parse(generate_key_line("k1").unwrap().expose_secret()).unwrap();
        let directory = Directory::default();
        let providers = Providers::default().with(directory.clone());
        let engine = SyncEngine::new(Arc::clone(&store), Arc::new(keyring), providers);
        let mut server = Server::bind("127.0.0.1:0", engine.clone(), config).unwrap().with_telemetry(telemetry);
        if let Some(sign_in) = sign_in {
            server = server.with_sign_in(sign_in);
        }
        let url = format!("http://{}", server.local_addr());
        let stop = CancellationToken::new();
        let task = tokio::spawn(server.run(stop.clone()));
        Self { url, client: Client::new(), store, folder, stop, task, directory, engine }
    }

    pub(crate) fn start_worker(&self) -> JoinHandle<()> {
        tokio::spawn(Worker::new(self.engine.clone(), 2).run(self.stop.clone()))
    }

    /// What the directory lists from now on.
    pub(crate) fn directory_lists(&self, users: Vec<DirectoryEntry>) {
        *self.directory.users.lock().unwrap_or_else(PoisonError::into_inner) = FakeDirectory::complete(vec![users]);
    }

    /// Has the next request that needs the directory stand still.
    pub(crate) fn stall(&self) -> Stall {
        let (begun, begins) = oneshot::channel();
        let (end, ended) = mpsc::channel();
        *self.directory.stall.lock().unwrap_or_else(PoisonError::into_inner) = Some((begun, ended));
        Stall { begins, _end: end }
    }

    pub(crate) async fn account(&self, slug: &str) -> Account {
        let id = TenantId(Uuid::now_v7());
        let tenant = NewTenant { id, slug: slug.to_owned(), name: slug.to_owned() };
        self.store.create_tenant(Actor::SYSTEM, &tenant).await.unwrap();
        let admin = self.token(id, TokenRole::Admin).await;
        let viewer = self.token(id, TokenRole::Viewer).await;
        Account { id, admin, viewer }
    }

    pub(crate) async fn token(&self, tenant: TenantId, role: TokenRole) -> String {
        let (token, hash) = ApiToken::generate().unwrap();
        let new = NewToken {
            id: Uuid::now_v7(),
            tenant,
            name: "test".to_owned(),
            role,
            hash: *hash.as_bytes(),
            expires_at: None,
        };
        self.store.create_token(Actor::SYSTEM, &new).await.unwrap();
        token.expose_secret().to_owned()
    }

    /// A request to a path below the API's base; other paths begin with `//`.
    pub(crate) fn request(&self, method: Method, path: &str, token: &str) -> RequestBuilder {
        let path = path
            .strip_prefix('/')
            .filter(|path| path.starts_with('/'))
            .map_or_else(|| format!("/api/directory{path}"), str::to_owned);
        self.client.request(method, format!("{}{path}", self.url)).bearer_auth(token)
    }

    pub(crate) async fn get(&self, token: &str, path: &str) -> Answer {
        send(self.request(Method::GET, path, token)).await
    }

    pub(crate) async fn post(&self, token: &str, path: &str, body: &Value) -> Answer {
        send(self.request(Method::POST, path, token).json(body)).await
    }

    /// Any request with a JSON body.
    pub(crate) async fn call(&self, method: Method, token: &str, path: &str, body: &Value) -> Answer {
        send(self.request(method, path, token).json(body)).await
    }

    /// Any request without a body.
    pub(crate) async fn bare(&self, method: Method, token: &str, path: &str) -> Answer {
        send(self.request(method, path, token)).await
    }

    pub(crate) async fn items(&self, token: &str, path: &str) -> Vec<Value> {
        let answer = self.get(token, path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        answer.json()["items"].as_array().unwrap().clone()
    }

    /// Registers a connection and gives its id.
    pub(crate) async fn connection(&self, token: &str, display_name: &str) -> String {
        let mut body = registration();
        body["displayName"] = json!(display_name);
        let answer = self.post(token, "/entra", &body).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        text(&answer.json()["id"])
    }

    /// Queues a run and gives its id.
    pub(crate) async fn queue(&self, token: &str, connection: &str, body: &Value) -> String {
        let answer = self.post(token, &format!("/connections/{connection}/sync"), body).await;
        assert_eq!(answer.status, 202, "{}", answer.text);
        text(&answer.json()["id"])
    }

    /// Queues a run and waits until it has ended, or is held.
    pub(crate) async fn sync(&self, token: &str, connection: &str, body: &Value) -> Value {
        let run = self.queue(token, connection, body).await;
        self.ended(token, &run).await
    }

    /// The run, once it waits for nothing but a person.
    pub(crate) async fn ended(&self, token: &str, run: &str) -> Value {
        for _ in 0..3_000 {
            let view = self.get(token, &format!("/runs/{run}")).await.json();
            if !matches!(view["status"].as_str(), Some("queued" | "running")) {
                return view;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("run {run} does not end");
    }

    /// A connection with three users, and its run that is held because it would deactivate them all.
    pub(crate) async fn held(&self, token: &str) -> (String, Value) {
        let connection = self.connection(token, "Acme").await;
        self.directory_lists(vec![person("e1", "ada"), person("e2", "bob"), person("e3", "cyd")]);
        self.sync(token, &connection, &json!({})).await;
        self.directory_lists(Vec::new());
        let run = self.sync(token, &connection, &json!({})).await;
        assert_eq!(run["status"], "held", "{run}");
        (connection, run)
    }
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// Checks that this is a problem of that status and code, complete, and gives it.
    pub(crate) fn problem(&self, status: u16, code: &str) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        assert_eq!(self.header("content-type"), Some("application/problem+json"));
        let problem = self.json();
        assert_eq!((&problem["status"], &problem["code"]), (&json!(status), &json!(code)));
        assert_eq!(problem["type"], format!("urn:problem-type:directory:{code}"));
        assert!(problem["title"].is_string() && problem["detail"].is_string(), "{problem}");
        assert_eq!(problem["requestId"].as_str(), self.header("x-request-id"));
        problem
    }

    /// The pointers of a refusal of bad input.
    pub(crate) fn pointers(&self) -> Vec<String> {
        let problem = self.problem(400, "bad_request");
        let errors = problem["errors"].as_array().unwrap_or_else(|| panic!("{problem}"));
        assert!(errors.iter().all(|error| error["detail"].is_string()), "{problem}");
        errors.iter().map(|error| text(&error["pointer"])).collect()
    }
}

pub(crate) async fn send(request: RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Answer { status, headers, text: response.text().await.unwrap() }
}

pub(crate) fn registration() -> Value {
    json!({"displayName": "Acme Entra", "directoryId": DIRECTORY, "clientId": CLIENT, "clientSecret": SECRET})
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}

/// A directory user whose name and address come from `name`; without an address if that is empty.
pub(crate) fn person(id: &str, name: &str) -> DirectoryEntry {
    DirectoryEntry::Present(DirectoryUser {
        external_id: ExternalId::parse(id).unwrap(),
        user_principal_name: None,
        mail: (!name.is_empty()).then(|| format!("{name}@example.org")),
        display_name: Some(format!("User {id}")),
        given_name: None,
        family_name: None,
        enabled: Some(true),
        kind: AccountKind::Member,
    })
}

/// Nobody is limited, and whoever watches sees everything at once.
pub(crate) fn config() -> ApiConfig {
    let limits = Limits { token_rate: None, stranger_rate: None, ..Limits::default() };
    let watching = Watching { poll: Duration::from_millis(5), ..Watching::default() };
    ApiConfig { base_domain: None, limits, watching }
}

/// A request that stands still until this is dropped.
pub(crate) struct Stall {
    begins: oneshot::Receiver<()>,
    _end: mpsc::Sender<()>,
}

impl Stall {
    pub(crate) async fn begun(&mut self) {
        (&mut self.begins).await.unwrap();
    }
}

/// Tells that the request stands still, and how it is told to go on.
type Stalling = (oneshot::Sender<()>, mpsc::Receiver<()>);

#[derive(Clone)]
struct Directory {
    users: Arc<Mutex<FakeDirectory>>,
    stall: Arc<Mutex<Option<Stalling>>>,
}

impl Default for Directory {
    fn default() -> Self {
        Self { users: Arc::new(Mutex::new(FakeDirectory::complete(Vec::new()))), stall: Arc::default() }
    }
}

impl ProviderFactory for Directory {
    fn provider(&self) -> &'static str {
        "entra"
    }

    fn connect(
        &self,
        _: &ConnectionSettings,
        credential: Credential,
    ) -> Result<Box<dyn DirectoryProvider>, ProviderError> {
        if let Credential::ClientSecret(secret) = &credential {
            assert_eq!(secret.expose_secret(), SECRET);
        }
        let stall = self.stall.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((begun, ended)) = stall {
            let _ = begun.send(());
            // Ends with an error when the other side is dropped.
            let _ = block_in_place(|| ended.recv());
        }
        Ok(Box::new(self.users.lock().unwrap_or_else(PoisonError::into_inner).clone()))
    }

    fn expiry(&self, _: &Credential) -> Result<Option<std::time::SystemTime>, ProviderError> {
        Ok(None)
    }
}
