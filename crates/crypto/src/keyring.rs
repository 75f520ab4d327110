//! The keys of an installation, and sealing and opening with them.

use secrecy::{ExposeSecret, SecretSlice, SecretString};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::context::Context;
use crate::envelope::{Envelope, Header, Sealed};
use crate::key_id::KeyId;
use crate::key_text::{self, KeyringError};
use crate::random::{self, RandomError};
use crate::sealing_key::{NONCE_BYTES, SealingKey};

/// The longest plaintext that is sealed, in bytes: generous for a secret, and far within what AES-GCM allows.
pub const MAX_PLAINTEXT_BYTES: u32 = 64 * 1024;

/// Named keys: the first one seals, all of them open. The keys are wiped when it is dropped.
pub struct Keyring {
    primary: Entry,
    others: Vec<Entry>,
}

struct Entry {
    kid: KeyId,
    /// Boxed, so that moving an entry leaves no copy of the key behind.
    key: Box<SealingKey>,
}

/// Why a value was not sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SealError {
    /// The value is longer than [`MAX_PLAINTEXT_BYTES`].
    #[error("the value is longer than {MAX_PLAINTEXT_BYTES} bytes")]
    TooLong,
    /// There was no nonce to seal with.
    #[error(transparent)]
    Random(#[from] RandomError),
}

/// Why a sealed value did not open.
///
/// Checked in the order of the variants, except that the version comes before the length it decides on. An attacker who alters
/// a value chooses which of them is reported, but none of the altered values opens.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum OpenError {
    /// Bytes are missing at the end.
    #[error("the sealed value is cut short; restore it from a backup, or enter the secret again")]
    Truncated,
    /// A format that this program does not know.
    #[error(
        "the sealed value has format version {version}, which this program cannot read; a newer program may have sealed it"
    )]
    UnknownVersion {
        /// The version it states.
        version: u8,
    },
    /// Bytes that no program of ours has written.
    #[error("this is not a sealed value; restore it from a backup, or enter the secret again")]
    Malformed,
    /// The key is not in the keyring.
    #[error(
        "sealed with key `{kid}`, which is not in the keyring; add it back to DIRECTORY_ENCRYPTION_KEYS or the key file"
    )]
    UnknownKey {
        /// The id of the missing key.
        kid: String,
    },
    /// The keyring has another key under this id.
    #[error(
        "the keyring's key `{kid}` is not the key `{kid}` that sealed this value; restore the old key, and give a new key a new id"
    )]
    WrongKey {
        /// The id that both keys have.
        kid: String,
    },
    /// The value was moved here from another tenant, row or use.
    #[error("this value was sealed for another row; enter the secret again")]
    WrongContext,
    /// The value was altered.
    #[error("the sealed value has been altered; restore it from a backup, or enter the secret again")]
    Tampered,
    /// The value opened to bytes that are no text.
    #[error("the sealed value is authentic but is not UTF-8 text; enter the secret again")]
    NotUtf8,
}

impl Keyring {
    /// Reads `KID:BASE64` entries, separated by commas or line breaks; `#` starts a comment that ends with the line.
    ///
    /// A key id is 1 to 32 characters of `A-Z a-z 0-9 _ -`; a key is 32 bytes in base64, standard or URL-safe, padded or not.
    /// The keyring keeps nothing of `text`, which its owner wipes.
    pub fn parse(text: &str) -> Result<Self, KeyringError> {
        let mut entries =
            key_text::parse(text)?.into_iter().map(|(kid, key)| Entry { kid, key: Box::new(SealingKey::new(&key)) });
        Ok(Self { primary: entries.next().ok_or(KeyringError::Empty)?, others: entries.collect() })
    }

    /// The id of the key that seals.
    #[must_use]
    pub fn primary_kid(&self) -> &str {
        self.primary.kid.as_str()
    }

    /// The ids of all keys, the primary one first.
    pub fn kids(&self) -> impl Iterator<Item = &str> {
        self.entries().map(|entry| entry.kid.as_str())
    }

    /// Seals `plaintext` with the primary key, to be opened under an equal `context` only.
    ///
    /// The length of the plaintext shows in the result.
    pub fn seal(&self, plaintext: &[u8], context: &Context<'_>) -> Result<Sealed, SealError> {
        let mut nonce = [0; NONCE_BYTES];
        random::fill(&mut nonce)?;
        self.seal_with_nonce(plaintext, context, &nonce)
    }

    /// A nonce must never be used twice with one key.
    fn seal_with_nonce(
        &self,
        plaintext: &[u8],
        context: &Context<'_>,
        nonce: &[u8; NONCE_BYTES],
    ) -> Result<Sealed, SealError> {
        let ciphertext_bytes = u32::try_from(plaintext.len())
            .ok()
            .filter(|&bytes| bytes <= MAX_PLAINTEXT_BYTES)
            .ok_or(SealError::TooLong)?;
        let Entry { kid, key } = &self.primary;
        let header = Header {
            kid,
            commitment: key.commitment(),
            context_tag: &key.context_tag(context),
            nonce,
            ciphertext_bytes,
        }
        .encode();

        let mut buffer = Zeroizing::new(plaintext.to_vec());
        let tag =
            key.encrypt(nonce, &additional_data(&header, context), &mut buffer).map_err(|_| SealError::TooLong)?;
        Ok(Sealed::new([header.as_slice(), buffer.as_slice(), tag.as_slice()].concat()))
    }

    /// Opens what [`Keyring::seal`] made.
    pub fn open(&self, sealed: &[u8], context: &Context<'_>) -> Result<SecretSlice<u8>, OpenError> {
        let envelope = Envelope::parse(sealed)?;
        let kid = envelope.kid;
        let key = self
            .entries()
            .find(|entry| entry.kid.as_str() == kid)
            .map(|entry| &entry.key)
            .ok_or_else(|| OpenError::UnknownKey { kid: kid.to_owned() })?;
        if !key.is_committed_by(envelope.commitment) {
            return Err(OpenError::WrongKey { kid: kid.to_owned() });
        }
        if !key.is_tagged_for(context, envelope.context_tag) {
            return Err(OpenError::WrongContext);
        }
        let additional = additional_data(envelope.header, context);
        let mut buffer = envelope.ciphertext.to_vec();
        // A refused buffer still holds the ciphertext, so there is nothing to wipe on the way out.
        key.decrypt(envelope.nonce, &additional, &mut buffer, envelope.tag).map_err(|_| OpenError::Tampered)?;
        Ok(buffer.into())
    }

    /// Opens what [`Keyring::seal`] made of a text.
    pub fn open_string(&self, sealed: &[u8], context: &Context<'_>) -> Result<SecretString, OpenError> {
        let opened = self.open(sealed, context)?;
        std::str::from_utf8(opened.expose_secret()).map(SecretString::from).map_err(|_| OpenError::NotUtf8)
    }

    fn entries(&self) -> impl Iterator<Item = &Entry> {
        std::iter::once(&self.primary).chain(&self.others)
    }
}

impl std::fmt::Debug for Keyring {
    /// Shows the ids of the keys only.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keyring").field("kids", &self.kids().collect::<Vec<_>>()).finish_non_exhaustive()
    }
}

/// The header tells where it ends, and so do the fields of the context: the two joined are unambiguous.
fn additional_data(header: &[u8], context: &Context<'_>) -> Vec<u8> {
    [header, &context.encode()].concat()
}

#[cfg(test)]
mod tests;
