//! Secrets that messages to webhooks are signed with, in the form of Standard Webhooks.

use base64::{Engine, prelude::BASE64_STANDARD};
use secrecy::SecretString;
use zeroize::Zeroizing;

use crate::random::{self, RandomError};

/// As many as the hash of the signature has; the form allows 24 to 64.
const BYTES: usize = 32;

/// A new secret: `whsec_` and base64 of 32 random bytes.
pub fn generate_webhook_secret() -> Result<SecretString, RandomError> {
    let mut bytes = Zeroizing::new([0; BYTES]);
    random::fill(&mut *bytes)?;
    let encoded = Zeroizing::new(BASE64_STANDARD.encode(*bytes));
    Ok(SecretString::from(["whsec_", &encoded].concat()))
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn secrets_are_of_the_form_and_differ() {
        let secrets = [generate_webhook_secret().unwrap(), generate_webhook_secret().unwrap()];
        for secret in &secrets {
            let encoded = secret.expose_secret().strip_prefix("whsec_").unwrap();
            assert_eq!(BASE64_STANDARD.decode(encoded).unwrap().len(), BYTES);
        }
        assert_ne!(secrets[0].expose_secret(), secrets[1].expose_secret());
    }
}
