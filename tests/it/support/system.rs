//! A server process with everything around it, and the few calls that tests make.

use std::{
    io::{BufRead, BufReader, Read},
    process::{Child, ExitStatus, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use entra_simulator::{CLIENT_ID, CLIENT_SECRET, Config, DIRECTORY_ID, Simulator};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Cli, Database, Kind};

/// How long anything may take before a test gives up on it.
const PATIENCE: Duration = Duration::from_secs(90);

/// Asks again and again until there is an answer.
pub(crate) async fn wait_for<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(Instant::now() < deadline, "{what} did not happen");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A running `directory-server`.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: String,
    log: Arc<Mutex<String>>,
}

impl Server {
    pub(crate) fn start(cli: &Cli) -> Self {
        let mut child = cli
            .command("directory-server")
            .env("DIRECTORY_LISTEN", "127.0.0.1:0")
            .env("DIRECTORY_LOG", "debug")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        collect(child.stderr.take().unwrap(), log.clone());
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on ").map(str::to_owned);
        let address = address.unwrap_or_else(|| panic!("the server did not start: {}", log.lock().unwrap()));
        collect(stdout, log.clone());
        Self { child, address, log }
    }

    /// What it has logged so far.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Asks it to stop, and waits until it has.
    pub(crate) fn terminate(mut self) -> ExitStatus {
        let id = self.child.id().to_string();
        assert!(std::process::Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        self.child.wait().unwrap()
    }

    /// Ends it without warning.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Ended already where a test ended it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn collect(stream: impl Read + Send + 'static, into: Arc<Mutex<String>>) {
    thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            let mut log = into.lock().unwrap();
            log.push_str(&line);
            log.push('\n');
        }
    });
}

/// Server, database, simulator, and a tenant with an admin's token.
pub(crate) struct System {
    pub(crate) simulator: Simulator,
    pub(crate) database: Database,
    pub(crate) cli: Cli,
    server: Option<Server>,
    pub(crate) tenant: String,
    pub(crate) token: String,
    pub(crate) client: reqwest::Client,
    key: String,
    next_key: String,
}

impl System {
    /// Every sync reads all of its directory.
    pub(crate) async fn start(kind: Kind, directory: Config) -> Self {
        Self::start_with(kind, directory, &[("FULL_SYNC_HOURS", "0")]).await
    }

    /// Syncs read what changed, as they do unless told otherwise.
    pub(crate) async fn start_following(kind: Kind, directory: Config) -> Self {
        Self::start_with(kind, directory, &[]).await
    }

    async fn start_with(kind: Kind, directory: Config, more: &[(&str, &str)]) -> Self {
        // Installed once a process; another test of this binary may have been first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let simulator = Simulator::start(directory).unwrap();
        let database = Database::new(kind).await;
        let key = new_key("test");
        let setting = |name: &str, value: String| (format!("DIRECTORY_{name}"), value);
        let mut settings = vec![
            setting("DATABASE_URL", database.url.clone()),
            setting("ENCRYPTION_KEYS", key.clone()),
            setting("FEDERATED_TOKEN_FILE", database.dir.path().join("token").display().to_string()),
            setting("LOGIN_URL", simulator.login_url()),
            setting("GRAPH_URL", simulator.graph_url()),
            // Tests ask more often than people do.
            setting("RATE_LIMIT", "0".to_owned()),
        ];
        settings.extend(more.iter().map(|(name, value)| setting(name, (*value).to_owned())));
        let cli = Cli::new(settings);
        let server = Some(Server::start(&cli));
        let (tenant, token) = new_tenant(&cli, "acme");
        let client = reqwest::Client::new();
        Self { simulator, database, cli, server, tenant, token, client, key, next_key: new_key("rotated") }
    }

    /// The command line with a new key, called `rotated`, before the one that everything is sealed with.
    pub(crate) fn cli_with_new_key(&self) -> Cli {
        self.cli.with("DIRECTORY_ENCRYPTION_KEYS", &format!("{},{}", self.next_key, self.key))
    }

    pub(crate) fn cli_with_the_old_key(&self) -> Cli {
        self.cli.with("DIRECTORY_ENCRYPTION_KEYS", &self.key)
    }

    /// From now on there is only the new key.
    pub(crate) fn retire_the_old_key(&mut self) {
        self.cli = self.cli.with("DIRECTORY_ENCRYPTION_KEYS", &self.next_key);
    }

    pub(crate) fn server(&self) -> &Server {
        self.server.as_ref().expect("the server is running")
    }

    /// Takes the server out, to be ended in one way or another.
    pub(crate) fn take_server(&mut self) -> Server {
        self.server.take().expect("the server is running")
    }

    pub(crate) fn start_server(&mut self) {
        self.server = Some(Server::start(&self.cli));
    }

    /// Another tenant: its id and an admin's token.
    pub(crate) fn other_tenant(&self, slug: &str) -> (String, String) {
        new_tenant(&self.cli, slug)
    }

    pub(crate) async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> (StatusCode, Value) {
        self.call_as(&self.token, method, path, body).await
    }

    pub(crate) async fn call_as(
        &self,
        token: &str,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> (StatusCode, Value) {
        let mut request = self.client.request(method, format!("{}{path}", self.server().address)).bearer_auth(token);
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await.unwrap();
        let status = response.status();
        let text = response.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        self.get_as(&self.token, path).await
    }

    pub(crate) async fn get_as(&self, token: &str, path: &str) -> Value {
        let (status, body) = self.call_as(token, Method::GET, path, None).await;
        assert_eq!(status, StatusCode::OK, "{path}: {body}");
        body
    }

    /// Registers the simulator's directory with further members of the body; the connection's id.
    pub(crate) async fn register(&self, more: Value) -> String {
        self.register_as(&self.token, more).await
    }

    pub(crate) async fn register_as(&self, token: &str, more: Value) -> String {
        let (status, body) = self.call_as(token, Method::POST, "/api/directory/entra", Some(&registration(more))).await;
        assert_eq!(status, StatusCode::CREATED, "{body}");
        body["id"].as_str().unwrap().to_owned()
    }

    /// Asks for a run; its id.
    pub(crate) async fn start_sync(&self, connection: &str) -> String {
        let path = format!("/api/directory/connections/{connection}/sync");
        let (status, run) = self.call(Method::POST, &path, None).await;
        assert_eq!(status, StatusCode::ACCEPTED, "{run}");
        run["id"].as_str().unwrap().to_owned()
    }

    /// Waits for a run to be neither queued nor running.
    pub(crate) async fn end_of(&self, run: &str) -> Value {
        wait_for("the run's end", async || {
            let run = self.get(&format!("/api/directory/runs/{run}")).await;
            (run["status"] != "queued" && run["status"] != "running").then_some(run)
        })
        .await
    }

    /// A whole sync; the ended run.
    pub(crate) async fn sync(&self, connection: &str) -> Value {
        let run = self.start_sync(connection).await;
        self.end_of(&run).await
    }

    /// A whole sync that was asked for with this body; the ended run.
    pub(crate) async fn sync_with(&self, connection: &str, body: &Value) -> Value {
        let path = format!("/api/directory/connections/{connection}/sync");
        let (status, run) = self.call(Method::POST, &path, Some(body)).await;
        assert_eq!(status, StatusCode::ACCEPTED, "{run}");
        self.end_of(run["id"].as_str().unwrap()).await
    }

    /// Every change of a run.
    pub(crate) async fn changes(&self, run: &Value) -> Vec<Value> {
        self.all(&format!("/api/directory/runs/{}/changes", run["id"].as_str().unwrap())).await
    }

    /// The user with this address.
    pub(crate) async fn user(&self, email: &str) -> Value {
        let list = self.get(&format!("/api/directory/users?email={email}")).await;
        assert_eq!(list["items"].as_array().unwrap().len(), 1, "{email}: {list}");
        list["items"][0].clone()
    }

    /// Every item of a list, page by page.
    pub(crate) async fn all(&self, path: &str) -> Vec<Value> {
        self.all_as(&self.token, path).await
    }

    pub(crate) async fn all_as(&self, token: &str, path: &str) -> Vec<Value> {
        let mut items = Vec::new();
        let mut cursor = None::<String>;
        loop {
            let separator = if path.contains('?') { '&' } else { '?' };
            let mut page = format!("{path}{separator}limit=200");
            if let Some(cursor) = &cursor {
                page = format!("{page}&cursor={cursor}");
            }
            let list = self.get_as(token, &page).await;
            items.extend(list["items"].as_array().unwrap().iter().cloned());
            match list["nextCursor"].as_str() {
                Some(next) => cursor = Some(next.to_owned()),
                None => return items,
            }
        }
    }
}

/// A registration of the simulator's directory.
pub(crate) fn registration(more: Value) -> Value {
    let mut body = json!({
        "displayName": "Acme Entra",
        "directoryId": DIRECTORY_ID,
        "clientId": CLIENT_ID,
        "clientSecret": CLIENT_SECRET,
    });
    if let Value::Object(more) = more {
        body.as_object_mut().unwrap().extend(more);
    }
    body
}

fn new_key(kid: &str) -> String {
    let bytes = [Uuid::new_v4().into_bytes(), Uuid::new_v4().into_bytes()].concat();
    format!("{kid}:{}", BASE64_STANDARD.encode(bytes))
}

fn new_tenant(cli: &Cli, slug: &str) -> (String, String) {
    let (code, tenant) = cli.json(&["tenant", "create", slug], "");
    assert_eq!(code, 0);
    let (code, token) = cli.json(&["token", "create", "--tenant", slug, "--role", "admin"], "");
    assert_eq!(code, 0);
    (tenant["id"].as_str().unwrap().to_owned(), token["token"].as_str().unwrap().to_owned())
}
