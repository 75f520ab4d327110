//! The store against a real server, which `cargo xtask test` starts.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod claims;
mod database;
mod effort;
mod errors;
mod feed;
mod fixture;
mod interference;
mod queue_watch;
mod quiet;
mod schema;
mod walls;
mod webhooks;

mod conformance {
    store::conformance_tests!(crate::database::Server);
}
