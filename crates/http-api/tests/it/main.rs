//! The API over HTTP: a bound server, a SQLite store, and a directory in memory.

#![expect(clippy::unwrap_used, reason = "a test fails where it stands")]

mod access;
mod api;
mod inputs;
mod lists;
mod probes;
mod registration;
mod secrets;
mod shutdown;
mod syncs;
