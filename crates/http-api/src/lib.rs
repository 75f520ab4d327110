#![doc = include_str!("../README.md")]

mod app;
mod auth;
mod body;
mod config;
mod cursor;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod host;
pub mod metrics;
pub mod model;
mod observe;
mod openapi;
mod prefer;
mod principal;
mod problem;
mod query;
mod rates;
mod request_id;
mod routes;
mod server;
mod shared;
mod sign_in;
mod socket;
mod standby;
mod telemetry;
mod unread;
mod uses;
mod visits;
mod watch;

pub use app::App;
pub use config::{ApiConfig, Limits, RateLimit, Watching};
pub use routes::configure;
pub use server::Server;
pub use sign_in::{SignIn, SignInError, SignedIn};
pub use telemetry::Telemetry;
