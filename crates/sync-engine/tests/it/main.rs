//! Runs against directories in memory and a real store.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod decisions;
mod expiry;
mod failures;
mod following;
mod keys;
mod leases;
mod logs;
mod plans;
mod readings;
mod review;
mod schedules;
mod support;
mod webhooks;
mod workers;
