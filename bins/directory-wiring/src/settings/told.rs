//! Which settings are set, and where: for people who look for the one that won.

use std::path::Path;

use url::Url;

use crate::{
    DatabaseUrl, Origin, SettingsArgs, SettingsError,
    layers::{Found, KEYS, Layers},
};

/// What stands for a value that is not to be shown.
const HIDDEN: &str = "(not shown)";

/// A setting that is not at its default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToldSetting {
    /// Its name in the settings file.
    pub key: &'static str,
    /// Where its value comes from, of all places that set it.
    pub origin: Origin,
    /// The value, without anything secret.
    pub value: String,
}

impl SettingsArgs {
    /// Every setting that a flag, the environment or the settings file sets, those of the server among them. The values are
    /// not judged; [`Self::resolve`] does that.
    pub fn told(&self) -> Result<Vec<ToldSetting>, SettingsError> {
        self.told_by(&self.layers(&|name| std::env::var_os(name), Path::new(""))?)
    }

    fn told_by(&self, layers: &Layers<'_>) -> Result<Vec<ToldSetting>, SettingsError> {
        let mut told = Vec::new();
        for key in KEYS {
            if let Some(Found { text, origin }) = layers.find(key, self.flag(key))? {
                told.push(ToldSetting { key, origin, value: shown(key, text) });
            }
        }
        Ok(told)
    }

    fn flag(&self, key: &str) -> Option<&String> {
        match key {
            "database_url" => self.database_url.as_ref(),
            "encryption_key_file" => self.encryption_key_file.as_ref(),
            "login_url" => self.login_url.as_ref(),
            "graph_url" => self.graph_url.as_ref(),
            "federated_token_file" => self.federated_token_file.as_ref(),
            "webhook_private_hosts" => self.webhook_private_hosts.as_ref(),
            "log" => self.log.as_ref(),
            "log_format" => self.log_format.as_ref(),
            _ => None,
        }
    }
}

/// What is not known to be harmless is not shown.
fn shown(key: &str, text: String) -> String {
    match key {
        "database_url" => shown_database(&text),
        "encryption_key_file"
        | "listen"
        | "base_domain"
        | "workers"
        | "runs_per_tenant"
        | "runs_per_directory"
        | "change_retention_days"
        | "event_retention_days"
        | "rate_limit"
        | "federated_token_file"
        | "full_sync_hours"
        | "webhook_private_hosts"
        | "log"
        | "log_format" => text,
        "login_url" | "graph_url" => Url::parse(&text).map_or_else(|_| HIDDEN.to_owned(), without_secrets),
        _ => HIDDEN.to_owned(),
    }
}

fn shown_database(text: &str) -> String {
    match (DatabaseUrl::parse(text), Url::parse(text)) {
        (Ok(DatabaseUrl::Sqlite(path)), _) => format!("sqlite://{}", path.display()),
        (Ok(DatabaseUrl::Postgres(_)), Ok(url)) => without_secrets(url),
        _ => HIDDEN.to_owned(),
    }
}

/// The address alone: a password can stand before the host and among the parameters.
fn without_secrets(mut url: Url) -> String {
    url.set_query(None);
    url.set_fragment(None);
    // Fails where there can be none.
    let _ = url.set_password(None);
    url.to_string()
}

#[cfg(test)]
mod tests {
    use std::{ffi::OsString, fs};

    use super::*;

    #[test]
    fn the_place_that_won_is_told_and_no_secret() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(
            folder.path().join("directory.toml"),
            "log = 'debug'\nworkers = 2\ngraph_url = 'https://u:hunter2@graph.example/?k=hunter2#hunter2'\n",
        )
        .unwrap();
        let environment = |name: &str| match name {
            "DIRECTORY_LOG" => Some(OsString::from("warn")),
            "DIRECTORY_ENCRYPTION_KEYS" => Some(OsString::from("k1:hunter2")),
            _ => None,
        };
        let layers = Layers::read(None, folder.path(), &environment).unwrap();
        let database_url = Some("postgres://me:hunter2@db.example:5433/d?password=hunter2".to_owned());
        let told = SettingsArgs { database_url, ..SettingsArgs::default() }.told_by(&layers).unwrap();
        let file = |key| Origin::File { path: folder.path().join("directory.toml"), key };
        let told: Vec<(&Origin, &str)> = told.iter().map(|one| (&one.origin, one.value.as_str())).collect();
        assert_eq!(
            told,
            [
                (&Origin::Flag("database_url"), "postgres://me@db.example:5433/d"),
                (&Origin::Environment("DIRECTORY_ENCRYPTION_KEYS".to_owned()), HIDDEN),
                (&file("workers"), "2"),
                (&file("graph_url"), "https://u@graph.example/"),
                (&Origin::Environment("DIRECTORY_LOG".to_owned()), "warn"),
            ]
        );
    }

    #[test]
    fn a_value_that_makes_no_sense_is_not_shown() {
        for key in ["database_url", "login_url", "encryption_keys", "whatever_comes"] {
            assert_eq!(shown(key, "hunter2".to_owned()), HIDDEN, "{key}");
        }
    }
}
