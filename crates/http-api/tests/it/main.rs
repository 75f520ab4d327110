//! The API over HTTP: a bound server, a SQLite store, and a directory in memory.

#![expect(clippy::unwrap_used, reason = "a test fails where it stands")]

mod access;
mod api;
mod deletion;
mod inputs;
mod lists;
mod previews;
mod probes;
mod registration;
mod review;
mod secrets;
mod settling;
mod shutdown;
mod syncs;
mod updates;
