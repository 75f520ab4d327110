//! `doctor`: looks at everything that the programs need, and says of each thing how it is and what to do. It goes on where
//! something is broken, and it changes nothing: no migration, no file.

mod clock;
mod database;
mod hosts;
mod keys;
mod report;
mod settings;

use directory_wiring::{Settings, init_logging};

use self::{database::Patience, report::Report};
use crate::{exit::Exit, session::Invocation};

/// Asks the database first, since it knows which hosts matter.
pub(crate) async fn run(invocation: Invocation) -> anyhow::Result<Exit> {
    let mut report = Report::default();
    let settings = settings::check(&mut report, invocation.settings());
    if let Some(settings) = &settings {
        // What is wrong is in the report.
        init_logging(&settings.log, "off");
        examine(&mut report, settings).await;
    }
    invocation.format.show(&report, report::table)?;
    Ok(match settings {
        None => Exit::BadUsage,
        Some(_) if report.has_failed() => Exit::Failed,
        Some(_) => Exit::Done,
    })
}

async fn examine(report: &mut Report, settings: &Settings) {
    let keyring = keys::check(report, settings);
    let mut clouds = Vec::new();
    let patience = Patience::begin();
    if let Some(store) = database::check(report, settings, patience).await {
        clouds = database::clouds(&*store, patience).await;
        database::check_wall(report, &*store, patience).await;
        database::check_expiry(report, &*store, patience).await;
        if let Some(keyring) = keyring {
            keys::check_credentials(report, settings, store, keyring, patience).await;
        }
    }
    hosts::check(report, settings, &clouds).await;
}
