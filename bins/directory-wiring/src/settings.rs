//! The settings, resolved: every value judged, nothing opened yet.

use std::{
    io::IsTerminal,
    net::SocketAddr,
    num::NonZeroU32,
    path::{Path, PathBuf},
    time::Duration,
};

use provider_entra::check_override;
use secrecy::SecretString;
use store::ClaimLimits;
use sync_engine::EngineOptions;
use tracing_subscriber::EnvFilter;
use url::Url;

use crate::{
    DatabaseUrl, ServerArgs, SettingsArgs, SettingsError,
    keys::KEY_FILE_NAME,
    layers::{Environment, Found, Layers},
};

mod jwt;
mod told;

pub use self::told::ToldSetting;
pub use crate::keys::KeySource;

/// More would only queue on the database.
const MAX_WORKERS: usize = 1024;
/// More than all servers together have places.
const MAX_RUNS: u32 = 1_000_000;

const USUAL_RETENTION_DAYS: u32 = 90;
const USUAL_EVENT_RETENTION_DAYS: u32 = 30;
/// Ten years; who wants more wants them for ever.
const MAX_RETENTION_DAYS: u32 = 3_650;

const USUAL_FULL_SYNC: Duration = Duration::from_hours(24);
/// A month: whoever is told of no change for longer learns too late of those that are never told.
const MAX_FULL_SYNC_HOURS: u64 = 31 * 24;

const USUAL_RATE_LIMIT: u32 = 50;
/// More than one process serves.
const MAX_RATE_LIMIT: u32 = 1_000_000;

/// What every program needs to know.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The database.
    pub database_url: DatabaseUrl,
    /// Where the encryption keys come from.
    pub keys: KeySource,
    /// The login service's base address, where it is not the cloud's own.
    pub login_url: Option<Url>,
    /// Graph's base address, where it is not the cloud's own.
    pub graph_url: Option<Url>,
    /// Where the token of federated credentials is found. It need not be there yet: it is read when it is needed.
    pub federated_token_file: Option<PathBuf>,
    /// After how long a sync reads all of its directory again, where what changed would do.
    pub full_sync_every: Duration,
    /// Whether webhooks may be hosts that are not on the public internet.
    pub webhook_private_hosts: bool,
    /// What to log, and how.
    pub log: LogSettings,
}

/// What the server needs to know.
#[derive(Clone, Debug)]
pub struct ServerSettings {
    /// What every program needs to know.
    pub common: Settings,
    /// Where to serve; port 0 picks one.
    pub listen: SocketAddr,
    /// With it, each tenant is served only under its own host: the tenant's slug, a dot and this.
    pub base_domain: Option<String>,
    /// Runs at a time; 0 serves the API only.
    pub workers: usize,
    /// How many runs may be running at a time over all servers.
    pub claims: ClaimLimits,
    /// How long the changes of an ended run are kept; `None` is for ever.
    pub keep_changes: Option<Duration>,
    /// How long events can be read again; `None` is for ever.
    pub keep_events: Option<Duration>,
    /// Requests a second of one token; `None` is without limit.
    pub rate_limit: Option<NonZeroU32>,
    /// The OpenTelemetry collector that traces go to.
    pub otlp_endpoint: Option<Url>,
    /// The platform whose tokens are taken as well.
    pub jwt: Option<jwt_verifier::Settings>,
}

/// What to log, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogSettings {
    /// A valid filter; `None` leaves it to the program.
    pub filter: Option<String>,
    /// The lines' form.
    pub format: LogFormat,
}

/// How a log line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Pretty,
    /// For programs, one object a line.
    Json,
}

impl Settings {
    /// What an engine of a program with these settings goes by.
    #[must_use]
    pub fn engine_options(&self) -> EngineOptions {
        EngineOptions { full_sync_every: Some(self.full_sync_every), ..EngineOptions::default() }
    }
}

impl SettingsArgs {
    /// Reads the environment and the settings file of this process, and judges every value.
    pub fn resolve(&self) -> Result<Settings, SettingsError> {
        Settings::from_layers(self, &self.layers(&|name| std::env::var_os(name), Path::new(""))?)
    }

    fn layers<'a>(&self, environment: &'a Environment<'a>, folder: &Path) -> Result<Layers<'a>, SettingsError> {
        Layers::read(self.config.as_deref(), folder, environment)
    }
}

impl ServerArgs {
    /// Reads the environment and the settings file of this process, and judges every value.
    pub fn resolve(&self) -> Result<ServerSettings, SettingsError> {
        ServerSettings::from_layers(self, &self.common.layers(&|name| std::env::var_os(name), Path::new(""))?)
    }
}

impl Settings {
    fn from_layers(args: &SettingsArgs, layers: &Layers<'_>) -> Result<Self, SettingsError> {
        let url = |key, flag| parsed(layers.find(key, flag)?, override_url);
        let database_url = match parsed(layers.find("database_url", args.database_url.as_ref())?, DatabaseUrl::parse)? {
            Some(url) => url,
            None => DatabaseUrl::Sqlite(DatabaseUrl::DEFAULT_PATH.into()),
        };
        Ok(Self {
            keys: key_source(args, layers, &database_url)?,
            database_url,
            login_url: url("login_url", args.login_url.as_ref())?,
            graph_url: url("graph_url", args.graph_url.as_ref())?,
            federated_token_file: layers
                .find("federated_token_file", args.federated_token_file.as_ref())?
                .map(|found| found.text.into()),
            full_sync_every: parsed(layers.find("full_sync_hours", args.full_sync_hours.as_ref())?, full_sync_hours)?
                .unwrap_or(USUAL_FULL_SYNC),
            webhook_private_hosts: parsed(
                layers.find("webhook_private_hosts", args.webhook_private_hosts.as_ref())?,
                yes_or_no,
            )?
            .unwrap_or(false),
            log: LogSettings {
                filter: parsed(layers.find("log", args.log.as_ref())?, log_filter)?,
                format: parsed(layers.find("log_format", args.log_format.as_ref())?, log_format)?
                    .unwrap_or_else(usual_log_format),
            },
        })
    }
}

impl ServerSettings {
    fn from_layers(args: &ServerArgs, layers: &Layers<'_>) -> Result<Self, SettingsError> {
        let workers = parsed(layers.find("workers", args.workers.as_ref())?, worker_count)?.unwrap_or(4);
        Ok(Self {
            common: Settings::from_layers(&args.common, layers)?,
            listen: parsed(layers.find("listen", args.listen.as_ref())?, listen_address)?
                .unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 8080))),
            base_domain: parsed(layers.find("base_domain", args.base_domain.as_ref())?, domain)?,
            workers,
            claims: ClaimLimits {
                per_tenant: parsed(layers.find("runs_per_tenant", args.runs_per_tenant.as_ref())?, run_limit)?
                    .unwrap_or_else(|| usual_runs_per_tenant(workers)),
                per_directory: parsed(layers.find("runs_per_directory", args.runs_per_directory.as_ref())?, run_limit)?
                    .unwrap_or(ClaimLimits::DEFAULT.per_directory),
            },
            keep_changes: parsed(
                layers.find("change_retention_days", args.change_retention_days.as_ref())?,
                retention_days,
            )?
            .unwrap_or(Some(days(USUAL_RETENTION_DAYS))),
            keep_events: parsed(
                layers.find("event_retention_days", args.event_retention_days.as_ref())?,
                retention_days,
            )?
            .unwrap_or(Some(days(USUAL_EVENT_RETENTION_DAYS))),
            rate_limit: parsed(layers.find("rate_limit", args.rate_limit.as_ref())?, rate_limit)?
                .unwrap_or(NonZeroU32::new(USUAL_RATE_LIMIT)),
            otlp_endpoint: parsed(layers.find("otlp_endpoint", args.otlp_endpoint.as_ref())?, otlp_endpoint)?,
            jwt: jwt::settings(&args.jwt, layers)?,
        })
    }
}

fn parsed<T>(found: Option<Found>, parse: impl FnOnce(&str) -> Result<T, String>) -> Result<Option<T>, SettingsError> {
    found.map(|found| found.parse(parse)).transpose()
}

/// Keys, or the file of keys, whichever is set in the stronger layer; the keys where both are set in one.
fn key_source(args: &SettingsArgs, layers: &Layers<'_>, database: &DatabaseUrl) -> Result<KeySource, SettingsError> {
    let keys = layers.find("encryption_keys", None)?;
    let file = layers.find("encryption_key_file", args.encryption_key_file.as_ref())?;
    Ok(match (keys, file, database) {
        (Some(keys), file, _) if file.as_ref().is_none_or(|file| keys.origin.rank() <= file.origin.rank()) => {
            KeySource::Keys { keys: SecretString::from(keys.text), origin: keys.origin }
        }
        (_, Some(file), _) => KeySource::File(file.text.into()),
        (_, None, DatabaseUrl::Sqlite(database)) => {
            KeySource::MadeOnFirstUse { path: database.with_file_name(KEY_FILE_NAME), database: database.clone() }
        }
        (_, None, DatabaseUrl::Postgres(_)) => KeySource::Missing,
    })
}

fn override_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("is not an address: {error}"))?;
    check_override(&url).map_err(|fault| fault.to_string())?;
    Ok(url)
}

fn yes_or_no(text: &str) -> Result<bool, String> {
    text.parse().map_err(|_| "is neither `true` nor `false`".to_owned())
}

fn log_filter(text: &str) -> Result<String, String> {
    match EnvFilter::try_new(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err("is not a log filter: a level such as `info`, or `info,sync_engine=debug`".to_owned()),
    }
}

fn log_format(text: &str) -> Result<LogFormat, String> {
    match text {
        "pretty" => Ok(LogFormat::Pretty),
        "json" => Ok(LogFormat::Json),
        _ => Err("is neither `pretty` nor `json`".to_owned()),
    }
}

fn usual_log_format() -> LogFormat {
    if std::io::stderr().is_terminal() { LogFormat::Pretty } else { LogFormat::Json }
}

fn listen_address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "is not an address and port such as 127.0.0.1:8080".to_owned())
}

fn domain(text: &str) -> Result<String, String> {
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    if text.len() <= 253 && text.split('.').all(label) {
        Ok(text.to_ascii_lowercase())
    } else {
        Err("is not a domain such as actionconnect.com, without scheme and port".to_owned())
    }
}

fn worker_count(text: &str) -> Result<usize, String> {
    text.parse()
        .ok()
        .filter(|&count| count <= MAX_WORKERS)
        .ok_or_else(|| format!("is not a whole number from 0 to {MAX_WORKERS}"))
}

fn run_limit(text: &str) -> Result<Option<NonZeroU32>, String> {
    let runs = text.parse().ok().filter(|&runs| runs <= MAX_RUNS);
    let runs = runs.ok_or_else(|| format!("is not a whole number from 0, for no limit, to {MAX_RUNS}"))?;
    Ok(NonZeroU32::new(runs))
}

/// The other half is for other tenants: whatever one of them has queued, there is a place that it does not take. With
/// several servers that is few, which harms nobody; how many servers there are, none of them knows.
fn usual_runs_per_tenant(workers: usize) -> Option<NonZeroU32> {
    NonZeroU32::new(u32::try_from(workers.div_ceil(2)).unwrap_or(MAX_RUNS))
}

fn retention_days(text: &str) -> Result<Option<Duration>, String> {
    let count = text.parse().ok().filter(|&count| count <= MAX_RETENTION_DAYS);
    let count =
        count.ok_or_else(|| format!("is not a whole number of days from 0, for ever, to {MAX_RETENTION_DAYS}"))?;
    Ok((count > 0).then(|| days(count)))
}

fn full_sync_hours(text: &str) -> Result<Duration, String> {
    let hours = text.parse().ok().filter(|&hours| hours <= MAX_FULL_SYNC_HOURS);
    let hours = hours
        .ok_or_else(|| format!("is not a whole number of hours from 0, for each time, to {MAX_FULL_SYNC_HOURS}"))?;
    Ok(Duration::from_hours(hours))
}

fn rate_limit(text: &str) -> Result<Option<NonZeroU32>, String> {
    let requests = text.parse().ok().filter(|&requests| requests <= MAX_RATE_LIMIT);
    let requests =
        requests.ok_or_else(|| format!("is not a whole number from 0, for no limit, to {MAX_RATE_LIMIT}"))?;
    Ok(NonZeroU32::new(requests))
}

fn otlp_endpoint(text: &str) -> Result<Url, String> {
    if !cfg!(feature = "otel") {
        return Err("needs a program that was built with the feature `otel`; this one sends no traces".to_owned());
    }
    let url = Url::parse(text).map_err(|error| format!("is not an address: {error}"))?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err("is not an http or https address such as http://127.0.0.1:4318".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must hold no password: OTEL_EXPORTER_OTLP_HEADERS is the place for one".to_owned());
    }
    Ok(url)
}

fn days(count: u32) -> Duration {
    Duration::from_hours(24 * u64::from(count))
}

#[cfg(test)]
mod tests;
