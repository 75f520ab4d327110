//! The place from which a directory tells its changes.

use secrecy::{ExposeSecret, SecretString};

/// Where one listing ended and the next one of changes begins. Only the provider that made it understands it. Whoever has it
/// and a token may read what changed, so it is kept like a secret.
#[derive(Clone, Debug)]
pub struct Continuation(SecretString);

impl From<SecretString> for Continuation {
    fn from(text: SecretString) -> Self {
        Self(text)
    }
}

impl Continuation {
    /// What a provider will need.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(text.into())
    }

    /// The text, for its provider and for sealing it.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}
