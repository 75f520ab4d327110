//! The database: whether it answers, what it is, how far its schema.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use chrono::Utc;
use directory_core::ExpiryWarning;
use directory_wiring::{DatabaseUrl, Settings, Skew, error_line, existing_store};
use store::{CloudInUse, Migrations, Store, StoreError};
use tokio::time::timeout;

use super::{clock, report::Report};

/// For one question. With those to the hosts it stays within half a minute.
const PATIENCE: Duration = Duration::from_secs(6);

/// Credentials read at a time.
const PAGE: u32 = 500;

const DATABASE: &str = "database";
const MIGRATIONS: &str = "migrations";
const EXPIRY: &str = "credential expiry";

/// The store, if it can be asked further questions.
pub(super) async fn check(report: &mut Report, settings: &Settings) -> Option<Arc<dyn Store>> {
    let hint = match &settings.database_url {
        DatabaseUrl::Sqlite(_) => "see that the file is a database of this program and that this user may read it",
        DatabaseUrl::Postgres(_) => {
            "see that the server runs, that the network lets this machine through, and that the database URL's host, user, \
             password and database are right"
        }
    };
    let store = match within(existing_store(settings)).await {
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
    match within(async { Ok(store.examine().await?) }).await {
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

/// The clouds whose hosts matter. Where that cannot be found out, the usual ones are asked.
pub(super) async fn clouds(store: &dyn Store) -> Vec<CloudInUse> {
    within(async { Ok(store.clouds_in_use().await?) }).await.unwrap_or_default()
}

/// How many credentials have ended or soon will.
pub(super) async fn check_expiry(report: &mut Report, store: &dyn Store) {
    const HINT: &str = "`directoryctl connection list` shows which; `directoryctl connection set-secret` replaces them";
    match within(async { Ok(ending(store).await?) }).await {
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

/// An answer in good time.
pub(super) async fn within<T>(question: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    timeout(PATIENCE, question).await.unwrap_or_else(|_| Err(anyhow::anyhow!("it does not answer in time")))
}
