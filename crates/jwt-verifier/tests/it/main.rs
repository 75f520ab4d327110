//! Tokens and keys as an issuer makes them, judged by the crate as a program uses it.

#![expect(clippy::unwrap_used, reason = "a test fails where it stands")]

mod fetching;
mod header;
mod keys;
mod signer;
mod times;
mod verdicts;
