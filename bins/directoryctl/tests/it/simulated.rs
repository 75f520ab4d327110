//! A world whose connection leads to a simulated directory.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::ops::Deref;

use entra_simulator::{
    CLIENT_ID, CLIENT_SECRET, Config, DIRECTORY_ID, Directory, Mix, Registration, Simulator, TenantConfig,
};
use serde_json::{Value, json};

use crate::world::{Said, World};

/// The name of the connection.
pub(crate) const ACME: &str = "Acme";

/// A world with the connection [`ACME`] to a directory.
pub(crate) struct Simulated {
    world: World,
    simulator: Simulator,
}

impl Simulated {
    /// With so many users in the directory, none of them a special case, and none of them synchronised.
    pub(crate) fn new(users: u32) -> Self {
        let tenant = TenantConfig { users, mix: Mix::PLAIN, ..TenantConfig::default() };
        let simulator = Simulator::start(Config { tenants: vec![tenant], ..Config::default() }).unwrap();
        let world = World::with_tenant()
            .env("DIRECTORY_LOGIN_URL", &simulator.login_url())
            .env("DIRECTORY_GRAPH_URL", &simulator.graph_url());
        let simulated = Self { world, simulator };
        simulated.register();
        simulated
    }

    /// The same, with the users synchronised.
    pub(crate) fn synced(users: u32) -> Self {
        let simulated = Self::new(users);
        let run = simulated.run(&["sync", ACME]).json();
        assert_eq!((&run["status"], &run["counts"]["created"]), (&json!("succeeded"), &json!(users)));
        simulated
    }

    /// A world of 30 users of whom 15 left, and the run that is held for that.
    pub(crate) fn held() -> (Self, Value) {
        let simulated = Self::synced(30);
        for index in 0..15 {
            simulated.directory().delete_user(simulated.directory().generated_user(index)).unwrap();
        }
        let run = simulated.run(&["sync", ACME]).json_and(3);
        assert_eq!((&run["status"], &run["counts"]["deactivated"]), (&json!("held"), &json!(15)));
        (simulated, run)
    }

    /// The same with another variable in the program's environment.
    pub(crate) fn env(self, name: &'static str, value: &str) -> Self {
        Self { world: self.world.env(name, value), ..self }
    }

    /// Registers the directory and gives the connection.
    pub(crate) fn register(&self) -> Value {
        self.register_with(&["--client-secret-stdin"], CLIENT_SECRET).json()
    }

    /// Registers the directory with these flags and this on standard input.
    pub(crate) fn register_with(&self, credential: &[&str], input: &str) -> Said {
        let (directory, client) = (DIRECTORY_ID.to_string(), CLIENT_ID.to_string());
        let args = [
            "connection",
            "add",
            "entra",
            "--display-name",
            ACME,
            "--directory-id",
            &directory,
            "--client-id",
            &client,
        ];
        self.run_with_input(&[&args, credential].concat(), input)
    }

    /// The application that is registered in the directory.
    pub(crate) fn registration(&self) -> Registration {
        self.simulator.registration()
    }

    /// The connection as it is shown.
    pub(crate) fn connection(&self) -> Value {
        self.run(&["connection", "show", ACME]).json()
    }

    pub(crate) fn directory(&self) -> Directory {
        self.simulator.directory()
    }

    /// The directory's id of a generated user.
    pub(crate) fn external_id(&self, index: u32) -> String {
        self.directory().generated_user(index).to_string()
    }

    /// The address of a generated user.
    pub(crate) fn mail(&self, index: u32) -> String {
        let directory = self.directory();
        let user = directory.user(directory.generated_user(index)).unwrap();
        user["mail"].as_str().unwrap().to_owned()
    }

    /// How many of the tenant's users are active.
    pub(crate) fn active(&self) -> usize {
        self.items(&["user", "list", "--status", "active"]).len()
    }

    /// A list.
    pub(crate) fn items(&self, args: &[&str]) -> Vec<Value> {
        self.run(args).json()["items"].as_array().unwrap().clone()
    }

    /// A run's changes with this outcome.
    pub(crate) fn changes(&self, run: &Value, outcome: &str) -> Vec<Value> {
        self.items(&["run", "changes", text(&run["id"]), "--outcome", outcome])
    }

    /// `run approve` of this run, with its digest.
    pub(crate) fn approve(&self, run: &Value, more: &[&str]) -> Said {
        let args = ["run", "approve", text(&run["id"]), "--digest", text(&run["planDigest"])];
        self.run(&[&args, more].concat())
    }
}

impl Deref for Simulated {
    type Target = World;

    fn deref(&self) -> &World {
        &self.world
    }
}

/// A JSON string.
pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}
