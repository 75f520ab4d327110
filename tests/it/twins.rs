//! Two tenants with one directory in one database. One's runs are left in peace, the other's are disturbed; afterwards
//! nobody can tell which is which.

use std::time::{Duration, Instant};

use entra_simulator::{Config, Mix, Route, TenantConfig};
use fastrand::Rng;
use serde_json::{Value, json};

use crate::{
    main_job::sync_as,
    support::{Kind, System, wait_for},
};

/// Users in the directory at the start.
const USERS: u32 = 1_000;
const PAGE: usize = 50;
/// Requests of one listing.
const PAGES: u64 = 20;
/// How long the directory takes for a page.
const LATENCY: Duration = Duration::from_millis(15);

/// One that is told when a test fails, and can be given to it again.
pub(crate) fn chance() -> Rng {
    let seed = std::env::var("DIRECTORY_TEST_SEED").map_or_else(|_| fastrand::u64(..), |seed| seed.parse().unwrap());
    eprintln!("DIRECTORY_TEST_SEED={seed}");
    Rng::with_seed(seed)
}

pub(crate) struct Twins {
    /// Its own tenant is the one that is disturbed.
    pub(crate) system: System,
    connection: String,
    calm: Calm,
    /// Of the generated users of the directory, those that are in it and those that were deleted.
    present: Vec<u32>,
    deleted: Vec<u32>,
    /// How long a run takes that is left in peace, and how long of that comes after the last page.
    length: Duration,
    rest: Duration,
}

/// The tenant that is left in peace.
struct Calm {
    tenant: String,
    token: String,
    connection: String,
}

impl Twins {
    pub(crate) async fn start(kind: Kind) -> Self {
        let tenant = TenantConfig { users: USERS, mix: Mix::PLAIN, ..TenantConfig::default() };
        let config = Config { tenants: vec![tenant], max_page_size: PAGE, latency: LATENCY, ..Config::default() };
        let system = System::start(kind, config).await;
        let connection = system.register(json!({})).await;
        let (tenant, token) = system.other_tenant("calm");
        let calm = Calm { connection: system.register_as(&token, json!({})).await, tenant, token };
        let present = (0..USERS).collect();
        let (length, rest) = (Duration::ZERO, Duration::ZERO);
        Self { system, connection, calm, present, deleted: Vec::new(), length, rest }
    }

    /// Some users of the directory get another name, another address, each other's address, or the address that
    /// somebody else leaves; some are disabled or enabled, deleted or brought back; some are new.
    pub(crate) fn change_the_directory(&mut self, chance: &mut Rng) {
        let directory = self.system.simulator.directory();
        let id = |index: u32| directory.generated_user(index);
        let update = |index: u32, values: Value| directory.update_user(id(index), &values).unwrap();
        let mail = |index: u32| directory.user(id(index)).unwrap()["mail"].clone();
        for index in self.deleted.drain(..) {
            directory.restore_user(id(index)).unwrap();
            self.present.push(index);
        }
        chance.shuffle(&mut self.present);
        let mut next = self.present.iter().copied();
        let mut take = |number: usize| next.by_ref().take(number).collect::<Vec<u32>>();
        for index in take(500) {
            update(index, json!({"displayName": format!("Name {}", chance.u32(..))}));
        }
        for index in take(20) {
            update(index, json!({"mail": format!("moved-{}@example.com", chance.u64(..))}));
        }
        for pair in take(20).chunks(2) {
            let (one, other) = (mail(pair[0]), mail(pair[1]));
            update(pair[0], json!({"mail": other}));
            update(pair[1], json!({"mail": one}));
        }
        for pair in take(10).chunks(2) {
            let left = mail(pair[0]);
            update(pair[0], json!({"mail": format!("left-{}@example.com", chance.u64(..))}));
            update(pair[1], json!({"mail": left}));
        }
        for index in take(30) {
            update(index, json!({"accountEnabled": chance.bool()}));
        }
        self.deleted = take(20);
        for index in &self.deleted {
            directory.delete_user(id(*index)).unwrap();
        }
        self.present.retain(|index| !self.deleted.contains(index));
        for _ in 0..10 {
            let n = chance.u64(..);
            directory.add_user(&json!({"displayName": "New", "mail": format!("new-{n}@example.com")})).unwrap();
        }
    }

    /// A run of the tenant that is left in peace.
    pub(crate) async fn sync_calmly(&mut self) -> Value {
        let simulator = &self.system.simulator;
        simulator.reset_requests();
        let begin = Instant::now();
        let last_page = async {
            self.reaches(PAGES).await;
            begin.elapsed()
        };
        let run = async {
            let run = sync_as(&self.system, &self.calm.token, &self.calm.connection).await;
            (run, begin.elapsed())
        };
        let (last_page, (run, length)) = tokio::join!(last_page, run);
        assert_eq!(run["status"], "succeeded", "{run}");
        (self.length, self.rest) = (length, length.saturating_sub(last_page));
        run
    }

    /// Starts a run of the tenant that is disturbed.
    pub(crate) async fn start_sync(&self) -> String {
        self.system.simulator.reset_requests();
        self.system.start_sync(&self.connection).await
    }

    /// Waits for a moment of a run that starts now, or is taken up now: as likely one of the listing as one after it.
    pub(crate) async fn wait_for_some_moment(&self, chance: &mut Rng) {
        if chance.bool() {
            return self.wait_for_a_moment_of_the_listing(chance).await;
        }
        self.wait_for_page(PAGES).await;
        tokio::time::sleep(self.rest.mul_f64(chance.f64())).await;
    }

    /// Waits for a moment at which the listing has at least one more page.
    pub(crate) async fn wait_for_a_moment_of_the_listing(&self, chance: &mut Rng) {
        self.wait_for_page(chance.u64(0..PAGES)).await;
        tokio::time::sleep(LATENCY.mul_f64(chance.f64())).await;
    }

    /// A run that goes on applying reads no page, so this gives up after the time that a whole run takes.
    async fn wait_for_page(&self, page: u64) {
        let _ = tokio::time::timeout(self.length, self.reaches(page)).await;
    }

    async fn reaches(&self, page: u64) {
        while self.system.simulator.requests(Route::Users) < page {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// What a run is doing, or that it is queued; `None` once it has ended.
    pub(crate) async fn phase_of(&self, run: &str) -> Option<String> {
        let sql = format!(
            "SELECT CASE WHEN status = 'queued' THEN status ELSE phase END FROM sync_runs
             WHERE CAST(id AS text) = '{run}' AND status IN ('queued', 'running')"
        );
        self.system.database.texts(&sql).await.pop()
    }

    /// The time of every lease passes: whoever is alive takes the run up.
    pub(crate) async fn let_leases_pass(&self) {
        self.system.simulator.reset_requests();
        let sql = format!("UPDATE sync_runs SET lease_until = '{}' WHERE status = 'running'", self.long_ago());
        self.system.database.execute(&sql).await;
    }

    /// Waits until every run whose lease has passed has been taken up.
    pub(crate) async fn taken_up(&self) {
        let sql = format!(
            "SELECT CAST(id AS text) FROM sync_runs WHERE status = 'running' AND lease_until <= '{}'",
            self.long_ago()
        );
        let free = async || self.system.database.texts(&sql).await.is_empty().then_some(());
        wait_for("the taking up", free).await;
    }

    fn long_ago(&self) -> &'static str {
        match self.system.database.kind {
            Kind::Sqlite => "2000-01-01T00:00:00.000Z",
            Kind::Postgres => "2000-01-01",
        }
    }

    /// The disturbed run has ended as the other did, and did the same, once: its counts and its history are the same,
    /// and so are the tenants' users, versions included.
    pub(crate) async fn assert_alike(&self, run: &Value, calm: &Value) {
        assert_eq!((&run["status"], &run["counts"]), (&calm["status"], &calm["counts"]), "{run}");
        let Calm { tenant, token, .. } = &self.calm;
        assert_eq!(self.history(&self.system.token, run).await, self.history(token, calm).await);
        assert_eq!(self.users(&self.system.tenant).await, self.users(tenant).await);
        let open = "SELECT CAST(id AS text) FROM sync_runs WHERE status IN ('queued', 'running')";
        assert!(self.system.database.texts(open).await.is_empty(), "no run is left open");
    }

    async fn history(&self, token: &str, run: &Value) -> Vec<String> {
        let path = format!("/api/directory/runs/{}/changes", run["id"].as_str().unwrap());
        let line = |change: &Value| {
            let column = |name: &str| change[name].to_string();
            ["action", "outcome", "externalId", "email", "before", "after", "code"].map(column).join(" ")
        };
        let mut lines: Vec<String> = self.system.all_as(token, &path).await.iter().map(line).collect();
        lines.sort();
        lines
    }

    async fn users(&self, tenant: &str) -> Vec<String> {
        let text = "email || '|' || display_name || '|' || coalesce(given_name, '-') || '|' || coalesce(family_name, '-')
            || '|' || role || '|' || status || '|' || coalesce(deactivated_by, '-') || '|' || external_id || '|' || version
            || '|' || (deactivated_run_id IS NULL) || '|' || (deactivated_at IS NULL)";
        let mut users =
            self.system.database.texts(&format!("SELECT {text} FROM users WHERE tenant_id = '{tenant}'")).await;
        users.sort();
        assert!(users.len() >= 1_000, "everybody is there");
        users
    }
}
