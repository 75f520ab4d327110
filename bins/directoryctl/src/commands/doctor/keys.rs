//! The encryption keys: whether they are there, and open what is stored.

use std::sync::Arc;

use anyhow::{Context as _, ensure};
use crypto::{Context, Keyring, Purpose};
use directory_wiring::{KeySource, Settings, error_line, existing_keyring, providers};
use secrecy::ExposeSecret;
use store::Store;
use sync_engine::SyncEngine;

use super::{database::Patience, report::Report};

const KEYS: &str = "encryption keys";
const CREDENTIALS: &str = "stored credentials";

/// The keys, if they are there. A file of keys that others may open is refused where it is read.
pub(super) fn check(report: &mut Report, settings: &Settings) -> Option<Keyring> {
    match existing_keyring(settings) {
        Ok(Some(keyring)) => match try_out(&keyring) {
            Ok(()) => {
                let others = keyring.kids().count().saturating_sub(1);
                let from = match &settings.keys {
                    KeySource::File(path) | KeySource::MadeOnFirstUse { path, .. } => {
                        format!(" from {}", path.display())
                    }
                    KeySource::Keys { .. } | KeySource::Missing => String::new(),
                };
                report
                    .ok(KEYS, format!("`{}` seals and opens{from}; {others} more to open with", keyring.primary_kid()));
                Some(keyring)
            }
            Err(error) => {
                report.fail(KEYS, error_line(&error), "this is a fault of the machine or of the program");
                None
            }
        },
        Ok(None) => {
            let hint = "nothing needs to be done: one is made with the database";
            report.warn(KEYS, "there are none yet", hint);
            None
        }
        Err(error) => {
            report.fail(
                KEYS,
                error_line(&error),
                "give every program the same keys; `directoryctl key status` counts what they open",
            );
            None
        }
    }
}

/// Seals something and opens it again.
fn try_out(keyring: &Keyring) -> anyhow::Result<()> {
    const TEXT: &str = "self check";
    let context = Context { tenant: &[0; 16], row: &[0; 16], purpose: Purpose::ClientSecret };
    let sealed = keyring.seal(TEXT.as_bytes(), &context).context("the key does not seal")?;
    let opened = keyring.open_string(sealed.as_bytes(), &context).context("the key does not open what it sealed")?;
    ensure!(opened.expose_secret() == TEXT, "the key opens something else than it sealed");
    Ok(())
}

/// Every stored credential is opened.
pub(super) async fn check_credentials(
    report: &mut Report,
    settings: &Settings,
    store: Arc<dyn Store>,
    keyring: Keyring,
    patience: Patience,
) {
    let looked = patience.of(async {
        let engine = SyncEngine::new(store, Arc::new(keyring), providers(settings)?);
        Ok((engine.key_use().await?, engine.unopened_credentials().await?))
    });
    match looked.await {
        Ok((used, unopened)) if unopened.is_empty() => {
            let all: u64 = used.iter().map(|key| key.credentials).sum();
            report.ok(CREDENTIALS, format!("all {all} open"));
        }
        Ok((used, unopened)) => {
            let all: u64 = used.iter().map(|key| key.credentials).sum();
            let why = &unopened[0].reason;
            let detail = format!("{} of {all} do not open; the first because {why}", unopened.len());
            report.fail(CREDENTIALS, detail, "`directoryctl key status` names them and what to do");
        }
        Err(error) => report.fail(CREDENTIALS, error_line(&error), "see the database"),
    }
}
