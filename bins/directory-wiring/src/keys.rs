//! The encryption keys: from the environment, from a file, or made on first use.

use std::{
    fmt,
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use crypto::{Keyring, KeyringError, generate_key_line};
use secrecy::{ExposeSecret, SecretString};
use tempfile::NamedTempFile;

use crate::{Origin, Settings, SettingsError, files};

/// The key file's name beside a SQLite database.
pub(crate) const KEY_FILE_NAME: &str = "encryption.keys";

/// The id of a key made on first use.
const FIRST_KEY_ID: &str = "k1";

/// Where the keys come from.
#[derive(Clone)]
pub enum KeySource {
    /// They are the setting itself.
    Keys {
        /// `KID:BASE64[,KID:BASE64…]`.
        keys: SecretString,
        /// Where they were set.
        origin: Origin,
    },
    /// A file that was named, and must be there.
    File(PathBuf),
    /// The usual file beside a SQLite database, made together with it.
    MadeOnFirstUse {
        /// The key file.
        path: PathBuf,
        /// The database.
        database: PathBuf,
    },
    /// None is set, and none may be invented, since several processes may share the database.
    Missing,
}

impl fmt::Debug for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Keys { origin, .. } => f.debug_struct("Keys").field("origin", origin).finish_non_exhaustive(),
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
            Self::MadeOnFirstUse { path, database } => {
                f.debug_struct("MadeOnFirstUse").field("path", path).field("database", database).finish()
            }
            Self::Missing => f.write_str("Missing"),
        }
    }
}

/// Reads the keys; with SQLite and no key set, makes one on first use. To be called before [`crate::open_store`]: a
/// database that is there without its key means that the key was lost.
pub fn open_keyring(settings: &Settings) -> anyhow::Result<Keyring> {
    match &settings.keys {
        KeySource::Keys { keys, origin } => Ok(parse(keys.expose_secret(), || origin.to_string())?),
        KeySource::File(path) => Ok(read(path)?),
        KeySource::MadeOnFirstUse { path, database } => read_or_make(path, database),
        KeySource::Missing => Err(SettingsError::NoKey.into()),
    }
}

fn parse(text: &str, origin: impl FnOnce() -> String) -> Result<Keyring, SettingsError> {
    Keyring::parse(text).map_err(|source: KeyringError| SettingsError::Keyring { origin: origin(), source })
}

fn read(path: &Path) -> Result<Keyring, SettingsError> {
    let file = files::read(path).map_err(|source| SettingsError::Unreadable { path: path.to_owned(), source })?;
    if file.open_to_others {
        return Err(SettingsError::OpenToOthers { path: path.to_owned() });
    }
    parse(&file.text, || path.display().to_string())
}

/// Reads the keys like [`open_keyring`] and makes none: `None` where one would be made.
pub fn existing_keyring(settings: &Settings) -> anyhow::Result<Option<Keyring>> {
    match &settings.keys {
        KeySource::MadeOnFirstUse { path, database } => Ok(read_if_not_lost(path, database)?),
        KeySource::Keys { .. } | KeySource::File(_) | KeySource::Missing => open_keyring(settings).map(Some),
    }
}

/// `None` where neither the key nor anything that was sealed with it is there yet.
fn read_if_not_lost(path: &Path, database: &Path) -> Result<Option<Keyring>, SettingsError> {
    if let Some(keyring) = read_if_there(path)? {
        return Ok(Some(keyring));
    }
    if !is_in_use(database)? {
        return Ok(None);
    }
    // Whoever made the database meanwhile made its key before.
    let lost = || SettingsError::LostKey { path: path.to_owned(), database: database.to_owned() };
    read_if_there(path)?.ok_or_else(lost).map(Some)
}

fn read_or_make(path: &Path, database: &Path) -> anyhow::Result<Keyring> {
    if let Some(keyring) = read_if_not_lost(path, database)? {
        return Ok(keyring);
    }
    let line = generate_key_line(FIRST_KEY_ID)?;
    make(path, &line)?;
    // Read back rather than kept: another process may have been first, and its key is the one.
    Ok(read(path)?)
}

fn read_if_there(path: &Path) -> Result<Option<Keyring>, SettingsError> {
    match read(path) {
        Err(SettingsError::Unreadable { source, .. }) if source.kind() == io::ErrorKind::NotFound => Ok(None),
        read => read.map(Some),
    }
}

/// Whether the database has anything in it. What a start that failed half-way leaves behind is an empty file.
fn is_in_use(database: &Path) -> Result<bool, SettingsError> {
    match fs::metadata(database) {
        Ok(file) => Ok(file.len() > 0),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(source) => Err(SettingsError::Unreadable { path: database.to_owned(), source }),
    }
}

/// Puts a complete file in place, unless there is one by then: whoever reads the path sees no file or all of it, and of
/// several processes that start at once exactly one makes the key.
fn make(path: &Path, line: &SecretString) -> Result<(), SettingsError> {
    files::make_private_folder_of(path)?;
    let folder = files::folder_of(path);
    let written = (|| {
        // A temporary file is made with mode 0600.
        let mut file = NamedTempFile::new_in(folder)?;
        file.write_all(line.expose_secret().as_bytes())?;
        file.write_all(b"\n")?;
        file.as_file().sync_all()?;
        match file.persist_noclobber(path) {
            Ok(_) => {}
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
            Err(error) => return Err(error.error),
        }
        // Without this a power cut could lose the key's name while what it sealed stays.
        File::open(folder)?.sync_all()
    })();
    written.map_err(|source| SettingsError::Unmakable { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use std::{fs::Permissions, os::unix::fs::PermissionsExt, sync::Barrier};

    use crypto::{Context, Purpose};

    use super::*;

    const CONTEXT: Context<'_> = Context { tenant: &[1; 16], row: &[2; 16], purpose: Purpose::ClientSecret };

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_key_is_made_once_and_for_its_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let (path, database) = (folder.path().join("data/encryption.keys"), folder.path().join("data/directory.db"));
        let first = read_or_make(&path, &database).unwrap();
        assert_eq!(mode(&path), 0o600);
        assert_eq!(mode(&folder.path().join("data")), 0o700);

        let sealed = first.seal(b"secret", &CONTEXT).unwrap();
        let second = read_or_make(&path, &database).unwrap();
        assert_eq!(second.open(sealed.as_bytes(), &CONTEXT).unwrap().expose_secret(), b"secret");
        assert_eq!(fs::read_dir(folder.path().join("data")).unwrap().count(), 1, "no temporary file is left");
    }

    #[test]
    fn processes_that_start_at_once_agree_on_the_key() {
        let folder = tempfile::tempdir().unwrap();
        let (path, database) = (folder.path().join("data/encryption.keys"), folder.path().join("data/directory.db"));
        let start = Barrier::new(8);
        let keyrings: Vec<Keyring> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|_| {
                    scope.spawn(|| {
                        start.wait();
                        let keyring = read_or_make(&path, &database).unwrap();
                        // The first of them fills the database while others still look.
                        fs::write(&database, "in use").unwrap();
                        keyring
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        for one in &keyrings {
            let sealed = one.seal(b"secret", &CONTEXT).unwrap();
            assert!(keyrings.iter().all(|other| other.open(sealed.as_bytes(), &CONTEXT).is_ok()));
        }
    }

    #[test]
    fn no_key_is_made_for_a_database_that_has_lost_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let (path, database) = (folder.path().join("encryption.keys"), folder.path().join("directory.db"));
        fs::write(&database, "in use").unwrap();
        let error = read_or_make(&path, &database).unwrap_err();
        assert_eq!(crate::exit_code_of(&error), 2);
        let line = crate::error_line(&error);
        for part in ["encryption.keys", "directory.db", "put the key file back", "start over"] {
            assert!(line.contains(part), "{line}");
        }
        assert!(!path.exists());

        fs::write(&database, "").unwrap();
        read_or_make(&path, &database).unwrap();
    }

    #[test]
    fn a_key_file_that_others_may_read_is_refused_and_the_way_out_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("encryption.keys");
        read_or_make(&path, &folder.path().join("directory.db")).unwrap();
        for open in [0o640, 0o604, 0o644, 0o660] {
            fs::set_permissions(&path, Permissions::from_mode(open)).unwrap();
            let error = read(&path).unwrap_err();
            assert!(matches!(error, SettingsError::OpenToOthers { .. }), "{open:o}");
            assert!(error.to_string().contains(&format!("chmod 600 {}", path.display())), "{error}");
        }
        fs::set_permissions(&path, Permissions::from_mode(0o400)).unwrap();
        assert!(read(&path).is_ok());
    }

    #[test]
    fn a_file_that_was_named_is_never_made() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        assert!(matches!(read(&path), Err(SettingsError::Unreadable { .. })));
        assert!(!path.exists());
    }

    #[test]
    fn a_bad_key_is_not_repeated() {
        let source = parse("k1:AAAAhunter2", || "DIRECTORY_ENCRYPTION_KEYS".to_owned()).unwrap_err();
        let line = crate::error_line(&source.into());
        assert!(line.contains("DIRECTORY_ENCRYPTION_KEYS") && !line.contains("hunter2"), "{line}");
    }
}
