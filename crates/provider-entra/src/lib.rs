#![doc = include_str!("../README.md")]

mod changes;
mod client;
mod cloud;
mod credential;
mod error;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod json;
mod links;
mod listing;
pub mod metrics;
mod options;
mod overrides;
mod page;
mod provider;
mod reach;
mod request;
mod retry;
mod roles;
mod token;
mod trail;
mod transport;
mod verify;

pub use cloud::{Cloud, UnknownCloud};
pub use options::{Bounds, EntraOptions, SetupError};
pub use overrides::{OverrideFault, check_override};
pub use provider::EntraFactory;
pub use reach::{Probe, Reached, Skew, Unreached, hosts};
