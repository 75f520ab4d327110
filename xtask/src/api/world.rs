//! What the tester meets: a server on an embedded database, a simulated directory, a tenant with users and runs.

use std::{
    fs::{self, File},
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use tempfile::TempDir;

const USERS: &str = "60";
const LISTENING: &str = "listening on ";
const SERVER_LOG: &str = "server.log";

/// A running server with everything around it, gone when it is dropped.
pub(crate) struct World {
    programs: PathBuf,
    url: String,
    token: String,
    environment: Vec<(&'static str, String)>,
    /// In the order in which they end.
    processes: Vec<Process>,
    folder: TempDir,
}

/// A process that does not outlive its value.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // Ended already, or ended now.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A simulated directory, as it describes itself.
struct Directory {
    said: Vec<String>,
}

impl World {
    pub(crate) fn start(programs: &Path) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("directory-api-").tempdir()?;
        let mut world = Self {
            programs: programs.to_owned(),
            url: String::new(),
            token: String::new(),
            environment: Vec::new(),
            processes: Vec::new(),
            folder,
        };
        let directory = world.start_simulator()?;
        world.environment = vec![
            // Database and keys are made below the working directory, as for any newcomer.
            ("DIRECTORY_LOGIN_URL", directory.word("login URL")?),
            ("DIRECTORY_GRAPH_URL", directory.word("Graph URL")?),
            ("DIRECTORY_LISTEN", "127.0.0.1:0".to_owned()),
            ("DIRECTORY_RATE_LIMIT", "0".to_owned()),
            ("DIRECTORY_LOG", "info".to_owned()),
            ("DIRECTORY_LOG_FORMAT", "json".to_owned()),
        ];
        world.start_server()?;
        world.fill(&directory)?;
        Ok(world)
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// An administrator's token.
    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    /// Has the dictionaries of ids.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The last lines of the server's log that tell of errors.
    pub(crate) fn errors(&self) -> String {
        let log = fs::read_to_string(self.folder().join(SERVER_LOG)).unwrap_or_default();
        let errors: Vec<_> = log.lines().filter(|line| line.contains("\"ERROR\"")).collect();
        errors[errors.len().saturating_sub(20)..].join("\n")
    }

    fn start_simulator(&mut self) -> Result<Directory> {
        let arguments = ["--listen", "127.0.0.1:0", "--users", USERS];
        let mut output = self.start_process("entra-simulator", &arguments, Stdio::null())?;
        let mut said = Vec::new();
        loop {
            let mut line = String::new();
            if output.read_line(&mut line)? == 0 {
                bail!("entra-simulator did not start");
            }
            if line.starts_with("Change it") {
                return Ok(Directory { said });
            }
            said.push(line);
        }
    }

    fn start_server(&mut self) -> Result<()> {
        let log = File::create(self.folder().join(SERVER_LOG))?;
        let mut output = self.start_process("directory-server", &[], log.into())?;
        let mut line = String::new();
        output.read_line(&mut line)?;
        let Some(url) = line.trim().strip_prefix(LISTENING) else {
            let log = fs::read_to_string(self.folder().join(SERVER_LOG)).unwrap_or_default();
            bail!("directory-server did not start: {log}");
        };
        url.clone_into(&mut self.url);
        Ok(())
    }

    fn start_process(
        &mut self,
        program: &str,
        arguments: &[&str],
        errors: Stdio,
    ) -> Result<BufReader<std::process::ChildStdout>> {
        let mut command = self.command(program);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(errors);
        let mut child = command.spawn().with_context(|| format!("cannot run {program}"))?;
        let output = child.stdout.take().context("it has no output")?;
        self.processes.insert(0, Process(child));
        Ok(BufReader::new(output))
    }

    /// A program with these settings and none of the caller's.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.programs.join(program));
        let settings = std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("DIRECTORY_"));
        settings.for_each(|(name, _)| _ = command.env_remove(name));
        command.envs(self.environment.iter().map(|(name, value)| (name, value))).current_dir(self.folder());
        command
    }

    /// A tenant with users, a connection that is well, and one whose newest run waits for a decision.
    fn fill(&mut self, directory: &Directory) -> Result<()> {
        self.administer(&["tenant", "create", "acme"], "")?;
        let token = self.administer(&["token", "create", "--role", "admin"], "")?;
        self.token = text(&token, "token")?;
        let held = self.connect("Everybody", directory)?;
        self.administer(&["sync", &held, "--full"], "")?;
        self.administer(&["connection", "update", &held, "--group-id", &directory.word("group id")?], "")?;
        self.administer(&["sync", &held, "--full"], "")?;
        let well = self.connect("Everybody again", directory)?;
        self.administer(&["sync", &well, "--dry-run"], "")?;

        let runs = [self.ids(&["run", "list", &held])?, self.ids(&["run", "list", &well])?].concat();
        let users = self.ids(&["user", "list", "--limit", "5"])?;
        for (name, ids) in [("connections", &[held, well][..]), ("runs", &runs), ("users", &users)] {
            let mut file = File::create(self.folder().join(format!("{name}.dict")))?;
            ids.iter().try_for_each(|id| writeln!(file, "\"{id}\""))?;
        }
        Ok(())
    }

    fn connect(&self, name: &str, directory: &Directory) -> Result<String> {
        let (id, client) = (directory.word("directory id")?, directory.word("client id")?);
        let names = ["--display-name", name, "--directory-id", &id, "--client-id", &client, "--client-secret-stdin"];
        let arguments = [&["connection", "add", "entra"], &names[..]].concat();
        text(&self.administer(&arguments, &directory.word("client secret")?)?, "id")
    }

    fn ids(&self, arguments: &[&str]) -> Result<Vec<String>> {
        let list = self.administer(arguments, "")?;
        let items = list["items"].as_array().with_context(|| format!("no list: {arguments:?}"))?;
        items.iter().map(|item| text(item, "id")).collect()
    }

    /// Runs `directoryctl`. That a run is held, or has conflicts, is no failure here.
    fn administer(&self, arguments: &[&str], input: &str) -> Result<Value> {
        let mut command = self.command("directoryctl");
        command.args(["--output", "json"]).args(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().context("cannot run directoryctl")?;
        child.stdin.take().context("it has no input")?.write_all(input.as_bytes())?;
        let output = child.wait_with_output()?;
        if !matches!(output.status.code(), Some(0 | 3 | 4)) {
            bail!("directoryctl {} failed: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr).trim());
        }
        if output.stdout.trim_ascii().is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&output.stdout)
            .with_context(|| format!("directoryctl {} gave no JSON", arguments.join(" ")))
    }
}

impl Directory {
    /// The word behind a name.
    fn word(&self, name: &str) -> Result<String> {
        let behind = self.said.iter().find_map(|line| line.strip_prefix(name));
        let word = behind.and_then(|line| line.split_whitespace().next());
        Ok(word.with_context(|| format!("entra-simulator names no {name}"))?.to_owned())
    }
}

fn text(value: &Value, member: &str) -> Result<String> {
    Ok(value[member].as_str().with_context(|| format!("no {member} in the answer"))?.to_owned())
}
