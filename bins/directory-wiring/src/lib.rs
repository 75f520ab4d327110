#![doc = include_str!("../README.md")]

mod args;
mod database_url;
mod error;
mod files;
mod hosts;
mod keys;
mod layers;
mod logging;
mod metrics;
#[cfg(feature = "otel")]
mod otel;
mod providers;
mod reservation;
mod settings;
mod store;
mod tls;
mod usage;
mod webhooks;

pub use args::{JwtArgs, ServerArgs, SettingsArgs};
pub use database_url::DatabaseUrl;
pub use error::{Origin, SettingsError, error_line, exit_code_of};
pub use hosts::reach_hosts;
pub use keys::{existing_keyring, open_keyring};
pub use logging::{Traces, init_logging, init_logging_and_traces};
pub use metrics::{Metrics, install_metrics};
pub use provider_entra::{Reached, Skew, Unreached};
pub use providers::providers;
pub use reservation::{Reservation, reserve_database};
pub use settings::{KeySource, LogFormat, LogSettings, ServerSettings, Settings, ToldSetting};
pub use store::{existing_store, open_store};
pub use tls::install_tls_provider;
pub use usage::usage_line;
pub use webhooks::webhook_sender;
