//! A directory of your own kind: a text file with one user a line. Run it with
//! `cargo run -p examples --example custom_provider`.
//!
//! A provider only reads. It lists pages and says at the end whether the listing was complete; matching, safeguards,
//! history and everything else are the engine's.

use std::{path::PathBuf, sync::Arc, time::SystemTime};

use anyhow::{Context, Result, bail};
use async_trait::async_trait;
use crypto::Keyring;
use directory_core::{
    AccountKind, Check, CheckOutcome, CheckSubject, ConnectionSettings, Credential, DirectoryEntry, DirectoryProvider,
    DirectoryUser, ExternalId, FailureKind, Listing, ListingEnd, ListingPage, Policy, ProviderError, ProviderFactory,
    RunErrorCode, TenantId,
};
use secrecy::{ExposeSecret, SecretString};
use store::{Actor, CreatedRun, NewTenant, RunMode, Store, Trigger};
use store_sqlite::SqliteStore;
use sync_engine::{Providers, Registration, RunRequest, SyncEngine};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Makes providers for connections of the kind `file`; their directory id is the file's path.
struct FileFactory;

impl ProviderFactory for FileFactory {
    fn provider(&self) -> &'static str {
        "file"
    }

    fn connect(
        &self,
        settings: &ConnectionSettings,
        _credential: Credential,
    ) -> Result<Box<dyn DirectoryProvider>, ProviderError> {
        Ok(Box::new(FileDirectory { path: PathBuf::from(&settings.directory_id) }))
    }

    /// A file needs no credential, so none can end.
    fn expiry(&self, _credential: &Credential) -> Result<Option<SystemTime>, ProviderError> {
        Ok(None)
    }
}

struct FileDirectory {
    path: PathBuf,
}

#[async_trait]
impl DirectoryProvider for FileDirectory {
    async fn list(&self) -> Result<Box<dyn Listing>, ProviderError> {
        let text = std::fs::read_to_string(&self.path).map_err(|error| unreadable(&error))?;
        Ok(Box::new(FileListing { entries: text.lines().map(entry).collect() }))
    }

    async fn verify(&self) -> Vec<Check> {
        let outcome = match std::fs::metadata(&self.path) {
            Ok(_) => CheckOutcome::Passed,
            Err(error) => CheckOutcome::Failed(unreadable(&error)),
        };
        vec![Check { subject: CheckSubject::Users, outcome }]
    }
}

/// `id;address;name;enabled`. A line that is none of that is known to exist, if it has an id, and nothing more.
fn entry(line: &str) -> DirectoryEntry {
    let fields: Vec<&str> = line.split(';').collect();
    let id = fields.first().and_then(|id| ExternalId::parse(id));
    let (Some(external_id), [_, mail, name, enabled]) = (id.clone(), fields.as_slice()) else {
        return DirectoryEntry::Unreadable(id);
    };
    DirectoryEntry::Present(DirectoryUser {
        external_id,
        user_principal_name: None,
        mail: Some((*mail).to_owned()),
        display_name: Some((*name).to_owned()),
        given_name: None,
        family_name: None,
        enabled: enabled.parse().ok(),
        kind: AccountKind::Member,
    })
}

/// A real provider tells passing failures from those that an administrator has to mend.
fn unreadable(error: &std::io::Error) -> ProviderError {
    ProviderError {
        kind: FailureKind::Configuration,
        code: RunErrorCode::DirectoryNotFound,
        message: format!("The file cannot be read: {}.", error.kind()),
        hint: "Check the path and its permissions.".to_owned(),
        request_id: None,
    }
}

/// The whole file is one page. A directory behind a network fetches a page at a time here.
struct FileListing {
    entries: Vec<DirectoryEntry>,
}

#[async_trait]
impl Listing for FileListing {
    async fn next_page(&mut self) -> Result<ListingPage, ProviderError> {
        Ok(ListingPage { entries: std::mem::take(&mut self.entries), end: Some(ListingEnd::Complete) })
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("people.txt");
    std::fs::write(&file, "1;ann@example.org;Ann;true\n2;bob@example.org;Bob;false\n3;not enough\n")?;

    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(&folder.path().join("users.db")).await?);
    store.migrate().await?;
    let tenant = TenantId(Uuid::now_v7());
    let new = NewTenant { id: tenant, slug: "acme".to_owned(), name: "Acme".to_owned() };
    store.create_tenant(Actor::SYSTEM, &new).await?;
    let keyring = Keyring::parse(crypto::generate_key_line("example")?.expose_secret())?;
    let engine = SyncEngine::new(store.clone(), Arc::new(keyring), Providers::default().with(FileFactory));

    let registration = Registration {
        tenant,
        provider: "file".to_owned(),
        display_name: "People".to_owned(),
        directory_id: file.display().to_string(),
        client_id: String::new(),
        credential: Credential::ClientSecret(SecretString::from("none")),
        group_id: None,
        cloud: String::new(),
        default_role: "member".to_owned(),
        policy: Policy::default_for(false),
        schedule: None,
        credential_expires_at: None,
    };
    let connection = engine.register(Actor::SYSTEM, registration).await?;
    let request =
        RunRequest { tenant, connection: connection.id, mode: RunMode::Full, trigger: Trigger::Manual, dry_run: false };
    let CreatedRun::Queued(run) = engine.request_run(Actor::SYSTEM, request).await? else {
        bail!("another run is active")
    };
    let claim = engine.claim(tenant, run.id).await?.context("somebody else claimed the run")?;
    engine.execute(claim, &CancellationToken::new()).await;

    let run = store.run(tenant, run.id).await?.context("the run is gone")?;
    println!("{}: {} created, {} conflicts", run.status.as_str(), run.counts.created, run.counts.conflicts);
    Ok(())
}
