//! A database cluster that lives as long as xtask does, and no longer.

use std::{
    env, fs,
    io::{BufRead as _, BufReader, Read as _},
    net::{Ipv4Addr, TcpListener},
    os::unix::{fs::chown, process::CommandExt as _},
    path::Path,
    process::{Child, Command, Stdio},
};

use anyhow::{Context as _, Result, bail};
use tempfile::TempDir;

use crate::tools;

/// Where tests look for the server: a superuser's URL of its database `postgres`.
pub(crate) const URL_VARIABLE: &str = "DIRECTORY_TEST_POSTGRES_URL";

/// Somebody else may take the port that was free before the server does.
const ATTEMPTS: u32 = 3;

/// Makes the cluster, starts the server, says so, and stops it when its own input ends. The kernel closes that pipe however
/// xtask ends, killed included, so that no server and no file is left behind. It runs in the cluster's folder; arguments:
/// the folder of the server's programs, the port.
///
/// Loopback is open to every user of the machine, so there is a password. It is sent in the clear, on loopback: hashing it
/// afresh for each of a thousand connections would cost an unoptimised client more than the tests themselves.
const KEEPER: &str = r#"
folder=$PWD
trap '' PIPE # nobody may be there any more to read the word `ready`
start() {
    "$1/initdb" --pgdata data --username postgres --pwfile password --auth password --encoding UTF8 --locale C --no-sync &&
    cat settings >> data/postgresql.conf &&
    "$1/pg_ctl" --pgdata data --log log --wait --silent --options "-p $2" start
}
if start "$1" "$2" > said 2>&1; then
    echo ready
    read -r _
    "$1/pg_ctl" --pgdata data --wait --silent --mode immediate stop
else
    cat said log 2> /dev/null
fi
rm -rf "$folder"
"#;

/// What many tests at once need.
const SETTINGS: &str = "
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 300
";

/// What a server that nobody needs tomorrow can do without.
const HASTE: &str = "
fsync = off
synchronous_commit = off
full_page_writes = off
";

/// What becomes of the data if the machine stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Durability {
    /// Whatever: for tests.
    None,
    /// What was committed is kept, by the server's default settings: for measuring.
    Default,
}

impl Durability {
    fn settings(self) -> String {
        match self {
            Self::None => format!("{SETTINGS}{HASTE}"),
            Self::Default => SETTINGS.to_owned(),
        }
    }
}

/// The server that tests use.
pub(crate) enum Server {
    /// One that is there already, by the environment.
    Given(String),
    /// Our own.
    Throwaway(Cluster),
}

impl Server {
    pub(crate) fn start() -> Result<Self> {
        if let Some(url) = env::var(URL_VARIABLE).ok().filter(|url| !url.is_empty()) {
            eprintln!("PostgreSQL: the one that {URL_VARIABLE} names");
            return Ok(Self::Given(url));
        }
        let programs = tools::postgres_programs()?;
        Ok(Self::Throwaway(Cluster::announced(&programs, Durability::None)?))
    }

    pub(crate) fn url(&self) -> &str {
        match self {
            Self::Given(url) => url,
            Self::Throwaway(cluster) => cluster.url(),
        }
    }
}

/// A running cluster; dropping it stops the server and removes its files.
pub(crate) struct Cluster {
    url: String,
    keeper: Child,
    /// The keeper removes it too, for the ends at which nothing is dropped.
    folder: TempDir,
}

impl Cluster {
    /// Starts one and says so.
    pub(crate) fn announced(programs: &Path, durability: Durability) -> Result<Self> {
        let cluster = Self::start(programs, durability).context("cannot start a PostgreSQL cluster")?;
        eprintln!(
            "PostgreSQL: a throwaway cluster in {}, run by {}",
            cluster.folder.path().display(),
            programs.display()
        );
        Ok(cluster)
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    fn start(programs: &Path, durability: Durability) -> Result<Self> {
        let owner = Owner::find()?;
        let mut attempt = 1;
        loop {
            match Self::start_once(programs, durability, owner) {
                Err(error) if attempt < ATTEMPTS => {
                    eprintln!("PostgreSQL did not start (attempt {attempt}): {error:#}");
                    attempt += 1;
                }
                result => return result,
            }
        }
    }

    fn start_once(programs: &Path, durability: Durability, owner: Option<Owner>) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("directory-postgres-").tempdir()?;
        let password = random_hex()?;
        for (name, content) in [("password", password.clone()), ("settings", durability.settings())] {
            let path = folder.path().join(name);
            fs::write(&path, content).with_context(|| format!("cannot write {}", path.display()))?;
            give(&path, owner)?;
        }
        give(folder.path(), owner)?;
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let keeper = keep(programs, folder.path(), port, owner)?;
        let url = format!("postgres://postgres:{password}@127.0.0.1:{port}/postgres");
        Ok(Self { url, keeper, folder })
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        // There is nobody to tell: the keeper writes what went wrong to standard error.
        let _ = self.keeper.wait();
    }
}

/// Starts the keeper and waits until the server takes connections.
fn keep(programs: &Path, folder: &Path, port: u16, owner: Option<Owner>) -> Result<Child> {
    let mut command = Command::new("sh");
    command.args(["-c", KEEPER, "keeper"]).arg(programs).arg(port.to_string()).current_dir(folder);
    if let Some(Owner { user, group }) = owner {
        command.uid(user).gid(group);
    }
    // In a process group of its own, Ctrl-C reaches xtask and the tests, and the keeper only through the closed pipe.
    command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut keeper = command.spawn().context("cannot run sh")?;
    let mut output = BufReader::new(keeper.stdout.take().context("the keeper has no output")?);
    let mut said = String::new();
    output.read_line(&mut said)?;
    if said == "ready\n" {
        return Ok(keeper);
    }
    output.read_to_string(&mut said)?;
    keeper.wait()?;
    bail!("initdb or pg_ctl failed: {}", said.trim());
}

/// The user that the server runs as when xtask runs as root, which initdb refuses.
#[derive(Clone, Copy)]
struct Owner {
    user: u32,
    group: u32,
}

impl Owner {
    fn find() -> Result<Option<Self>> {
        if !is_root()? {
            return Ok(None);
        }
        let hint = "PostgreSQL does not run as root, and there is no user `postgres` to run it as";
        let user = id(&["-u", "postgres"]).context(hint)?;
        let group = id(&["-g", "postgres"]).context(hint)?;
        Ok(Some(Self { user, group }))
    }
}

pub(crate) fn is_root() -> Result<bool> {
    Ok(id(&["-u"])? == 0)
}

/// What the program `id` answers: the standard library knows no users.
fn id(arguments: &[&str]) -> Result<u32> {
    let output = Command::new("id").args(arguments).output().context("cannot run id")?;
    let answer = String::from_utf8_lossy(&output.stdout);
    answer.trim().parse().with_context(|| format!("id {} answered no number", arguments.join(" ")))
}

fn give(path: &Path, owner: Option<Owner>) -> Result<()> {
    let Some(Owner { user, group }) = owner else {
        return Ok(());
    };
    chown(path, Some(user), Some(group)).with_context(|| format!("cannot give {} away", path.display()))
}

fn random_hex() -> Result<String> {
    let mut bytes = [0; 16];
    fs::File::open("/dev/urandom").and_then(|mut source| source.read_exact(&mut bytes)).context("no /dev/urandom")?;
    Ok(format!("{:032x}", u128::from_ne_bytes(bytes)))
}

#[cfg(test)]
mod tests {
    use std::net::TcpStream;

    use super::*;

    fn port(cluster: &Cluster) -> u16 {
        let rest = cluster.url.split("@127.0.0.1:").nth(1).unwrap();
        rest.strip_suffix("/postgres").unwrap().parse().unwrap()
    }

    #[test]
    fn a_cluster_serves_until_it_is_dropped_and_leaves_nothing() {
        let cluster = Cluster::start(&tools::postgres_programs().unwrap(), Durability::None).unwrap();
        let folder = cluster.folder.path().to_owned();
        let port = port(&cluster);
        TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
        assert!(folder.join("data").exists());

        drop(cluster);
        assert!(TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err());
        assert!(!folder.exists());
    }

    #[test]
    fn a_server_that_does_not_start_says_why() {
        let folder = tempfile::tempdir().unwrap();
        let error = keep(Path::new("/nowhere"), folder.path(), 1, None).err().unwrap().to_string();
        assert!(error.contains("/nowhere/initdb"), "{error}");
    }

    #[test]
    fn only_a_server_for_tests_may_lose_something() {
        for setting in ["fsync", "synchronous_commit", "full_page_writes"] {
            assert!(Durability::None.settings().contains(&format!("{setting} = off")));
            assert!(!Durability::Default.settings().contains(setting));
        }
    }

    #[test]
    fn passwords_differ() {
        assert_ne!(random_hex().unwrap(), random_hex().unwrap());
    }
}
