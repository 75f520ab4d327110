//! The API over HTTP: a bound server, a SQLite store, and a directory in memory.

#![expect(clippy::unwrap_used, reason = "a test fails where it stands")]

mod access;
mod api;
mod audit;
mod deletion;
mod document;
mod events;
mod feed;
mod idle;
mod inputs;
mod limits;
mod lists;
mod previews;
mod probes;
mod registration;
mod review;
mod secrets;
mod settling;
mod shutdown;
mod sign_in;
mod slow;
mod syncs;
mod updates;
mod waiting;
