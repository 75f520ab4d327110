//! What the provider says on the wire, and what it makes of the answers.

#![expect(clippy::expect_used, reason = "a helper that cannot go on fails its test")]

mod bodies;
mod changes;
mod credentials;
mod groups;
mod links;
mod listing;
mod privacy;
mod reach;
mod retries;
mod support;
mod token;
mod verify;
