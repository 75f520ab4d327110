#![doc = include_str!("../README.md")]

mod credential;
mod digest;
mod engine;
mod execute;
mod failure;
mod heartbeat;
mod housekeeping;
mod plan;
mod providers;
mod pull;
mod worker;

pub use engine::{EngineError, EngineOptions, Registration, RunRequest, SyncEngine};
pub use providers::Providers;
pub use worker::Worker;
