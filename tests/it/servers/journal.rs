//! What became of each run and at whose hands, written down by the database itself: a trigger of the test's, which no
//! program knows of.

use std::collections::{BTreeMap, BTreeSet};

use crate::support::Database;

/// Each server goes by its connections' `application_name`. Runs are counted as they are once the entry's write is done.
const JOURNAL: [&str; 3] = [
    "CREATE TABLE journal (
         n bigserial PRIMARY KEY, run uuid NOT NULL, server text NOT NULL, was text, token_was uuid,
         became text NOT NULL, token uuid, of_tenant bigint NOT NULL, of_all bigint NOT NULL
     )",
    "CREATE FUNCTION note_in_journal() RETURNS trigger LANGUAGE plpgsql AS $$
     BEGIN
         INSERT INTO journal (run, server, was, token_was, became, token, of_tenant, of_all)
         SELECT NEW.id, current_setting('application_name'),
             CASE WHEN TG_OP = 'UPDATE' THEN OLD.status END, CASE WHEN TG_OP = 'UPDATE' THEN OLD.lease_token END,
             NEW.status, NEW.lease_token, count(*) FILTER (WHERE tenant_id = NEW.tenant_id), count(*)
         FROM sync_runs WHERE status = 'running';
         RETURN NULL;
     END
     $$",
    "CREATE TRIGGER note_in_journal AFTER INSERT OR UPDATE OF status, lease_token ON sync_runs
     FOR EACH ROW EXECUTE FUNCTION note_in_journal()",
];

pub(super) async fn begin(database: &Database) {
    for sql in JOURNAL {
        database.execute(sql).await;
    }
}

/// The time of the leases passes that this server has.
pub(super) async fn let_leases_pass(database: &Database, server: &str) {
    let sql = format!(
        "UPDATE sync_runs SET lease_until = '2000-01-01'
         WHERE status = 'running' AND lease_token IN (SELECT token FROM journal WHERE server = '{server}')"
    );
    database.execute(&sql).await;
}

/// A change of a run's status or holder.
pub(super) struct Entry {
    run: String,
    server: String,
    was: String,
    token_was: String,
    became: String,
    token: String,
    of_tenant: u32,
    of_all: u32,
}

pub(super) struct Journal {
    entries: Vec<Entry>,
    /// Who made each lease.
    holders: BTreeMap<String, String>,
}

impl Journal {
    pub(super) async fn read(database: &Database) -> Self {
        let columns = ["run", "server", "was", "token_was", "became", "token", "of_tenant", "of_all"];
        let columns = columns.map(|column| format!("coalesce({column}::text, '')")).join(" || '|' || ");
        let lines = database.texts(&format!("SELECT {columns} FROM journal ORDER BY n")).await;
        let entries: Vec<Entry> = lines.iter().map(|line| entry(line)).collect();
        let claims = entries.iter().filter(|entry| entry.is_claim());
        let holders = claims.map(|claim| (claim.token.clone(), claim.server.clone())).collect();
        Self { entries, holders }
    }

    /// Claims of queued runs, the runs' first ones and others.
    pub(super) fn claims(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| entry.is_claim() && entry.was == "queued")
    }

    /// From when the run was queued first, how many others were claimed before it was.
    pub(super) fn claims_before(&self, run: &str) -> usize {
        let since = self.entries.iter().position(|entry| entry.run == run).expect("the run was queued");
        let claims = self.entries[since..].iter().filter(|entry| entry.is_claim() && entry.was == "queued");
        claims.take_while(|entry| entry.run != run).count()
    }

    /// Whose leases were taken over while their runs were running, once for each time.
    pub(super) fn robbed(&self) -> Vec<&str> {
        let taken = self.entries.iter().filter(|entry| entry.is_claim() && entry.was == "running");
        taken.map(|entry| self.holders[&entry.token_was].as_str()).collect()
    }

    /// Who gave runs back.
    pub(super) fn gave_back(&self) -> BTreeSet<&str> {
        let given = self.entries.iter().filter(|entry| entry.was == "running" && entry.became == "queued");
        given.map(|entry| self.holders[&entry.token_was].as_str()).collect()
    }

    /// How often, and as what, each run ended. Whoever had its lease must have said so.
    pub(super) fn ends(&self) -> BTreeMap<&str, Vec<&str>> {
        let mut ends = BTreeMap::<&str, Vec<&str>>::new();
        for entry in self.entries.iter().filter(|entry| entry.became != "queued" && entry.became != "running") {
            assert_eq!(self.holders[&entry.token_was], entry.server, "{} was another's", entry.run);
            ends.entry(&entry.run).or_default().push(&entry.became);
        }
        ends
    }

    /// The most runs that were running at a time: of one tenant, and of all.
    pub(super) fn most(&self) -> (u32, u32) {
        let most = |number: fn(&Entry) -> u32| self.entries.iter().map(number).max().unwrap_or(0);
        (most(|entry| entry.of_tenant), most(|entry| entry.of_all))
    }
}

impl Entry {
    fn is_claim(&self) -> bool {
        self.became == "running" && self.token != self.token_was
    }
}

fn entry(line: &str) -> Entry {
    let fields: Vec<&str> = line.split('|').collect();
    let [run, server, was, token_was, became, token, of_tenant, of_all] = fields[..] else {
        panic!("not an entry: {line}")
    };
    let own = str::to_owned;
    Entry {
        run: own(run),
        server: own(server),
        was: own(was),
        token_was: own(token_was),
        became: own(became),
        token: own(token),
        of_tenant: of_tenant.parse().unwrap(),
        of_all: of_all.parse().unwrap(),
    }
}
