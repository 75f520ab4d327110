//! Finds the programs that checks and tests need, or installs them, or says the one line to type.

use std::{
    env,
    ffi::OsString,
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

/// The triple of this machine, as cargo calls it.
pub(crate) fn host() -> Result<String> {
    let output = Command::new(cargo()).arg("-vV").output().context("cannot run cargo")?;
    let said = String::from_utf8_lossy(&output.stdout);
    let host = said.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("cargo names no host")?.to_owned())
}

/// Sees to it that there is a C++ compiler: libFuzzer is written in C++.
pub(crate) fn cxx_compiler() -> Result<()> {
    if env::var_os("CXX").is_some() || on_path("c++") {
        return Ok(());
    }
    let apt = on_path("apt-get");
    if !(apt && crate::postgres::is_root()?) {
        bail!("a C++ compiler is missing, which the fuzz targets need. Type: {}", cxx_install_line(apt));
    }
    eprintln!("a C++ compiler is missing; installing the distribution's package (root, apt-get)");
    apt_install("g++")?;
    if on_path("c++") { Ok(()) } else { bail!("the package g++ holds no c++") }
}

fn cxx_install_line(apt: bool) -> &'static str {
    if apt {
        "sudo apt-get install --no-install-recommends g++"
    } else if on_path("dnf") {
        "sudo dnf install gcc-c++"
    } else {
        "the install command of your system for a C++ compiler, and put it on PATH as c++ or name it in CXX"
    }
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
        let mut command = Command::new(cargo());
        command.args([self.subcommand, "--version"]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    }
}

/// The folder of the database's server programs. Installs the distribution's package where that may be done unasked: as
/// root on a Debian-like system.
pub(crate) fn postgres_programs() -> Result<PathBuf> {
    if let Some(folder) = find_postgres() {
        return Ok(folder);
    }
    let apt = on_path("apt-get");
    if !(apt && crate::postgres::is_root()?) {
        bail!("PostgreSQL's server programs (initdb, pg_ctl, postgres) are missing. Type: {}", install_line(apt));
    }
    install_postgres()?;
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

fn install_line(apt: bool) -> &'static str {
    if apt {
        "sudo apt-get install --no-install-recommends postgresql"
    } else if on_path("dnf") {
        "sudo dnf install postgresql-server"
    } else if on_path("brew") {
        "brew install postgresql"
    } else {
        "the install command of your system for the PostgreSQL server, and put its programs on PATH"
    }
}

fn on_path(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

fn install_postgres() -> Result<()> {
    eprintln!("PostgreSQL's server programs are missing; installing the distribution's package (root, apt-get)");
    // Debian's package makes a cluster and starts it as a service. Tests have no use for it: they start their own.
    let settings = Path::new("/etc/postgresql-common/createcluster.conf");
    if !settings.exists() {
        let folder = settings.parent().context("a file in a folder")?;
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        fs::write(settings, "create_main_cluster = false\n")
            .with_context(|| format!("cannot write {}", settings.display()))?;
    }
    apt_install("postgresql")
}

/// No question may wait for an answer, and settings that are there stay as they are.
fn apt_install(package: &str) -> Result<()> {
    let unattended = [("DEBIAN_FRONTEND", "noninteractive"), ("UCF_FORCE_CONFFOLD", "1")];
    run(&["apt-get", "update", "-q"], &unattended)?;
    run(&["apt-get", "install", "-q", "-y", "--no-install-recommends", package], &unattended)
}

fn run(line: &[&str], environment: &[(&str, &str)]) -> Result<()> {
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
