//! The programs that are measured, with settings of their own.

use std::{
    env,
    fs::{self, File},
    io::Write,
    path::PathBuf,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::Uuid;

use crate::{
    directory::SimulatedDirectories,
    http::Http,
    process::{self, Ended, Server},
};

/// The programs on one database, with one directory service.
pub(crate) struct Product {
    settings: Vec<(&'static str, String)>,
    /// Where they run: nobody's settings lie there.
    folder: TempDir,
}

/// A running `directory-server`.
pub(crate) struct Api {
    pub(crate) address: String,
    pub(crate) process: Server,
}

impl Product {
    /// With new keys.
    pub(crate) fn new(database_url: &str, directories: &SimulatedDirectories) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("directory-bench-").tempdir()?;
        let mut product = Self { settings: Vec::new(), folder };
        let output = product.command("directoryctl")?.args(["key", "generate"]).output()?;
        let key = String::from_utf8(output.stdout)?.trim().to_owned();
        product.settings = vec![
            ("DIRECTORY_DATABASE_URL", database_url.to_owned()),
            ("DIRECTORY_ENCRYPTION_KEYS", key),
            ("DIRECTORY_LOGIN_URL", directories.url()),
            ("DIRECTORY_GRAPH_URL", directories.url()),
            ("DIRECTORY_LISTEN", "127.0.0.1:0".to_owned()),
            ("DIRECTORY_RATE_LIMIT", "0".to_owned()),
            ("DIRECTORY_RUNS_PER_TENANT", "0".to_owned()),
        ];
        Ok(product)
    }

    /// From here on the programs use another database, with the same keys.
    pub(crate) fn use_database(&mut self, url: &str) {
        // The later value counts.
        self.settings.push(("DIRECTORY_DATABASE_URL", url.to_owned()));
    }

    /// A program, as it was built beside this one, with these settings and none of the caller's.
    fn command(&self, program: &str) -> Result<Command> {
        let here = env::current_exe()?;
        let mut command = Command::new(here.with_file_name(program));
        for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("DIRECTORY_")) {
            command.env_remove(name);
        }
        command.envs(self.settings.iter().map(|(name, value)| (name, value)));
        command.current_dir(self.folder.path()).stderr(File::create(self.errors())?);
        Ok(command)
    }

    /// Where a program's standard error goes: a pipe would have to be read.
    fn errors(&self) -> PathBuf {
        self.folder.path().join("errors")
    }

    /// What the program that was started last said went wrong.
    fn what_went_wrong(&self) -> String {
        fs::read_to_string(self.errors()).unwrap_or_default().trim().to_owned()
    }

    /// Runs `directoryctl`, and reads the JSON that it says.
    pub(crate) fn administer(&self, arguments: &[&str], input: &str) -> Result<Value> {
        let mut command = self.command("directoryctl")?;
        command.args(["--output", "json"]).args(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().with_context(|| path_of(&command))?;
        child.stdin.take().context("it has no input")?.write_all(input.as_bytes())?;
        let output = child.wait_with_output()?;
        if !output.status.success() {
            bail!("directoryctl {} failed: {}", arguments.join(" "), self.what_went_wrong());
        }
        Ok(serde_json::from_slice(&output.stdout).unwrap_or(Value::Null))
    }

    /// Makes the schema, a tenant, and a connection to the first directory; the connection's id.
    pub(crate) fn connect(&self, directories: &SimulatedDirectories) -> Result<String> {
        self.administer(&["migrate"], "")?;
        self.administer(&["tenant", "create", "acme"], "")?;
        let (client, secret) = SimulatedDirectories::client();
        let (directory, client) = (directories.ids()[0].to_string(), client.to_string());
        let arguments = ["connection", "add", "entra", "--display-name", "Acme", "--directory-id", &directory];
        let arguments = [&arguments[..], &["--client-id", &client, "--client-secret-stdin"]].concat();
        text(&self.administer(&arguments, secret)?, "id")
    }

    /// A full sync by `directoryctl`, from the process' start to its end.
    pub(crate) fn sync(&self, connection: &str, users: u32) -> Result<Ended> {
        let mut command = self.command("directoryctl")?;
        command.args(["--output", "json", "sync", connection, "--full"]);
        let ended = process::run(command)?;
        ensure!(ended.status.success(), "the sync ended with {}: {}", ended.status, self.what_went_wrong());
        let run: Value = serde_json::from_str(&ended.said).context("the sync said no JSON")?;
        ensure!(run["counts"]["seen"] == users, "the sync saw others: {run}");
        Ok(ended)
    }

    /// An administrator's token.
    pub(crate) fn token(&self) -> Result<String> {
        text(&self.administer(&["token", "create", "--role", "admin"], "")?, "token")
    }

    /// Starts `directory-server` with so many workers.
    pub(crate) fn serve(&self, workers: u32) -> Result<Api> {
        let mut command = self.command("directory-server")?;
        command.env("DIRECTORY_WORKERS", workers.to_string());
        let (process, line) = Server::start(command)?;
        let Some(address) = line.strip_prefix("listening on http://") else {
            bail!("directory-server did not start: {}", self.what_went_wrong());
        };
        Ok(Api { address: address.to_owned(), process })
    }

    /// How long `directory-server` takes from its start to `GET /readyz` saying yes.
    pub(crate) fn time_start(&self) -> Result<(Duration, Api)> {
        let began = Instant::now();
        let api = self.serve(1)?;
        Http::connect(&api.address)?.get("/readyz", "none")?;
        Ok((began.elapsed(), api))
    }
}

/// Registers a directory and asks for a sync of it.
pub(crate) fn queue(http: &mut Http, token: &str, directory: Uuid) -> Result<()> {
    let authorization = format!("Bearer {token}");
    let (client, secret) = SimulatedDirectories::client();
    let body = json!({
        "displayName": directory, "directoryId": directory, "clientId": client, "clientSecret": secret,
    });
    let (status, answer) =
        http.post("/api/directory/entra", "application/json", &authorization, body.to_string().as_bytes())?;
    let answer: Value = serde_json::from_slice(answer)?;
    ensure!(status == 201, "not registered: {answer}");
    let target = format!("/api/directory/connections/{}/sync", text(&answer, "id")?);
    let (status, answer) = http.post(&target, "application/json", &authorization, b"{}")?;
    ensure!(status == 202, "not queued: {}", String::from_utf8_lossy(answer));
    Ok(())
}

fn path_of(command: &Command) -> String {
    format!("cannot run {}", command.get_program().display())
}

/// A member that is text.
pub(crate) fn text(value: &Value, member: &str) -> Result<String> {
    Ok(value[member].as_str().with_context(|| format!("no {member} in {value}"))?.to_owned())
}

/// The programs that are measured, which are built beside this one.
pub(crate) fn beside(program: &str) -> Result<PathBuf> {
    Ok(env::current_exe()?.with_file_name(program))
}
