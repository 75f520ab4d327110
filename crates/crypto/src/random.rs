//! Random bytes from the operating system.

use ring::rand::{SecureRandom, SystemRandom};
use thiserror::Error;

/// The operating system gave no random bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the operating system gave no random bytes")]
pub struct RandomError;

/// Overwrites `buffer` with random bytes.
pub(crate) fn fill(buffer: &mut [u8]) -> Result<(), RandomError> {
    SystemRandom::new().fill(buffer).map_err(|_| RandomError)
}
