//! A folder to run the program in.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;

/// An empty folder; the program runs in it, with an environment of its own.
pub(crate) struct World {
    folder: TempDir,
    environment: Vec<(&'static str, String)>,
}

/// What the program said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl World {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), environment: Vec::new() }
    }

    /// A world with the tenant `acme`.
    pub(crate) fn with_tenant() -> Self {
        let world = Self::new();
        world.run(&["tenant", "create", "acme"]).done();
        world
    }

    pub(crate) fn env(mut self, name: &'static str, value: &str) -> Self {
        self.environment.push((name, value.to_owned()));
        self
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_directoryctl"));
        command
            .args(args)
            .current_dir(self.folder.path())
            .env_clear()
            .envs(self.environment.iter().cloned())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Said {
        Said::from(self.command(args).output().unwrap())
    }

    pub(crate) fn run_with_input(&self, args: &[&str], input: &str) -> Said {
        let mut child = self.command(args).stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        Said::from(child.wait_with_output().unwrap())
    }

    /// Registers a connection and gives its JSON.
    pub(crate) fn connection(&self, name: &str, secret: &str) -> Value {
        self.run_with_input(&registration(name), &format!("{secret}\n")).json()
    }
}

/// Arguments that register a connection.
pub(crate) fn registration(name: &str) -> Vec<&str> {
    vec![
        "connection",
        "add",
        "entra",
        "--display-name",
        name,
        "--directory-id",
        "11111111-1111-4111-8111-111111111111",
        "--client-id",
        "22222222-2222-4222-8222-222222222222",
        "--client-secret-stdin",
    ]
}

impl From<std::process::Output> for Said {
    fn from(output: std::process::Output) -> Self {
        Self {
            code: output.status.code().unwrap(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Said {
    /// Checks that it worked.
    pub(crate) fn done(self) -> Self {
        assert_eq!(self.code, 0, "{self:?}");
        self
    }

    /// Checks that it worked and answered with one JSON document.
    pub(crate) fn json(self) -> Value {
        self.json_and(0)
    }

    /// Checks that it ended with this code and answered with one JSON document.
    pub(crate) fn json_and(&self, code: i32) -> Value {
        assert_eq!(self.code, code, "{self:?}");
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Checks that it ended with this code, without data, and said so in one line, which it gives.
    pub(crate) fn one_line(self, code: i32) -> String {
        assert_eq!(self.code, code, "{self:?}");
        assert_eq!(self.stdout, "", "{self:?}");
        assert_eq!(self.stderr.trim_end().lines().count(), 1, "{self:?}");
        assert!(self.stderr.starts_with("error: "), "{self:?}");
        self.stderr
    }
}
