//! Where a setting's value is looked for: flags, environment, file, in this order.

use std::{
    ffi::OsString,
    io,
    path::{Path, PathBuf},
};

use toml::{Table, Value};

use crate::{Origin, SettingsError, files};

/// The settings file that is read if it is there.
const DEFAULT_FILE: &str = "directory.toml";

/// Every key of the settings file. The programs share one file, so each of them knows the keys of all.
pub(crate) const KEYS: &[&str] = &[
    "database_url",
    "encryption_keys",
    "encryption_key_file",
    "listen",
    "base_domain",
    "workers",
    "runs_per_tenant",
    "runs_per_directory",
    "change_retention_days",
    "event_retention_days",
    "rate_limit",
    "otlp_endpoint",
    "jwt_issuer",
    "jwt_audience",
    "jwt_jwks_url",
    "jwt_tenant_claim",
    "jwt_role_claim",
    "jwt_admin_role",
    "jwt_viewer_role",
    "login_url",
    "graph_url",
    "federated_token_file",
    "full_sync_hours",
    "webhook_private_hosts",
    "log",
    "log_format",
];

/// The one key that the settings file should not hold while others can read it.
const ENCRYPTION_KEYS: &str = "encryption_keys";

/// Looks a variable of the environment up.
pub(crate) type Environment<'a> = dyn Fn(&str) -> Option<OsString> + 'a;

/// A value and where it came from.
pub(crate) struct Found {
    pub(crate) text: String,
    pub(crate) origin: Origin,
}

impl Found {
    /// The value read as something; the parser's problem goes on from the origin's name.
    pub(crate) fn parse<T>(&self, parse: impl FnOnce(&str) -> Result<T, String>) -> Result<T, SettingsError> {
        parse(&self.text).map_err(|problem| SettingsError::Invalid { origin: self.origin.clone(), problem })
    }
}

/// The environment and the file; flags come with each question.
pub(crate) struct Layers<'a> {
    environment: &'a Environment<'a>,
    file: Option<(PathBuf, Table)>,
}

impl<'a> Layers<'a> {
    /// Reads the settings file: the one that is named, which must be there, or the usual one in the folder, if it is.
    pub(crate) fn read(
        named: Option<&Path>,
        folder: &Path,
        environment: &'a Environment<'a>,
    ) -> Result<Self, SettingsError> {
        let path = named.map_or_else(|| folder.join(DEFAULT_FILE), Path::to_owned);
        let file = match files::read(&path) {
            Ok(file) => Some(parse_file(&path, &file)?),
            Err(error) if named.is_none() && error.kind() == io::ErrorKind::NotFound => None,
            Err(source) => return Err(SettingsError::Unreadable { path, source }),
        };
        Ok(Self { environment, file: file.map(|table| (path, table)) })
    }

    /// A setting's value in the strongest layer that has one. `key` is its name in the file.
    pub(crate) fn find(&self, key: &'static str, flag: Option<&String>) -> Result<Option<Found>, SettingsError> {
        if let Some(text) = flag {
            return Ok(Some(Found { text: text.clone(), origin: Origin::Flag(key) }));
        }
        let variable = format!("DIRECTORY_{}", key.to_ascii_uppercase());
        // An empty variable is how a compose file or a unit leaves one out.
        if let Some(value) = (self.environment)(&variable).filter(|value| !value.is_empty()) {
            let origin = Origin::Environment(variable);
            return match value.into_string() {
                Ok(text) => Ok(Some(Found { text, origin })),
                Err(_) => Err(SettingsError::Invalid { origin, problem: "is not UTF-8 text".to_owned() }),
            };
        }
        self.find_in_file(key)
    }

    fn find_in_file(&self, key: &'static str) -> Result<Option<Found>, SettingsError> {
        let Some((path, table)) = &self.file else { return Ok(None) };
        let Some(value) = table.get(key) else { return Ok(None) };
        let origin = Origin::File { path: path.clone(), key };
        match value {
            Value::String(text) => Ok(Some(Found { text: text.clone(), origin })),
            Value::Integer(number) => Ok(Some(Found { text: number.to_string(), origin })),
            _ => Err(SettingsError::Invalid { origin, problem: "must be a text or a whole number".to_owned() }),
        }
    }
}

fn parse_file(path: &Path, file: &files::ReadFile) -> Result<Table, SettingsError> {
    let table: Table = file.text.parse().map_err(|error: toml::de::Error| {
        let start = error.span().map_or(0, |span| span.start);
        let line = file.text.bytes().take(start).filter(|&byte| byte == b'\n').count() + 1;
        // The error's own Display quotes the line, which may hold a password.
        SettingsError::Syntax { path: path.to_owned(), line, message: error.message().to_owned() }
    })?;
    if let Some(key) = table.keys().find(|key| !KEYS.contains(&key.as_str())) {
        let known = KEYS.join(", ");
        return Err(SettingsError::UnknownKey { path: path.to_owned(), key: key.clone(), known });
    }
    if file.open_to_others && table.contains_key(ENCRYPTION_KEYS) {
        return Err(SettingsError::OpenToOthers { path: path.to_owned() });
    }
    Ok(table)
}
