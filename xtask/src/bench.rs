//! Measures: builds what is measured, starts a durable server, and lets `benchmarks` do the rest.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, bail};

use crate::{
    postgres::{Cluster, Durability},
    tools,
};

/// Where `benchmarks` looks for the server.
const URL_VARIABLE: &str = "DIRECTORY_BENCH_POSTGRES_URL";

/// The programs as they are released, and then what measures them: built together, the features that the one asks for would
/// be in the others too.
const BUILDS: [&[&str]; 2] = [&["directory-server", "directoryctl"], &["benchmarks"]];

/// What to measure.
#[derive(clap::Args)]
pub(crate) struct Bench {
    /// Only these cases
    #[arg(long = "case", value_name = "NAME", num_args = 1..)]
    cases: Vec<String>,
    /// So many users instead of 100,000, and ten times as many instead of a million
    #[arg(long, value_name = "NUMBER")]
    users: Option<u32>,
    /// How often each case is measured
    #[arg(long, value_name = "NUMBER")]
    rounds: Option<u32>,
}

impl Bench {
    pub(crate) fn run(&self, root: &Path) -> Result<()> {
        for packages in BUILDS {
            build(root, packages)?;
        }
        let cluster = Cluster::announced(&tools::postgres_programs()?, Durability::Default)?;
        let target = tools::target(root);
        let mut command = Command::new(target.join("release/benchmarks"));
        command.arg("measure").args(self.arguments()).arg("--to").arg(self.folder(root, &target));
        command.env(URL_VARIABLE, cluster.url());
        let status = command.status().context("cannot run benchmarks")?;
        if !status.success() {
            bail!("benchmarks failed ({status})");
        }
        Ok(())
    }

    fn arguments(&self) -> Vec<String> {
        let cases = self.cases.iter().map(|name| format!("--case={name}"));
        let users = self.users.map(|users| format!("--users={users}"));
        let rounds = self.rounds.map(|rounds| format!("--rounds={rounds}"));
        cases.chain(users).chain(rounds).collect()
    }

    /// What is checked in comes of measuring everything at its full size; anything less must not take its place.
    fn folder(&self, root: &Path, target: &Path) -> PathBuf {
        if self.arguments().is_empty() { root.join("docs") } else { target.join("benchmarks") }
    }
}

fn build(root: &Path, packages: &[&str]) -> Result<()> {
    let packages: Vec<String> = packages.iter().map(|package| format!("--package={package}")).collect();
    let mut command = tools::command(tools::cargo());
    command.args(["build", "--release", "--locked"]).args(&packages).current_dir(root);
    let status = command.status().context("cannot run cargo")?;
    if !status.success() {
        bail!("cargo build failed ({status})");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_everything_is_checked_in() {
        let (root, target) = (Path::new("/workspace"), Path::new("/target"));
        let everything = || Bench { cases: Vec::new(), users: None, rounds: None };
        assert_eq!(everything().folder(root, target), Path::new("/workspace/docs"));
        for less in [
            Bench { cases: vec!["runs_page".to_owned()], ..everything() },
            Bench { users: Some(100), ..everything() },
            Bench { rounds: Some(1), ..everything() },
        ] {
            assert_eq!(less.folder(root, target), Path::new("/target/benchmarks"));
        }
    }
}
