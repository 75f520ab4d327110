//! Server processes that come and go.

use std::collections::BTreeSet;

use fastrand::Rng;

use super::journal;
use crate::support::{Cli, Database, Server};

/// The name by which the database knows a server.
struct Member {
    name: String,
    server: Server,
}

pub(super) struct Fleet {
    cli: Cli,
    database_url: String,
    members: Vec<Member>,
    started: u32,
    /// Those that were killed, and those that were asked to stop.
    pub(super) killed: BTreeSet<String>,
    pub(super) stopped: BTreeSet<String>,
}

impl Fleet {
    pub(super) fn start(cli: &Cli, database: &Database, servers: usize) -> Self {
        let mut fleet = Self {
            cli: cli.clone(),
            database_url: database.url.clone(),
            members: Vec::new(),
            started: 0,
            killed: BTreeSet::new(),
            stopped: BTreeSet::new(),
        };
        for _ in 0..servers {
            fleet.start_another();
        }
        fleet
    }

    fn start_another(&mut self) {
        self.started += 1;
        let name = format!("server-{}", self.started);
        let separator = if self.database_url.contains('?') { '&' } else { '?' };
        let url = format!("{}{separator}application_name={name}", self.database_url);
        let server = Server::start(&self.cli.with("DIRECTORY_DATABASE_URL", &url));
        self.members.push(Member { name, server });
    }

    /// One of them is killed, or now and then asked to stop, and another one starts.
    pub(super) async fn lose_one(&mut self, database: &Database, chance: &mut Rng) {
        let Member { name, server } = self.members.swap_remove(chance.usize(..self.members.len()));
        if chance.u8(..4) == 0 {
            assert!(server.terminate().success());
            self.stopped.insert(name);
        } else {
            server.kill();
            // In reality it is time that passes.
            journal::let_leases_pass(database, &name).await;
            self.killed.insert(name);
        }
        self.start_another();
    }
}
