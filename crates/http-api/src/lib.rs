#![doc = include_str!("../README.md")]

mod app;
mod auth;
mod body;
mod cursor;
mod host;
pub mod model;
mod observe;
mod problem;
mod query;
mod request_id;
mod routes;
mod server;

pub use app::{ApiConfig, App};
pub use routes::configure;
pub use server::Server;
