//! The database opened, and the things that a command's arguments name found in it.

use std::sync::Arc;

use anyhow::{Context, bail};
use crypto::Keyring;
use directory_core::ConnectionId;
use directory_wiring::{Settings, SettingsArgs, init_logging, open_keyring, open_store, providers, webhook_sender};
use store::{Actor, Connection, IdPage, Store, Tenant};
use sync_engine::SyncEngine;

use crate::{exit::BadUsage, output::Format, words};

const CONNECTION_PAGE: u32 = 200;

/// What every command is told, apart from its own arguments.
pub(crate) struct Invocation {
    settings: SettingsArgs,
    /// The form of data.
    pub(crate) format: Format,
    tenant: Option<String>,
}

impl Invocation {
    /// From the flags; of the tenant, from the environment where no flag says it.
    pub(crate) fn resolve(settings: SettingsArgs, format: Option<Format>, tenant: Option<String>) -> Self {
        let tenant = tenant.or_else(|| std::env::var("DIRECTORY_TENANT").ok().filter(|slug| !slug.is_empty()));
        Self { settings, format: Format::resolve(format), tenant }
    }

    /// The settings' flags.
    pub(crate) fn settings(&self) -> &SettingsArgs {
        &self.settings
    }

    /// Opens keys and database, and brings the schema up to date.
    pub(crate) async fn open(self) -> anyhow::Result<Session> {
        let settings = self.settings.resolve()?;
        // Less than a server logs: what came of a command it says itself.
        init_logging(&settings.log, "error");
        let keyring = Arc::new(open_keyring(&settings)?);
        let store = open_store(&settings).await?;
        store.migrate().await.context("cannot bring the database's schema up to date")?;
        Ok(Session { store, by: operator(), keyring, settings, format: self.format, tenant: self.tenant })
    }
}

/// An open database.
pub(crate) struct Session {
    /// The store.
    pub(crate) store: Arc<dyn Store>,
    /// Who runs the command, for the audit log.
    pub(crate) by: Actor,
    /// The form of data.
    pub(crate) format: Format,
    keyring: Arc<Keyring>,
    settings: Settings,
    tenant: Option<String>,
}

impl Session {
    /// The encryption keys.
    pub(crate) fn keyring(&self) -> &Keyring {
        &self.keyring
    }

    /// An engine, for the commands that reach a directory.
    pub(crate) fn engine(&self) -> anyhow::Result<SyncEngine> {
        let engine = SyncEngine::new(Arc::clone(&self.store), Arc::clone(&self.keyring), providers(&self.settings)?);
        Ok(engine.with_options(self.settings.engine_options()))
    }

    /// The same for the commands about webhooks. Reading the certificates of all the world takes longer than a small sync.
    pub(crate) fn engine_with_webhooks(&self) -> anyhow::Result<SyncEngine> {
        Ok(self.engine()?.with_webhooks(webhook_sender(&self.settings)?))
    }

    /// The tenant that was named, or the only one.
    pub(crate) async fn tenant(&self) -> anyhow::Result<Tenant> {
        if let Some(slug) = &self.tenant {
            let tenant = self.store.tenant_by_slug(slug).await?;
            return tenant
                .with_context(|| format!("there is no tenant `{slug}`; `directoryctl tenant list` shows them"));
        }
        let mut tenants = self.store.tenants().await?;
        match (tenants.pop(), tenants.len()) {
            (Some(only), 0) => Ok(only),
            (Some(_), others) => {
                Err(BadUsage(format!("there are {} tenants: say which one with --tenant SLUG", others + 1)).into())
            }
            (None, _) => bail!("there is no tenant yet; make one with `directoryctl tenant create SLUG`"),
        }
    }

    /// The tenant's connection of this id or display name.
    pub(crate) async fn connection(&self, tenant: &Tenant, named: &str) -> anyhow::Result<Connection> {
        if let Ok(id) = named.parse::<ConnectionId>()
            && let Some(connection) = self.store.connection(tenant.id, id).await?
        {
            return Ok(connection);
        }
        let all = self.connections(tenant).await?;
        let mut fitting: Vec<Connection> = all.into_iter().filter(|one| one.display_name == named).collect();
        match (fitting.pop(), fitting.as_slice()) {
            (Some(only), []) => Ok(only),
            (Some(last), others) => Err(BadUsage(ambiguous(named, others, &last)).into()),
            (None, _) => bail!(
                "there is no connection `{named}` in tenant `{}`; `directoryctl connection list` shows them",
                tenant.slug
            ),
        }
    }

    /// The connection that was named, or the tenant's only one.
    pub(crate) async fn connection_or_only(&self, tenant: &Tenant, named: Option<&str>) -> anyhow::Result<Connection> {
        if let Some(named) = named {
            return self.connection(tenant, named).await;
        }
        let mut all = self.connections(tenant).await?;
        match (all.pop(), all.len()) {
            (Some(only), 0) => Ok(only),
            (Some(_), others) => {
                Err(BadUsage(format!("there are {} connections: say which one by id or display name", others + 1))
                    .into())
            }
            (None, _) => {
                bail!("tenant `{}` has no connection yet; make one with `directoryctl connection add`", tenant.slug)
            }
        }
    }

    /// All connections of a tenant, oldest first.
    pub(crate) async fn connections(&self, tenant: &Tenant) -> anyhow::Result<Vec<Connection>> {
        let mut all: Vec<Connection> = Vec::new();
        loop {
            let after = all.last().map(|last| last.id.0);
            let page = self.store.connections(tenant.id, IdPage { after, limit: CONNECTION_PAGE }).await?;
            if page.is_empty() {
                return Ok(all);
            }
            all.extend(page);
        }
    }
}

fn ambiguous(name: &str, others: &[Connection], last: &Connection) -> String {
    let ids: Vec<String> = others.iter().chain([last]).map(|one| one.id.to_string()).collect();
    format!("several connections are called `{name}`: say which one by its id: {}", ids.join(", "))
}

/// Whoever runs the command, as far as its environment says: who became another user before who that is. It is as honest
/// as whoever has the database's settings, and so could write what they like anyway.
fn operator() -> Actor {
    let named = ["SUDO_USER", "USER", "LOGNAME"].into_iter().filter_map(|variable| std::env::var(variable).ok());
    Actor::operator(first_name(named))
}

fn first_name(mut names: impl Iterator<Item = String>) -> Option<String> {
    names.find_map(|name| words::name(&name).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_name_that_is_one_is_taken() {
        let first = |names: &[&str]| first_name(names.iter().map(|&name| name.to_owned()));
        assert_eq!(first(&["", "a\nb", "zoe", "root"]).as_deref(), Some("zoe"));
        assert_eq!(first(&[]), None);
    }
}
