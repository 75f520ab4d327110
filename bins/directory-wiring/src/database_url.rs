//! Which database: the setting's value, told apart by scheme.

use std::{fmt, path::PathBuf};

use secrecy::SecretString;
use url::Url;

/// A database to open.
#[derive(Clone)]
pub enum DatabaseUrl {
    /// A SQLite file.
    Sqlite(PathBuf),
    /// A PostgreSQL database; its URL can hold a password.
    Postgres(SecretString),
}

impl DatabaseUrl {
    /// The SQLite file that is used when nothing is set.
    pub(crate) const DEFAULT_PATH: &str = "data/directory.db";

    /// `sqlite://PATH`, `sqlite:PATH`, `postgres://…` or `postgresql://…`. The error goes on from the setting's name and
    /// repeats nothing of the text.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let Some((scheme, rest)) = text.split_once(':') else {
            return Err("is not sqlite://PATH or postgres://…".to_owned());
        };
        match scheme.to_ascii_lowercase().as_str() {
            "sqlite" => sqlite_path(rest).map(Self::Sqlite),
            "postgres" | "postgresql" => {
                let url = Url::parse(text).map_err(|error| format!("is not a postgres:// address: {error}"))?;
                if !url.has_host() && url.query().is_none() {
                    return Err("names no host: postgres://USER:PASSWORD@HOST/DATABASE".to_owned());
                }
                Ok(Self::Postgres(text.into()))
            }
            _ => Err("has a scheme other than sqlite:// and postgres://".to_owned()),
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => f.debug_tuple("Sqlite").field(path).finish(),
            Self::Postgres(_) => f.write_str("Postgres([REDACTED])"),
        }
    }
}

/// The text is the path as it is: nothing in it is decoded.
fn sqlite_path(rest: &str) -> Result<PathBuf, String> {
    let path = rest.strip_prefix("//").unwrap_or(rest);
    if path.is_empty() {
        return Err("names no file: sqlite://PATH".to_owned());
    }
    if path.contains('?') {
        return Err("takes no parameters after `?` with SQLite".to_owned());
    }
    if path == ":memory:" {
        return Err("must name a file: a database in memory would be gone when the program ends".to_owned());
    }
    Ok(PathBuf::from(path))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn sqlite_takes_relative_and_absolute_paths_with_and_without_slashes() {
        for (text, expected) in [
            ("sqlite://data/directory.db", "data/directory.db"),
            ("sqlite:data/directory.db", "data/directory.db"),
            ("sqlite:///var/lib/directory.db", "/var/lib/directory.db"),
            ("sqlite:/var/lib/directory.db", "/var/lib/directory.db"),
            ("SQLite://a b%20c.db", "a b%20c.db"),
        ] {
            match DatabaseUrl::parse(text) {
                Ok(DatabaseUrl::Sqlite(path)) => assert_eq!(path, Path::new(expected)),
                other => panic!("{text}: {other:?}"),
            }
        }
    }

    #[test]
    fn postgres_goes_by_either_name() {
        for text in ["postgres://u:p@h/d", "postgresql://h:5432/d", "postgres:///d?host=/run/postgresql"] {
            assert!(matches!(DatabaseUrl::parse(text), Ok(DatabaseUrl::Postgres(_))), "{text}");
        }
    }

    #[test]
    fn what_is_refused_is_not_repeated() {
        for text in [
            "hunter2",
            "mysql://u:hunter2@h/d",
            "postgres://u:hunter2@h:port/d",
            "postgres:hunter2",
            "sqlite://",
            "sqlite:hunter2?mode=rwc",
            "sqlite://:memory:",
        ] {
            let problem = DatabaseUrl::parse(text).unwrap_err();
            assert!(!problem.contains("hunter2"), "{problem}");
        }
    }

    #[test]
    fn a_password_is_not_in_the_debug_form() {
        let url = DatabaseUrl::parse("postgres://u:hunter2@h/d").unwrap();
        assert!(!format!("{url:?}").contains("hunter2"));
    }
}
