//! Finds the programs that checks and tests need, or installs them, or says the one line to type.

use std::{
    env,
    ffi::{OsStr, OsString},
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, bail};

/// A cargo subcommand that may be missing.
#[derive(Clone, Copy)]
pub(crate) struct Tool {
    subcommand: &'static str,
    install: &'static [&'static str],
}

pub(crate) const NEXTEST: Tool =
    Tool { subcommand: "nextest", install: &["cargo", "install", "--locked", "cargo-nextest"] };
pub(crate) const DENY: Tool = Tool { subcommand: "deny", install: &["cargo", "install", "--locked", "cargo-deny"] };
pub(crate) const RUSTFMT: Tool = Tool { subcommand: "fmt", install: &["rustup", "component", "add", "rustfmt"] };
pub(crate) const CLIPPY: Tool = Tool { subcommand: "clippy", install: &["rustup", "component", "add", "clippy"] };

/// The cargo that runs xtask.
pub(crate) fn cargo() -> OsString {
    env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// A command that is not told what cargo told xtask of itself. Build scripts look at that too (ring's does), and would make
/// their crates, and all that is built on those, anew each time cargo is called from here and then from a shell.
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")) {
            command.env_remove(name);
        }
    }
    command
}

/// Where cargo puts what it builds of the workspace.
pub(crate) fn target(root: &Path) -> PathBuf {
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| "target".into(), PathBuf::from);
    root.join(target)
}

/// The triple of this machine, as cargo calls it.
pub(crate) fn host() -> Result<String> {
    let output = command(cargo()).arg("-vV").output().context("cannot run cargo")?;
    let said = String::from_utf8_lossy(&output.stdout);
    let host = said.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("cargo names no host")?.to_owned())
}

/// Sees to it that there is a C++ compiler: libFuzzer is written in C++.
pub(crate) fn cxx_compiler() -> Result<()> {
    if env::var_os("CXX").is_some() || on_path("c++") {
        return Ok(());
    }
    install_packages("A C++ compiler, which the fuzz targets need,", &["g++"])?;
    if on_path("c++") { Ok(()) } else { bail!("the package g++ holds no c++") }
}

/// Installs those of the tools that are missing.
pub(crate) fn ensure(tools: &[Tool]) -> Result<()> {
    for tool in tools {
        if !tool.is_present() {
            let line = tool.install.join(" ");
            eprintln!("cargo {} is missing; installing it (this may take some minutes): {line}", tool.subcommand);
            run(tool.install, &[]).with_context(|| format!("cargo {} is missing. Type: {line}", tool.subcommand))?;
        }
    }
    Ok(())
}

impl Tool {
    fn is_present(self) -> bool {
        let mut command = command(cargo());
        command.args([self.subcommand, "--version"]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    }
}

/// The folder of the database's server programs, which are installed where that may be done unasked.
pub(crate) fn postgres_programs() -> Result<PathBuf> {
    if let Some(folder) = find_postgres() {
        return Ok(folder);
    }
    leave_postgres_to_tests()?;
    install_packages("PostgreSQL's server programs (initdb, pg_ctl, postgres)", &["postgresql"])?;
    find_postgres().context("the postgresql package holds no server programs")
}

/// On `PATH` first, then where Debian keeps them, the newest version first.
fn find_postgres() -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let by_version = newest_first(Path::new("/usr/lib/postgresql")).into_iter().map(|folder| folder.join("bin"));
    env::split_paths(&path).chain(by_version).find(|folder| holds_postgres(folder))
}

fn holds_postgres(folder: &Path) -> bool {
    ["initdb", "pg_ctl", "postgres"].iter().all(|program| folder.join(program).is_file())
}

/// The folders in `parent` that are named by a major version.
fn newest_first(parent: &Path) -> Vec<PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = fs::read_dir(parent)
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let version = path.file_name()?.to_str()?.parse().ok()?;
            Some((version, path))
        })
        .collect();
    versions.sort_by(|left, right| right.cmp(left));
    versions.into_iter().map(|(_, path)| path).collect()
}

/// Installs packages of the distribution, by their names on Debian, where that may be done unasked: as root on a
/// Debian-like system. Elsewhere it says what to type.
pub(crate) fn install_packages(what: &str, packages: &[&str]) -> Result<()> {
    let apt = on_path("apt-get");
    if !(apt && crate::postgres::is_root()?) {
        bail!("{what} is missing. Type: {}", install_line(apt, packages));
    }
    eprintln!("{what} is missing; installing the distribution's package (root, apt-get)");
    // No question may wait for an answer, and settings that are there already are to stay as they are.
    let unattended = [("DEBIAN_FRONTEND", "noninteractive"), ("UCF_FORCE_CONFFOLD", "1")];
    run(&["apt-get", "update", "-q"], &unattended)?;
    run(&[&["apt-get", "install", "-q", "-y", "--no-install-recommends"], packages].concat(), &unattended)
}

fn install_line(apt: bool, packages: &[&str]) -> String {
    let packages = packages.join(" ");
    if apt {
        format!("sudo apt-get install --no-install-recommends {packages}")
    } else if on_path("dnf") {
        format!("sudo dnf install, with your system's packages for: {packages}")
    } else if on_path("brew") {
        format!("brew install, with its formulas for: {packages}")
    } else {
        format!("the install command of your system for {packages}, and put its programs on PATH")
    }
}

fn on_path(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// Debian's package makes a cluster and starts it as a service. Tests have no use for it: they start their own.
fn leave_postgres_to_tests() -> Result<()> {
    if !(on_path("apt-get") && crate::postgres::is_root()?) {
        return Ok(());
    }
    let settings = Path::new("/etc/postgresql-common/createcluster.conf");
    if !settings.exists() {
        let folder = settings.parent().context("a file in a folder")?;
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        fs::write(settings, "create_main_cluster = false\n")
            .with_context(|| format!("cannot write {}", settings.display()))?;
    }
    Ok(())
}

pub(crate) fn run(line: &[&str], environment: &[(&str, &str)]) -> Result<()> {
    let [program, arguments @ ..] = line else {
        bail!("an empty command");
    };
    let title = line.join(" ");
    let status = Command::new(program)
        .args(arguments)
        .envs(environment.iter().copied())
        .stdin(Stdio::null())
        .status()
        .with_context(|| format!("cannot run {title}"))?;
    if !status.success() {
        bail!("{title} failed ({status})");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_version_comes_first_and_by_number() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["9", "15", "17", "common"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let found: Vec<PathBuf> = newest_first(folder.path());
        assert_eq!(found, ["17", "15", "9"].map(|name| folder.path().join(name)));
        assert!(newest_first(&folder.path().join("nowhere")).is_empty());
    }

    #[test]
    fn a_client_without_a_server_is_not_enough() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["psql", "initdb", "pg_ctl"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        assert!(!holds_postgres(folder.path()));
        fs::write(folder.path().join("postgres"), "").unwrap();
        assert!(holds_postgres(folder.path()));
    }

    #[test]
    fn the_host_is_a_triple() {
        let host = host().unwrap();
        assert!(host.split('-').count() >= 3, "{host}");
    }

    #[test]
    fn a_missing_subcommand_is_seen() {
        assert!(RUSTFMT.is_present());
        assert!(!Tool { subcommand: "no-such-subcommand", install: &[] }.is_present());
    }

    #[test]
    fn a_failed_install_says_what_to_type() {
        let tool = Tool { subcommand: "no-such-subcommand", install: &["false"] };
        let error = format!("{:#}", ensure(&[tool]).unwrap_err());
        assert!(error.contains("Type: false"), "{error}");
    }
}
