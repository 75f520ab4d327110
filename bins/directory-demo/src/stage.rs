//! What the story needs: a simulator, an embedded store in a temporary folder, an engine and a tenant with a token.

use std::{net::SocketAddr, sync::Arc};

use anyhow::{Context, Result};
use crypto::{ApiToken, Keyring};
use directory_core::TenantId;
use entra_simulator::{Config, Simulator};
use http_api::{ApiConfig, Server};
use provider_entra::{EntraFactory, EntraOptions};
use secrecy::{ExposeSecret, SecretString};
use store::{Actor, NewTenant, NewToken, Store, TokenRole};
use store_sqlite::SqliteStore;
use sync_engine::{Providers, SyncEngine, Worker};
use tempfile::TempDir;
use uuid::Uuid;

pub(crate) struct Stage {
    pub(crate) simulator: Simulator,
    pub(crate) engine: SyncEngine,
    pub(crate) tenant: TenantId,
    pub(crate) token: SecretString,
    /// Holds the database; removed when the stage is struck.
    _folder: TempDir,
}

impl Stage {
    pub(crate) async fn set(users: u32) -> Result<Self> {
        let simulator = Simulator::start(Config::with_users(users)).context("the simulator did not start")?;
        let folder = tempfile::tempdir()?;
        let store: Arc<dyn Store> = Arc::new(SqliteStore::open(&folder.path().join("directory.db")).await?);
        store.migrate().await?;

        let key = crypto::generate_key_line("demo")?;
        let keyring = Keyring::parse(key.expose_secret())?;
        let entra = EntraFactory::new(EntraOptions {
            login_url: Some(simulator.login_url().parse()?),
            graph_url: Some(simulator.graph_url().parse()?),
            ..EntraOptions::default()
        })?;
        let engine = SyncEngine::new(store.clone(), Arc::new(keyring), Providers::default().with(entra));

        let tenant = TenantId(Uuid::now_v7());
        store
            .create_tenant(Actor::SYSTEM, &NewTenant { id: tenant, slug: "acme".to_owned(), name: "Acme".to_owned() })
            .await?;
        let (token, hash) = ApiToken::generate()?;
        let name = "demo".to_owned();
        let (role, hash) = (TokenRole::Admin, *hash.as_bytes());
        store
            .create_token(Actor::SYSTEM, &NewToken { id: Uuid::now_v7(), tenant, name, role, hash, expires_at: None })
            .await?;
        Ok(Self { simulator, engine, tenant, token, _folder: folder })
    }

    pub(crate) fn serve(&self, listen: SocketAddr) -> Result<Server> {
        Server::bind(listen, self.engine.clone(), ApiConfig::default())
            .with_context(|| format!("cannot listen on {listen}"))
    }

    pub(crate) fn worker(&self) -> Worker {
        Worker::new(self.engine.clone(), 1)
    }
}
