//! What is wrong with a setting, as one line.

use std::{fmt, io, path::PathBuf};

use crypto::KeyringError;
use store::StoreError;
use thiserror::Error;

/// The exit code of a program that was used or set up wrongly.
const BAD_SETTINGS: u8 = 2;
/// The exit code of a program that failed at what it was asked to do.
const FAILED: u8 = 1;

/// Where a setting's value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A flag of the command line.
    Flag(&'static str),
    /// A variable of the environment.
    Environment(String),
    /// A key of the settings file.
    File {
        /// The file.
        path: PathBuf,
        /// The key.
        key: &'static str,
    },
}

impl Origin {
    /// The layer's place in the order of precedence, 0 for the strongest.
    pub(crate) fn rank(&self) -> u8 {
        match self {
            Self::Flag(_) => 0,
            Self::Environment(_) => 1,
            Self::File { .. } => 2,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(name) => write!(f, "--{}", name.replace('_', "-")),
            Self::Environment(name) => f.write_str(name),
            Self::File { path, key } => write!(f, "{key} in {}", path.display()),
        }
    }
}

/// A setting that is wrong or missing. No variant holds a value: it may be a password or a key.
#[derive(Debug, Error)]
pub enum SettingsError {
    /// A value that cannot be what it should be.
    #[error("{origin} {problem}")]
    Invalid {
        /// Which setting, and where it was set.
        origin: Origin,
        /// What is wrong with it and what is right; goes on from the origin's name.
        problem: String,
    },
    /// The driver refuses the address of the database.
    #[error("the database URL cannot be used")]
    DatabaseUrl(#[source] StoreError),
    /// A file that was named cannot be read.
    #[error("cannot read {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file that holds keys is open to others.
    #[error("{path} holds encryption keys and is open to other users of this machine; run `chmod 600 {path}`", path = path.display())]
    OpenToOthers {
        /// The file.
        path: PathBuf,
    },
    /// The settings file is no TOML.
    #[error("{} is not valid TOML in line {line}: {message}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What the parser says; it does not repeat the file's text.
        message: String,
    },
    /// The settings file sets something that is no setting.
    #[error("unknown setting `{key}` in {}; there are {known}", path.display())]
    UnknownKey {
        /// The file.
        path: PathBuf,
        /// The key.
        key: String,
        /// The keys that there are.
        known: String,
    },
    /// The keys are no keys.
    #[error("the encryption keys from {origin} cannot be used")]
    Keyring {
        /// The setting or the file that they came from.
        origin: String,
        /// Why.
        source: KeyringError,
    },
    /// There is no key, and none may be invented.
    #[error(
        "no encryption key is set: make one with `directoryctl key generate`, keep it safe, and give it to every process \
         as DIRECTORY_ENCRYPTION_KEYS or in a file named by DIRECTORY_ENCRYPTION_KEY_FILE"
    )]
    NoKey,
    /// A database is there, and the key file that was made with it is not.
    #[error(
        "{} is missing, and nothing else opens the secrets in {}: put the key file back from its copy; to start over, \
         move the database's files away",
        path.display(),
        database.display()
    )]
    LostKey {
        /// The key file.
        path: PathBuf,
        /// The database.
        database: PathBuf,
    },
    /// Another server works on the same SQLite database.
    #[error(
        "another directory-server is running on {}: a SQLite database serves one; stop that one, name another database, or \
         use PostgreSQL, which serves any number",
        path.display()
    )]
    Reserved {
        /// The database.
        path: PathBuf,
    },
    /// The file that keeps a second server away cannot be locked.
    #[error("cannot lock {}", path.display())]
    Unlockable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file or folder that is made on first use cannot be made.
    #[error("cannot make {}", path.display())]
    Unmakable {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// The exit code that says what kind of failure this is: 2 for a [`SettingsError`] anywhere in it, otherwise 1.
#[must_use]
pub fn exit_code_of(error: &anyhow::Error) -> u8 {
    if error.chain().any(<dyn std::error::Error>::is::<SettingsError>) { BAD_SETTINGS } else { FAILED }
}

/// An error with its causes on one line, without control characters.
#[must_use]
pub fn error_line(error: &anyhow::Error) -> String {
    let text = format!("{error:#}");
    text.split(|character: char| character.is_control())
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::*;

    #[test]
    fn a_settings_error_is_found_beneath_its_context() {
        let error = anyhow::Error::from(SettingsError::NoKey).context("cannot start");
        assert_eq!(exit_code_of(&error), 2);
        assert_eq!(exit_code_of(&anyhow::anyhow!("out of luck")), 1);
    }

    #[test]
    fn causes_are_on_one_line() {
        let error = Err::<(), _>(io::Error::other("one\n  two\u{1b}[31m")).context("outer").unwrap_err();
        assert_eq!(error_line(&error), "outer: one two [31m");
    }
}
