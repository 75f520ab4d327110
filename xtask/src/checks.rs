//! What is run, in which order, and how it is told.

use std::{
    ffi::{OsStr, OsString},
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};

use crate::{postgres::URL_VARIABLE, tools};

/// One cargo command.
#[derive(Debug)]
pub(crate) struct Step {
    arguments: Vec<OsString>,
    environment: &'static [(&'static str, &'static str)],
}

impl Step {
    fn cargo(arguments: &str) -> Self {
        Self { arguments: arguments.split_whitespace().map(OsString::from).collect(), environment: &[] }
    }

    fn title(&self) -> String {
        let words = self.arguments.iter().map(|argument| argument.display().to_string());
        std::iter::once("cargo".to_owned()).chain(words).collect::<Vec<_>>().join(" ")
    }
}

fn format() -> Step {
    Step::cargo("fmt --all -- --check")
}

/// `advisories` is not among them: it asks the network, and its answer changes without a commit.
fn dependencies() -> Step {
    Step::cargo("deny check --hide-inclusion-graph bans licenses sources")
}

fn format_of_fuzz() -> Step {
    Step::cargo("fmt --manifest-path fuzz/Cargo.toml -- --check")
}

/// By the same rules; `fuzz/deny.exceptions.toml` has the one exception.
fn dependencies_of_fuzz() -> Step {
    Step::cargo(
        "deny --config deny.toml --manifest-path fuzz/Cargo.toml --locked check --hide-inclusion-graph bans licenses sources",
    )
}

/// Without libFuzzer itself, which takes a C++ compiler. In the same folder, much is compiled already.
fn lints_of_fuzz() -> Step {
    Step::cargo(
        "clippy --manifest-path fuzz/Cargo.toml --locked --no-default-features --all-targets --target-dir target -- -D warnings",
    )
}

/// Long enough to see that a target still finds its way, with what its corpus reaches.
fn fuzz() -> Step {
    Step::cargo("xtask fuzz --seconds 10")
}

/// With the feature that the parser's bench takes.
fn lints() -> Step {
    Step::cargo("clippy --workspace --all-targets --features provider-entra/fuzzing -- -D warnings")
}

fn documentation() -> Step {
    Step { environment: &[("RUSTDOCFLAGS", "-D warnings")], ..Step::cargo("doc --no-deps --workspace") }
}

/// The programs themselves. The whole-system tests start them, and they are built here with the features that a release
/// has, while building the tests adds those of the dev-dependencies.
pub(crate) fn binaries() -> Step {
    Step::cargo("build --workspace --bins")
}

/// The tests, all of them when `arguments` is empty.
pub(crate) fn tests(arguments: &[OsString]) -> Step {
    let mut step = Step::cargo("nextest run --workspace --no-fail-fast");
    step.arguments.extend_from_slice(arguments);
    step
}

/// Writes the OpenAPI document that is checked in.
pub(crate) fn renewed_openapi() -> Step {
    let step = Step::cargo("test --quiet --package http-api --lib -- openapi::tests::the_copy_that_is_checked_in");
    Step { environment: &[("DIRECTORY_RENEW_OPENAPI", "1")], ..step }
}

/// nextest runs no doctests.
fn doctests() -> Step {
    Step::cargo("test --doc --workspace")
}

/// The checks that are not tests, cheapest first.
pub(crate) fn without_tests() -> Vec<Step> {
    vec![format(), format_of_fuzz(), dependencies(), dependencies_of_fuzz(), lints(), lints_of_fuzz(), documentation()]
}

/// What CI runs: what fails soonest comes first.
pub(crate) fn everything() -> Vec<Step> {
    vec![
        format(),
        format_of_fuzz(),
        dependencies(),
        dependencies_of_fuzz(),
        binaries(),
        lints(),
        lints_of_fuzz(),
        tests(&[]),
        doctests(),
        documentation(),
        fuzz(),
    ]
}

/// Runs the steps in order and stops at the first one that fails.
pub(crate) fn run(root: &Path, steps: &[Step], postgres_url: Option<&str>) -> Result<()> {
    run_with(&tools::cargo(), root, steps, postgres_url)
}

fn run_with(cargo: &OsStr, root: &Path, steps: &[Step], postgres_url: Option<&str>) -> Result<()> {
    let begin = Instant::now();
    for (index, step) in steps.iter().enumerate() {
        let title = step.title();
        eprintln!("\n[{}/{}] {title}", index + 1, steps.len());
        let mut command = tools::command(cargo);
        command.args(&step.arguments).envs(step.environment.iter().copied()).current_dir(root);
        if let Some(url) = postgres_url {
            command.env(URL_VARIABLE, url);
        }
        let step_begin = Instant::now();
        let status = command.status().with_context(|| format!("cannot run {title}"))?;
        let took = seconds(step_begin.elapsed());
        if !status.success() {
            bail!("FAILED after {took}: {title} ({status})");
        }
        eprintln!("[{}/{}] passed in {took}", index + 1, steps.len());
    }
    eprintln!("\nAll {} steps passed in {}.", steps.len(), seconds(begin.elapsed()));
    Ok(())
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Stands in for cargo: `true` and `false` are found on every machine that builds this.
    fn outcome(cargo: &str, steps: &[Step]) -> Result<()> {
        run_with(OsStr::new(cargo), Path::new("."), steps, None)
    }

    #[test]
    fn a_failed_step_fails_the_run_and_is_named() {
        outcome("true", &everything()).unwrap();
        let error = outcome("false", &everything()).unwrap_err().to_string();
        assert!(error.contains("cargo fmt --all -- --check"), "{error}");
    }

    #[test]
    fn nothing_runs_after_a_failed_step() {
        let folder = tempfile::tempdir().unwrap();
        let script = |text: &str| Step { arguments: vec!["-c".into(), text.into()], environment: &[] };
        let steps = [script("touch first"), script("exit 3"), script("touch third")];
        run_with(OsStr::new("sh"), folder.path(), &steps, None).unwrap_err();
        assert!(folder.path().join("first").exists());
        assert!(!folder.path().join("third").exists());
    }

    #[test]
    fn steps_are_given_their_environment_and_the_cluster() {
        let text = format!("test \"$NAME\" = value && test \"${URL_VARIABLE}\" = postgres://x");
        let script = Step { arguments: vec!["-c".into(), text.into()], environment: &[("NAME", "value")] };
        run_with(OsStr::new("sh"), Path::new("."), std::slice::from_ref(&script), Some("postgres://x")).unwrap();
        run_with(OsStr::new("sh"), Path::new("."), &[script], Some("postgres://y")).unwrap_err();
    }

    #[test]
    fn everything_holds_what_the_checks_hold() {
        let all: Vec<String> = everything().iter().map(Step::title).collect();
        assert!(without_tests().iter().all(|step| all.contains(&step.title())));
    }
}
