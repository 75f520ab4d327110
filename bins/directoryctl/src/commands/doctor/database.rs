//! The database: whether it answers, what it is, how far its schema.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use chrono::Utc;
use directory_core::ExpiryWarning;
use directory_wiring::{DatabaseUrl, Settings, Skew, error_line, existing_store};
use store::{CloudInUse, Migrations, Store, StoreError, TenantWall};
use tokio::time::{Instant, timeout_at};

use super::{clock, report::Report};

/// For all questions together. With those to the hosts, doctor stays within half a minute.
const PATIENCE: Duration = Duration::from_secs(15);

/// Credentials read at a time.
const PAGE: u32 = 500;

const DATABASE: &str = "database";
const MIGRATIONS: &str = "migrations";
const WALL: &str = "row-level security";
const EXPIRY: &str = "credential expiry";

/// The store, if it can be asked further questions.
pub(super) async fn check(report: &mut Report, settings: &Settings, patience: Patience) -> Option<Arc<dyn Store>> {
    let hint = match &settings.database_url {
        DatabaseUrl::Sqlite(_) => "see that the file is a database of this program and that this user may read it",
        DatabaseUrl::Postgres(_) => {
            "see that the server runs, that the network lets this machine through, and that the database URL's host, user, \
             password and database are right"
        }
    };
    let store = match patience.of(existing_store(settings)).await {
        Ok(Some(store)) => store,
        Ok(None) => {
            let hint = "nothing needs to be done: any other command makes it";
            report.warn(DATABASE, "there is none yet", hint);
            return None;
        }
        Err(error) => {
            report.fail(DATABASE, error_line(&error), hint);
            return None;
        }
    };
    let asked = SystemTime::now();
    match patience.of(async { Ok(store.examine().await?) }).await {
        Ok(found) => {
            report.ok(DATABASE, format!("{} answers", found.software));
            if let Some(now) = found.now {
                // It answered at some time since it was asked.
                let here = asked + asked.elapsed().unwrap_or_default() / 2;
                clock::check(report, "the database", Skew::between(now.into(), here));
            }
            check_migrations(report, &found.migrations).then_some(store)
        }
        Err(error) => {
            report.fail(DATABASE, error_line(&error), hint);
            None
        }
    }
}

/// Whether this program can work with the schema.
fn check_migrations(report: &mut Report, found: &Migrations) -> bool {
    let Migrations { applied, pending, newer, strange } = found;
    if let Some(obstacle) = found.obstacle() {
        let (detail, hint) = if strange.is_empty() {
            (
                format!("{obstacle}: {} of {} are applied", applied.len(), applied.len() + pending.len()),
                "`directoryctl migrate` applies them, and so does any start of the server",
            )
        } else {
            (obstacle, "this is another program's database, or it was changed by hand: go back to a copy of it")
        };
        report.fail(MIGRATIONS, detail, hint);
    } else if newer.is_empty() {
        report.ok(MIGRATIONS, format!("all {} are applied", applied.len()));
    } else {
        let hint = "this program works beside it; bring it to the same version when you can";
        report.warn(MIGRATIONS, format!("a newer program has applied {} more", newer.len()), hint);
    }
    found.obstacle().is_none()
}

/// Whether the database keeps tenants apart by itself, where it can.
pub(super) async fn check_wall(report: &mut Report, store: &dyn Store, patience: Patience) {
    match patience.of(async { Ok(store.tenant_wall().await?) }).await {
        Ok(TenantWall::Absent) => {}
        Ok(TenantWall::Stands) => report.ok(WALL, "keeps tenants apart in the database as well"),
        Ok(TenantWall::RolePasses) => report.warn(
            WALL,
            "does not bind the role that the database URL names",
            "connect as a role that is no superuser and has no BYPASSRLS; only the programs keep tenants apart until then",
        ),
        Ok(TenantWall::TablesOpen(tables)) => report.warn(
            WALL,
            format!("is not in force in {}", tables.join(", ")),
            "let FORCE ROW LEVEL SECURITY be as the migrations set it; only the programs keep tenants apart until then",
        ),
        Err(error) => report.fail(WALL, error_line(&error), "see the database"),
    }
}

/// The clouds whose hosts matter. Where that cannot be found out, the usual ones are asked.
pub(super) async fn clouds(store: &dyn Store, patience: Patience) -> Vec<CloudInUse> {
    patience.of(async { Ok(store.clouds_in_use().await?) }).await.unwrap_or_default()
}

/// How many credentials have ended or soon will.
pub(super) async fn check_expiry(report: &mut Report, store: &dyn Store, patience: Patience) {
    const HINT: &str = "`directoryctl connection list` shows which; `directoryctl connection set-secret` replaces them";
    match patience.of(async { Ok(ending(store).await?) }).await {
        Ok((0, 0)) => report.ok(EXPIRY, "no credential is known to end within 30 days"),
        Ok((0, soon)) => report.warn(EXPIRY, format!("{soon} end within 30 days"), HINT),
        Ok((ended, soon)) => report.warn(EXPIRY, format!("{ended} have ended, {soon} end within 30 days"), HINT),
        Err(error) => report.fail(EXPIRY, error_line(&error), "see the database"),
    }
}

/// Ended ones, and others that soon will.
async fn ending(store: &dyn Store) -> Result<(u64, u64), StoreError> {
    let now = Utc::now();
    let (mut ended, mut soon, mut after) = (0, 0, None);
    loop {
        let page = store.expiring_credentials(now + ExpiryWarning::HORIZON, after, PAGE).await?;
        let Some(last) = page.last() else { return Ok((ended, soon)) };
        after = Some((last.tenant, last.connection));
        for credential in &page {
            match ExpiryWarning::of(credential.expires_at.into(), now.into()) {
                Some(ExpiryWarning::Expired) => ended += 1,
                Some(_) => soon += 1,
                None => {}
            }
        }
    }
}

/// What is left of the time for the database.
#[derive(Clone, Copy)]
pub(super) struct Patience(Instant);

impl Patience {
    pub(super) fn begin() -> Self {
        Self(Instant::now() + PATIENCE)
    }

    /// An answer in good time.
    pub(super) async fn of<T>(self, question: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
        timeout_at(self.0, question).await.unwrap_or_else(|_| Err(anyhow::anyhow!("it does not answer in time")))
    }
}
