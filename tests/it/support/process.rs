//! The programs under test, as processes with nothing of the caller's settings.

use std::{
    env,
    io::Write,
    path::PathBuf,
    process::{Command, Output, Stdio},
};

use serde_json::Value;

/// A program of this workspace, as built beside this test.
fn program(name: &str) -> PathBuf {
    let here = env::current_exe().unwrap();
    let path = here.parent().unwrap().parent().unwrap().join(name);
    assert!(path.exists(), "{} is not built; run the tests with `cargo xtask test`", path.display());
    path
}

/// The admin command line with fixed settings.
#[derive(Clone)]
pub(crate) struct Cli {
    settings: Vec<(String, String)>,
}

impl Cli {
    pub(crate) fn new(settings: Vec<(String, String)>) -> Self {
        Self { settings }
    }

    /// The same with another value of one setting.
    pub(crate) fn with(&self, variable: &str, value: &str) -> Self {
        let mut settings = self.settings.clone();
        settings.retain(|(name, _)| name != variable);
        settings.push((variable.to_owned(), value.to_owned()));
        Self { settings }
    }

    /// A command of the given program that sees these settings and no others.
    pub(crate) fn command(&self, name: &str) -> Command {
        let mut command = Command::new(program(name));
        for (variable, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("DIRECTORY_")) {
            command.env_remove(variable);
        }
        command.envs(self.settings.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs `directoryctl` to its end.
    pub(crate) fn run(&self, arguments: &[&str], stdin: &str) -> Output {
        let mut child = self
            .command("directoryctl")
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(stdin.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    }

    /// Runs `directoryctl --output json`; its exit code, and its output where there is any.
    pub(crate) fn json(&self, arguments: &[&str], stdin: &str) -> (i32, Value) {
        let output = self.run(&[&["--output", "json"], arguments].concat(), stdin);
        let text = String::from_utf8(output.stdout).unwrap();
        let value = if text.trim().is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap() };
        let code = output.status.code().unwrap();
        assert!(code != 2, "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        (code, value)
    }
}
