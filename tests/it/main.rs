//! Whole-system tests of directory sync: real programs, real HTTP, real databases, the simulator.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod audit;
mod cancelling;
mod command_line;
mod conflicts;
mod container;
mod credentials;
mod delta;
mod doctor;
mod dry_runs;
mod events;
mod expiry;
mod first_contact;
mod interruptions;
mod jwt;
mod killing;
mod layers;
mod lifecycle;
mod losses;
mod main_job;
mod mangled;
mod metrics;
mod previews;
mod provenance;
mod reconnect;
mod retention;
mod review;
mod safety;
mod schedules;
mod secrets;
mod servers;
mod support;
mod traces;
mod twins;
mod webhooks;
