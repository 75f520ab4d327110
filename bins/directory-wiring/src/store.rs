//! The stores that the programs can open.

use std::sync::Arc;

use secrecy::ExposeSecret;
use store::Store;
use store_postgres::PostgresStore;
use store_sqlite::SqliteStore;

use crate::{DatabaseUrl, Settings, SettingsError, files};

/// Opens the database. The schema is the caller's: [`Store::migrate`] brings it up to date.
pub async fn open_store(settings: &Settings) -> anyhow::Result<Arc<dyn Store>> {
    Ok(match &settings.database_url {
        DatabaseUrl::Sqlite(path) => {
            // Made here, since SQLite would leave the modes to the umask; its other files take the database's mode.
            files::make_private_folder_of(path)?;
            files::make_private_file(path)?;
            Arc::new(SqliteStore::open(path).await?)
        }
        DatabaseUrl::Postgres(url) => {
            Arc::new(PostgresStore::connect(url.expose_secret()).map_err(SettingsError::DatabaseUrl)?)
        }
    })
}

/// Opens a database that is there, to be read and not written: `None` where it would be made on first use.
pub async fn existing_store(settings: &Settings) -> anyhow::Result<Option<Arc<dyn Store>>> {
    match &settings.database_url {
        DatabaseUrl::Sqlite(path) if !path.try_exists()? => Ok(None),
        DatabaseUrl::Sqlite(path) => Ok(Some(Arc::new(SqliteStore::open_to_read(path).await?))),
        // Connecting makes nothing.
        DatabaseUrl::Postgres(_) => open_store(settings).await.map(Some),
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt};

    use super::*;
    use crate::SettingsArgs;

    #[tokio::test]
    async fn a_new_sqlite_database_is_its_owners_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data/directory.db");
        let args =
            SettingsArgs { database_url: Some(format!("sqlite://{}", path.display())), ..SettingsArgs::default() };
        let store = open_store(&args.resolve().unwrap()).await.unwrap();
        store.migrate().await.unwrap();
        for entry in fs::read_dir(path.parent().unwrap()).unwrap() {
            let entry = entry.unwrap();
            assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o077, 0, "{:?}", entry.file_name());
        }
        assert!(path.exists());
    }
}
