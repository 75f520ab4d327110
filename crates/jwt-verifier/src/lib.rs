#![doc = include_str!("../README.md")]

mod address;
mod cache;
mod claims;
mod keys;
mod settings;
mod signatures;
mod source;
mod verifier;
mod verify;

pub use address::{AddressFault, check_address};
pub use claims::{Claims, Role};
pub use keys::{Keys, KeysFault};
pub use settings::{Settings, SetupError};
pub use verifier::{JwtVerifier, VerifyError};
pub use verify::{LEEWAY, LONGEST_TOKEN, Refusal, verify};
