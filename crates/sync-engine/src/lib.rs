#![doc = include_str!("../README.md")]

mod connections;
mod credential;
mod digest;
mod engine;
mod execute;
mod expiry;
mod failure;
mod follow;
mod heartbeat;
mod housekeeping;
mod keys;
pub mod metrics;
mod plan;
mod providers;
mod pull;
mod reading;
mod scheduler;
mod stage;
pub mod webhooks;
mod worker;

pub use connections::Registration;
pub use engine::{EngineError, EngineOptions, RunRequest, SyncEngine};
pub use follow::{EventSubscriber, FollowError, Follower};
pub use keys::{Holder, KeyHealth, KeyUse, Rotation, Unopened};
pub use providers::Providers;
pub use worker::Worker;
