//! Runs against directories in memory and a real store.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod failures;
mod leases;
mod logs;
mod plans;
mod support;
mod workers;
