//! The engine as its callers drive it: golden plans for each rule, and the laws that hold for any input.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod changes;
mod golden;
mod laws;
mod paging;
mod privacy;
mod roll;
mod world;
