//! The database's files: made for their owner alone, and locked where SQLite does not do it itself.

use std::{
    ffi::OsString,
    fs::{DirBuilder, File, OpenOptions},
    io,
    path::{Path, PathBuf},
};

use store::StoreError;

/// A file or folder that could not be used. The path is what an administrator needs to mend it.
#[derive(Debug, thiserror::Error)]
#[error("cannot {what} {}", path.display())]
struct FileError {
    what: &'static str,
    path: PathBuf,
    source: io::Error,
}

/// Makes an empty database file where there is none.
pub(crate) async fn create(path: &Path) -> Result<(), StoreError> {
    blocking(path, |path| make(path).map(drop)).await
}

/// Locks the file beside the database for this process, once whoever has it lets it go. Dropping the answer unlocks.
pub(crate) async fn lock(path: &Path) -> Result<File, StoreError> {
    blocking(path, |path| {
        let path = lock_path(path);
        let file = make(&path)?;
        file.lock().map_err(|source| FileError { what: "lock", path, source })?;
        Ok(file)
    })
    .await
}

/// The name of the lock's file.
fn lock_path(path: &Path) -> PathBuf {
    beside(path, ".migrate-lock")
}

/// The name of SQLite's log, which is there while anybody has the database open.
pub(crate) fn log_of(path: &Path) -> PathBuf {
    beside(path, "-wal")
}

fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(end);
    PathBuf::from(name)
}

async fn blocking<T: Send + 'static>(
    path: &Path,
    work: impl FnOnce(&Path) -> Result<T, FileError> + Send + 'static,
) -> Result<T, StoreError> {
    let path = path.to_owned();
    match tokio::task::spawn_blocking(move || work(&path)).await {
        Ok(done) => done.map_err(|error| StoreError::Database(Box::new(error))),
        Err(stopped) => Err(StoreError::Unavailable(Box::new(stopped))),
    }
}

/// Opens the file, and makes it and its folders where they are missing. What is there already keeps its mode.
fn make(path: &Path) -> Result<File, FileError> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        owners_folders().create(folder).map_err(|source| FileError {
            what: "make the folder",
            path: folder.to_owned(),
            source,
        })?;
    }
    owners_file().read(true).write(true).create(true).truncate(false).open(path).map_err(|source| FileError {
        what: "open",
        path: path.to_owned(),
        source,
    })
}

fn owners_folders() -> DirBuilder {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
}

/// SQLite gives the files that it makes beside the database the database's mode.
fn owners_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_lies_beside_the_database() {
        assert_eq!(lock_path(Path::new("a/b.db")), Path::new("a/b.db.migrate-lock"));
    }

    #[test]
    fn an_error_says_which_file() {
        let error = make(Path::new("/dev/null/x/y.db")).unwrap_err();
        assert_eq!(error.to_string(), "cannot make the folder /dev/null/x");
    }
}
