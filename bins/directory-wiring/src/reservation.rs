//! One server for each SQLite database.
//!
//! Two would not harm the data, since each run has its lease. But neither hears of what the other one queues, and both
//! write to one file in turns: who starts a second one has something else in mind. The command line reserves nothing, and
//! works beside the server.

use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions, TryLockError},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use crate::{DatabaseUrl, Settings, SettingsError, files};

/// Keeps other servers off the database for as long as it lives. The operating system ends it with the process, however
/// that dies.
#[derive(Debug)]
#[must_use = "the database is reserved for as long as this lives"]
pub struct Reservation {
    /// The lock is the open file's. PostgreSQL needs none.
    _lock: Option<File>,
}

/// Reserves the database for this server. To be called once the keys are open: where there is no database yet, its file is
/// made.
pub fn reserve_database(settings: &Settings) -> Result<Reservation, SettingsError> {
    let lock = match &settings.database_url {
        DatabaseUrl::Sqlite(path) => Some(lock(path)?),
        DatabaseUrl::Postgres(_) => None,
    };
    Ok(Reservation { _lock: lock })
}

/// The lock is beside the database's real file, whichever way it was named. It is not on the file itself: closing that, in
/// whatever part of a process, takes SQLite's own locks away.
fn lock(database: &Path) -> Result<File, SettingsError> {
    files::make_private_folder_of(database)?;
    if !database.exists() {
        // Also where a link leads that leads nowhere yet.
        open(database)?;
    }
    let real =
        fs::canonicalize(database).map_err(|source| SettingsError::Unreadable { path: database.to_owned(), source })?;
    let path = lock_path(&real);
    let file = open(&path)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(SettingsError::Reserved { path: real }),
        Err(TryLockError::Error(source)) => Err(SettingsError::Unlockable { path, source }),
    }
}

/// Opens the file, and makes it for its owner only where there is none.
fn open(path: &Path) -> Result<File, SettingsError> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false).mode(0o600);
    options.open(path).map_err(|source| SettingsError::Unmakable { path: path.to_owned(), source })
}

fn lock_path(database: &Path) -> PathBuf {
    let mut name = OsString::from(database);
    name.push(".server-lock");
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;
    use crate::{SettingsArgs, error_line, exit_code_of};

    fn settings(path: &Path) -> Settings {
        let url = format!("sqlite://{}", path.display());
        SettingsArgs { database_url: Some(url), ..SettingsArgs::default() }.resolve().unwrap()
    }

    #[test]
    fn one_server_has_the_database_until_it_ends() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data/directory.db");
        let first = reserve_database(&settings(&path)).unwrap();
        let error = anyhow::Error::from(reserve_database(&settings(&path)).unwrap_err());
        assert_eq!(exit_code_of(&error), 2);
        let real = path.canonicalize().unwrap();
        assert!(error_line(&error).starts_with(&format!("another directory-server is running on {}", real.display())));
        drop(first);
        let again = reserve_database(&settings(&path)).unwrap();
        let mode = lock_path(&path).metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        drop(again);
    }

    #[test]
    fn another_name_is_the_same_database() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data/directory.db");
        let file_link = folder.path().join("link.db");
        symlink(&path, &file_link).unwrap();
        fs::create_dir(path.parent().unwrap()).unwrap();
        let _first = reserve_database(&settings(&file_link)).unwrap();
        let folder_link = folder.path().join("other");
        symlink(path.parent().unwrap(), &folder_link).unwrap();
        for name in [
            path.clone(),
            file_link,
            folder_link.join("directory.db"),
            folder.path().join("data/../data/./directory.db"),
        ] {
            let refused = reserve_database(&settings(&name));
            assert!(matches!(refused, Err(SettingsError::Reserved { .. })), "{}: {refused:?}", name.display());
        }
    }

    #[test]
    fn other_databases_have_their_own_servers() {
        let folder = tempfile::tempdir().unwrap();
        let _one = reserve_database(&settings(&folder.path().join("one.db"))).unwrap();
        let _two = reserve_database(&settings(&folder.path().join("two.db"))).unwrap();
        let url = Some("postgres://127.0.0.1:1/nobody".to_owned());
        let postgres = SettingsArgs { database_url: url, ..SettingsArgs::default() }.resolve().unwrap();
        let _three = reserve_database(&postgres).unwrap();
        let _four = reserve_database(&postgres).unwrap();
    }
}
