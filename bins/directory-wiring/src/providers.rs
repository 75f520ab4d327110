//! The directories that the programs can read.

use anyhow::Context;
use provider_entra::{EntraFactory, EntraOptions};
use sync_engine::Providers;

use crate::Settings;

/// Every provider, one line each.
pub fn providers(settings: &Settings) -> anyhow::Result<Providers> {
    let entra = entra_options(settings);
    Ok(Providers::default().with(EntraFactory::new(entra).context("cannot set up Microsoft Entra ID")?))
}

pub(crate) fn entra_options(settings: &Settings) -> EntraOptions {
    EntraOptions {
        login_url: settings.login_url.clone(),
        graph_url: settings.graph_url.clone(),
        federated_token_file: settings.federated_token_file.clone(),
        ..EntraOptions::default()
    }
}
