//! Simulated directories in a process of their own, and downloading one of them.

use std::{
    env,
    io::{self, Write},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use entra_simulator::{CLIENT_ID, CLIENT_SECRET, Config, Mix, Simulator, TenantConfig};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{http::Http, process::Server};

/// What a full sync asks for: any other page would be another download.
const FIRST_PAGE: &str =
    "/v1.0/users?$select=id,displayName,givenName,surname,mail,userPrincipalName,accountEnabled,userType&$top=999";
const PAGE: u32 = 999;
const NEXT_LINK: &[u8] = b"\"@odata.nextLink\":\"";

/// What a process is to simulate.
#[derive(Clone, Copy, clap::Args)]
pub struct Directories {
    /// How many directories
    #[arg(long)]
    pub count: u32,
    /// How many users each of them has
    #[arg(long)]
    pub users: u32,
    /// How long Graph waits before each answer
    #[arg(long, default_value_t = 0)]
    pub latency_ms: u64,
}

/// The line that the process says once it serves.
#[derive(Serialize, Deserialize)]
struct Serving {
    address: String,
    directories: Vec<Uuid>,
}

/// Serves until it is killed.
pub fn serve(directories: &Directories) -> Result<()> {
    let ids: Vec<Uuid> = (1..=directories.count).map(|number| Uuid::from_u128(u128::from(number))).collect();
    let tenants = ids.iter().enumerate().map(|(index, id)| TenantConfig {
        directory_id: *id,
        domain: format!("company{index}.example.com"),
        users: directories.users,
        mix: Mix::PLAIN,
        ..TenantConfig::default()
    });
    let latency = Duration::from_millis(directories.latency_ms);
    let simulator = Simulator::start(Config { tenants: tenants.collect(), latency, ..Config::default() })?;
    let address = simulator.graph_url();
    let address = address.strip_prefix("http://").context("the simulator's address is another one")?.to_owned();
    let mut out = io::stdout().lock();
    serde_json::to_writer(&mut out, &Serving { address, directories: ids })?;
    writeln!(out)?;
    out.flush()?;
    loop {
        std::thread::park();
    }
}

/// A process that simulates directories, gone when it is dropped.
pub(crate) struct SimulatedDirectories {
    _process: Server,
    serving: Serving,
    users: u32,
}

impl SimulatedDirectories {
    pub(crate) fn start(what: Directories) -> Result<Self> {
        let mut command = Command::new(env::current_exe()?);
        command.args(["directory", "--count", &what.count.to_string(), "--users", &what.users.to_string()]);
        command.args(["--latency-ms", &what.latency_ms.to_string()]).stderr(Stdio::inherit());
        let (process, line) = Server::start(command)?;
        let serving = serde_json::from_str(&line).context("the simulator did not start")?;
        Ok(Self { _process: process, serving, users: what.users })
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.serving.address)
    }

    pub(crate) fn ids(&self) -> &[Uuid] {
        &self.serving.directories
    }

    /// The client's id and secret, of every directory.
    pub(crate) fn client() -> (Uuid, &'static str) {
        (CLIENT_ID, CLIENT_SECRET)
    }

    /// Downloads the first directory and throws it away.
    pub(crate) fn download(&self) -> Result<Duration> {
        let began = Instant::now();
        let mut http = Http::connect(&self.serving.address)?;
        let authorization = format!("Bearer {}", self.token(&mut http)?);
        let mut target = FIRST_PAGE.to_owned();
        let mut pages = 0;
        loop {
            let page = http.get(&target, &authorization)?;
            pages += 1;
            match next_link(page) {
                Some(link) => {
                    let link = link.strip_prefix(&self.url()).context("a link to somewhere else")?;
                    target = link.to_owned();
                }
                None => break,
            }
        }
        let took = began.elapsed();
        ensure!(pages == self.users.div_ceil(PAGE), "{pages} pages are not all of the directory");
        Ok(took)
    }

    fn token(&self, http: &mut Http) -> Result<String> {
        #[derive(Deserialize)]
        struct Answer {
            access_token: String,
        }
        let scope = format!("{}/.default", self.url()).replace(':', "%3A").replace('/', "%2F");
        let secret = CLIENT_SECRET.replace('+', "%2B").replace('/', "%2F");
        let body = format!("grant_type=client_credentials&client_id={CLIENT_ID}&client_secret={secret}&scope={scope}");
        let target = format!("/{}/oauth2/v2.0/token", self.serving.directories[0]);
        let (status, answer) = http.post(&target, "application/x-www-form-urlencoded", "", body.as_bytes())?;
        ensure!(status == 200, "no token: {}", String::from_utf8_lossy(answer));
        Ok(serde_json::from_slice::<Answer>(answer)?.access_token)
    }
}

/// Found without reading the JSON. It stands before or behind the users, never among them.
fn next_link(page: &[u8]) -> Option<&str> {
    const NEAR: usize = 4_096;
    let (head, tail) = (&page[..page.len().min(NEAR)], &page[page.len().saturating_sub(NEAR)..]);
    [head, tail].into_iter().find_map(|part| {
        let at = part.windows(NEXT_LINK.len()).position(|window| window == NEXT_LINK)? + NEXT_LINK.len();
        let end = part[at..].iter().position(|byte| *byte == b'"')?;
        std::str::from_utf8(&part[at..at + end]).ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_found_at_either_end() {
        let users = format!("\"value\":[{}]", "{\"id\":\"1\"},".repeat(2_000));
        let link = "\"@odata.nextLink\":\"http://x/?a=b\"";
        assert_eq!(next_link(format!("{{{link},{users}}}").as_bytes()), Some("http://x/?a=b"));
        assert_eq!(next_link(format!("{{{users},{link}}}").as_bytes()), Some("http://x/?a=b"));
        assert_eq!(next_link(format!("{{{users}}}").as_bytes()), None);
    }
}
