use std::{
    collections::HashMap,
    ffi::OsString,
    fs::{self, Permissions},
    os::unix::{ffi::OsStringExt, fs::PermissionsExt},
    path::PathBuf,
};

use secrecy::ExposeSecret;
use tempfile::TempDir;

use super::*;
use crate::error_line;

/// A folder with a settings file, an environment, and flags.
struct Case {
    folder: TempDir,
    environment: HashMap<String, OsString>,
    args: ServerArgs,
}

impl Case {
    fn new(file: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("directory.toml"), file).unwrap();
        Self { folder, environment: HashMap::new(), args: ServerArgs::default() }
    }

    fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.insert(name.to_owned(), value.into());
        self
    }

    fn args(mut self, change: impl FnOnce(&mut ServerArgs)) -> Self {
        change(&mut self.args);
        self
    }

    fn resolve(&self) -> Result<ServerSettings, SettingsError> {
        let lookup = {
            let environment = self.environment.clone();
            move |name: &str| environment.get(name).cloned()
        };
        let layers = self.args.common.layers(&lookup, self.folder.path())?;
        ServerSettings::from_layers(&self.args, &layers)
    }

    fn refusal(&self) -> String {
        error_line(&self.resolve().unwrap_err().into())
    }
}

fn sqlite_path(settings: &ServerSettings) -> PathBuf {
    match &settings.common.database_url {
        DatabaseUrl::Sqlite(path) => path.clone(),
        DatabaseUrl::Postgres(_) => panic!("not SQLite"),
    }
}

#[test]
fn the_defaults_are_those_of_the_interface() {
    let settings = Case::new("").resolve().unwrap();
    assert_eq!(sqlite_path(&settings), Path::new("data/directory.db"));
    assert!(
        matches!(&settings.common.keys, KeySource::MadeOnFirstUse { path, .. } if path == Path::new("data/encryption.keys"))
    );
    assert_eq!(settings.listen.to_string(), "127.0.0.1:8080");
    assert_eq!((settings.base_domain, settings.workers), (None, 4));
    let limits = ClaimLimits { per_tenant: NonZeroU32::new(2), per_directory: NonZeroU32::new(2) };
    assert_eq!(settings.claims, limits);
    assert_eq!(settings.keep_changes, Some(Duration::from_hours(90 * 24)));
    assert_eq!(settings.keep_events, Some(Duration::from_hours(30 * 24)));
    assert_eq!(settings.common.full_sync_every, Duration::from_hours(24));
    assert_eq!(settings.common.log.filter, None);
    assert!(settings.common.login_url.is_none() && settings.common.graph_url.is_none());
    assert_eq!(settings.common.federated_token_file, None);
}

#[test]
fn flags_win_over_the_environment_and_that_over_the_file() {
    let case = Case::new("database_url = 'sqlite://file.db'\nworkers = 1\nlisten = '127.0.0.1:1'")
        .env("DIRECTORY_DATABASE_URL", "sqlite://environment.db")
        .env("DIRECTORY_WORKERS", "2")
        .args(|args| args.common.database_url = Some("sqlite://flag.db".to_owned()));
    let settings = case.resolve().unwrap();
    assert_eq!(sqlite_path(&settings), Path::new("flag.db"));
    assert_eq!(settings.workers, 2);
    assert_eq!(settings.listen.port(), 1);
}

#[test]
fn an_empty_variable_is_not_set() {
    let settings = Case::new("workers = 7").env("DIRECTORY_WORKERS", "").resolve().unwrap();
    assert_eq!(settings.workers, 7);
}

#[test]
fn a_named_file_takes_the_place_of_the_usual_one_and_must_be_there() {
    let case = Case::new("workers = 1");
    let named = case.folder.path().join("other.toml");
    fs::write(&named, "workers = 9").unwrap();
    let case = case.args(|args| args.common.config = Some(named.clone()));
    assert_eq!(case.resolve().unwrap().workers, 9);

    fs::remove_file(&named).unwrap();
    assert!(case.refusal().contains("other.toml"), "{}", case.refusal());
    fs::remove_file(case.folder.path().join("directory.toml")).unwrap();
    assert_eq!(case.args(|args| args.common.config = None).resolve().unwrap().workers, 4);
}

#[test]
fn each_fault_names_its_setting_and_place() {
    let bad_text = OsString::from_vec(vec![0xff]);
    let mut not_text = Case::new("");
    not_text.environment.insert("DIRECTORY_LOG".to_owned(), bad_text);
    let flag = |change: fn(&mut ServerArgs)| Case::new("").args(change);
    for (case, expected) in [
        (not_text, "DIRECTORY_LOG "),
        (Case::new("database-url = 'x'"), "unknown setting `database-url` in "),
        (Case::new("[server]\nlisten = 'x'"), "unknown setting `server`"),
        (Case::new("workers = 1\nlisten = = 2"), "not valid TOML in line 2"),
        (Case::new("workers = 1.5"), "workers in "),
        (Case::new("log_format = 'xml'"), "log_format in "),
        (Case::new("").env("DIRECTORY_LISTEN", "localhost"), "DIRECTORY_LISTEN is not"),
        (Case::new("").env("DIRECTORY_WORKERS", "-1"), "DIRECTORY_WORKERS is not"),
        (Case::new("").env("DIRECTORY_WORKERS", "1025"), "DIRECTORY_WORKERS is not"),
        (Case::new("").env("DIRECTORY_CHANGE_RETENTION_DAYS", "3651"), "DIRECTORY_CHANGE_RETENTION_DAYS is not"),
        (Case::new("").env("DIRECTORY_RUNS_PER_TENANT", "-1"), "DIRECTORY_RUNS_PER_TENANT is not"),
        (Case::new("").env("DIRECTORY_RUNS_PER_DIRECTORY", "1000001"), "DIRECTORY_RUNS_PER_DIRECTORY is not"),
        (Case::new("").env("DIRECTORY_EVENT_RETENTION_DAYS", "a week"), "DIRECTORY_EVENT_RETENTION_DAYS is not"),
        (Case::new("").env("DIRECTORY_FULL_SYNC_HOURS", "745"), "DIRECTORY_FULL_SYNC_HOURS is not"),
        (Case::new("").env("DIRECTORY_RATE_LIMIT", "-1"), "DIRECTORY_RATE_LIMIT is not"),
        (Case::new("").env("DIRECTORY_RATE_LIMIT", "1000001"), "DIRECTORY_RATE_LIMIT is not"),
        (Case::new("").env("DIRECTORY_LOG", "info,=,="), "DIRECTORY_LOG is not"),
        (flag(|args| args.base_domain = Some("https://a.b".to_owned())), "--base-domain is not"),
        (flag(|args| args.common.database_url = Some("file.db".to_owned())), "--database-url is not"),
    ] {
        let line = case.refusal();
        assert!(line.contains(expected), "{line}");
    }
}

#[test]
fn changes_are_kept_for_days_or_for_ever() {
    let kept = |days: &str| Case::new("").env("DIRECTORY_CHANGE_RETENTION_DAYS", days).resolve().unwrap().keep_changes;
    assert_eq!(kept("7"), Some(Duration::from_hours(7 * 24)));
    assert_eq!(kept("0"), None);
}

#[test]
fn events_are_kept_for_days_or_for_ever() {
    let kept = |days: &str| Case::new("").env("DIRECTORY_EVENT_RETENTION_DAYS", days).resolve().unwrap().keep_events;
    assert_eq!(kept("7"), Some(Duration::from_hours(7 * 24)));
    assert_eq!(kept("0"), None);
}

#[test]
fn everybody_is_read_again_after_some_hours_or_each_time() {
    let every =
        |hours: &str| Case::new("").env("DIRECTORY_FULL_SYNC_HOURS", hours).resolve().unwrap().common.full_sync_every;
    assert_eq!((every("0"), every("6")), (Duration::ZERO, Duration::from_hours(6)));
}

#[test]
fn the_file_of_federated_tokens_is_a_setting_like_any_other() {
    let token_file = |case: &Case| case.resolve().unwrap().common.federated_token_file;
    let case = Case::new("federated_token_file = 'file/token'");
    assert_eq!(token_file(&case).as_deref(), Some(Path::new("file/token")));
    let case = case.env("DIRECTORY_FEDERATED_TOKEN_FILE", "/run/environment/token");
    assert_eq!(token_file(&case).as_deref(), Some(Path::new("/run/environment/token")));
    let case = case.args(|args| args.common.federated_token_file = Some("flag/token".to_owned()));
    assert_eq!(token_file(&case).as_deref(), Some(Path::new("flag/token")));
}

#[test]
fn a_token_has_a_rate_or_none() {
    let rate = |case: Case| case.resolve().unwrap().rate_limit.map(NonZeroU32::get);
    assert_eq!(rate(Case::new("")), Some(50));
    assert_eq!(rate(Case::new("rate_limit = 7")), Some(7));
    assert_eq!(rate(Case::new("rate_limit = 7").env("DIRECTORY_RATE_LIMIT", "0")), None);
}

#[test]
fn overrides_are_https_except_on_loopback() {
    let login = |url: &str| Case::new("").env("DIRECTORY_LOGIN_URL", url).resolve();
    for good in ["https://login.example", "http://localhost:1", "http://127.0.0.1:80/base", "http://[::1]:9"] {
        assert!(login(good).is_ok(), "{good}");
    }
    for bad in [
        "http://login.example",
        "http://localhost.example",
        "http://10.0.0.1",
        "ftp://localhost",
        "login.example",
        "https://user@login.example",
        "https://login.example/?a=b",
    ] {
        assert!(login(bad).is_err(), "{bad}");
    }
    let line = Case::new("").env("DIRECTORY_GRAPH_URL", "http://10.0.0.1").refusal();
    assert_eq!(line, "DIRECTORY_GRAPH_URL must be https: plain http is for loopback addresses only");
}

#[test]
fn keys_come_from_the_stronger_layer_and_before_the_file_in_one() {
    let both = Case::new("").env("DIRECTORY_ENCRYPTION_KEYS", "k:A").env("DIRECTORY_ENCRYPTION_KEY_FILE", "f");
    assert!(
        matches!(both.resolve().unwrap().common.keys, KeySource::Keys { keys, .. } if keys.expose_secret() == "k:A")
    );
    let flag = both.args(|args| args.common.encryption_key_file = Some("g".to_owned()));
    assert!(matches!(flag.resolve().unwrap().common.keys, KeySource::File(path) if path == Path::new("g")));
    let weaker = Case::new("encryption_key_file = 'f'").env("DIRECTORY_ENCRYPTION_KEYS", "k:A");
    assert!(matches!(weaker.resolve().unwrap().common.keys, KeySource::Keys { .. }));
}

#[test]
fn no_key_is_made_for_postgres_and_a_moved_sqlite_has_its_own() {
    let at = |url: &str| Case::new("").env("DIRECTORY_DATABASE_URL", url).resolve().unwrap().common;
    let settings = at("postgres://u:hunter2@localhost/d");
    assert!(matches!(settings.keys, KeySource::Missing));
    let error = crate::open_keyring(&settings).unwrap_err();
    assert!(error_line(&error).contains("directoryctl key generate"));
    assert_eq!(crate::exit_code_of(&error), 2);
    assert!(
        matches!(at("sqlite:///srv/a.db").keys, KeySource::MadeOnFirstUse { path, .. } if path == Path::new("/srv/encryption.keys"))
    );
}

#[test]
fn a_settings_file_with_keys_must_be_its_owners() {
    let case = Case::new("encryption_keys = 'k1:hunter2'");
    let path = case.folder.path().join("directory.toml");
    fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
    assert!(case.refusal().contains("chmod 600"));
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    assert!(matches!(case.resolve().unwrap().common.keys, KeySource::Keys { .. }));
    assert!(!format!("{:?}", case.resolve().unwrap()).contains("hunter2"));
}

#[cfg(feature = "otel")]
#[test]
fn traces_go_to_an_http_address_without_a_password() {
    let endpoint = |text: &str| Case::new("").env("DIRECTORY_OTLP_ENDPOINT", text);
    assert_eq!(endpoint("").resolve().unwrap().otlp_endpoint, None);
    let settings = endpoint("http://collector.internal:4318").resolve().unwrap();
    assert_eq!(settings.otlp_endpoint.unwrap().as_str(), "http://collector.internal:4318/");
    for (text, problem) in [
        ("collector", "is not an address: relative URL without a base"),
        ("unix:/run/collector", "is not an http or https address such as http://127.0.0.1:4318"),
        ("http://me:hunter2@collector", "must hold no password: OTEL_EXPORTER_OTLP_HEADERS is the place for one"),
    ] {
        assert_eq!(endpoint(text).refusal(), format!("DIRECTORY_OTLP_ENDPOINT {problem}"));
    }
}

#[cfg(not(feature = "otel"))]
#[test]
fn a_program_that_sends_no_traces_says_so() {
    assert_eq!(Case::new("").resolve().unwrap().otlp_endpoint, None);
    let refusal = Case::new("otlp_endpoint = 'http://127.0.0.1:4318'").refusal();
    assert!(refusal.contains("needs a program that was built with the feature `otel`"), "{refusal}");
}

fn jwt(pairs: &[(&str, &str)]) -> Result<Option<jwt_verifier::Settings>, String> {
    let case =
        pairs.iter().fold(Case::new(""), |case, (name, value)| case.env(&format!("DIRECTORY_JWT_{name}"), value));
    case.resolve().map(|settings| settings.jwt).map_err(|error| error_line(&error.into()))
}

#[test]
fn an_issuer_has_the_usual_claims_and_roles() {
    assert_eq!(jwt(&[]), Ok(None));
    let usual = jwt(&[("ISSUER", "https://login.example.org"), ("AUDIENCE", "api")]).unwrap().unwrap();
    assert_eq!(usual, jwt_verifier::Settings::new("https://login.example.org", "api"));
    let all = jwt(&[
        ("ISSUER", "the-platform"),
        ("AUDIENCE", "api"),
        ("JWKS_URL", "http://127.0.0.1:1/keys"),
        ("TENANT_CLAIM", "org.id"),
        ("ROLE_CLAIM", "realm_access.roles"),
        ("ADMIN_ROLE", "boss"),
        ("VIEWER_ROLE", "guest"),
    ]);
    let expected = jwt_verifier::Settings {
        issuer: "the-platform".to_owned(),
        audience: "api".to_owned(),
        jwks_url: Some("http://127.0.0.1:1/keys".parse().unwrap()),
        tenant_claim: "org.id".to_owned(),
        role_claim: "realm_access.roles".to_owned(),
        admin_role: "boss".to_owned(),
        viewer_role: "guest".to_owned(),
    };
    assert_eq!(all, Ok(Some(expected)));
}

#[test]
fn a_wrong_or_incomplete_issuer_is_one_line() {
    let issuer = ("ISSUER", "https://login.example.org");
    let audience = ("AUDIENCE", "api");
    for (pairs, line) in [
        (
            &[issuer][..],
            "DIRECTORY_JWT_ISSUER needs an audience: set DIRECTORY_JWT_AUDIENCE to what the tokens' `aud` holds",
        ),
        (&[audience], "DIRECTORY_JWT_AUDIENCE is of no use without an issuer: set DIRECTORY_JWT_ISSUER as well"),
        (
            &[("VIEWER_ROLE", "x")],
            "DIRECTORY_JWT_VIEWER_ROLE is of no use without an issuer: set DIRECTORY_JWT_ISSUER as well",
        ),
        (
            &[("ISSUER", "the-platform"), audience],
            "DIRECTORY_JWT_ISSUER is not an address: set DIRECTORY_JWT_JWKS_URL to where the issuer's keys are",
        ),
        (
            &[("ISSUER", "http://login.example.org"), audience],
            "DIRECTORY_JWT_ISSUER must be https: plain http is for loopback addresses only",
        ),
        (&[("ISSUER", "https://login.example.org?a=b"), audience], "DIRECTORY_JWT_ISSUER must not hold a query"),
        (
            &[issuer, audience, ("JWKS_URL", "http://keys.example.org")],
            "DIRECTORY_JWT_JWKS_URL must be https: plain http is for loopback addresses only",
        ),
        (
            &[issuer, audience, ("ROLE_CLAIM", " ")],
            "DIRECTORY_JWT_ROLE_CLAIM is empty, or has spaces around it, or is far too long",
        ),
        (
            &[issuer, audience, ("VIEWER_ROLE", "directory.admin")],
            "DIRECTORY_JWT_VIEWER_ROLE must not be the same for admins and viewers",
        ),
    ] {
        assert_eq!(jwt(pairs), Err(line.to_owned()));
    }
}

#[test]
fn a_tenant_has_half_of_the_workers_unless_told_otherwise() {
    let limits = |case: Case| {
        let ClaimLimits { per_tenant, per_directory } = case.resolve().unwrap().claims;
        (per_tenant.map(NonZeroU32::get), per_directory.map(NonZeroU32::get))
    };
    assert_eq!(limits(Case::new("workers = 9")), (Some(5), Some(2)));
    assert_eq!(limits(Case::new("workers = 1")), (Some(1), Some(2)));
    assert_eq!(limits(Case::new("runs_per_tenant = 0\nruns_per_directory = 0")), (None, None));
    assert_eq!(limits(Case::new("").env("DIRECTORY_RUNS_PER_TENANT", "7").env("DIRECTORY_WORKERS", "2")).0, Some(7));
}
