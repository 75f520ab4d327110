#![doc = include_str!("../README.md")]

mod context;
mod derive;
mod digest;
mod envelope;
mod key_id;
mod key_text;
mod keyring;
mod random;
mod sealing_key;
mod token;
mod webhook_secret;

pub use context::{Context, Purpose};
pub use digest::Digest;
pub use envelope::{Sealed, sealed_key_id};
pub use key_text::{GenerateKeyError, KeyringError, generate_key_line};
pub use keyring::{Keyring, MAX_PLAINTEXT_BYTES, OpenError, SealError};
pub use random::RandomError;
pub use token::{ApiToken, TokenHash};
pub use webhook_secret::generate_webhook_secret;
