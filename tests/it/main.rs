//! Whole-system tests of directory sync: real programs, real HTTP, real databases, the simulator.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod command_line;
mod first_contact;
mod layers;
mod lifecycle;
mod main_job;
mod safety;
mod secrets;
mod support;
