//! The byte layout of a sealed value.

use crate::key_id::KeyId;
use crate::keyring::OpenError;
use crate::sealing_key::{COMMITMENT_BYTES, CONTEXT_TAG_BYTES, NONCE_BYTES, TAG_BYTES};

const VERSION: u8 = 1;

/// A sealed value, to be stored as it is. It holds no secret in the clear.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed(Vec<u8>);

impl Sealed {
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The bytes to store.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The bytes to store, owned.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

impl std::fmt::Debug for Sealed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sealed({} bytes)", self.0.len())
    }
}

/// The id of the key that sealed a value, without opening it.
///
/// Nothing is authenticated yet: this is for finding the rows that an older key sealed, and no more.
pub fn sealed_key_id(sealed: &[u8]) -> Result<&str, OpenError> {
    Envelope::parse(sealed).map(|envelope| envelope.kid)
}

/// What precedes the ciphertext, to be written.
pub(crate) struct Header<'a> {
    pub(crate) kid: &'a KeyId,
    pub(crate) commitment: &'a [u8; COMMITMENT_BYTES],
    pub(crate) context_tag: &'a [u8; CONTEXT_TAG_BYTES],
    pub(crate) nonce: &'a [u8; NONCE_BYTES],
    pub(crate) ciphertext_bytes: u32,
}

impl Header<'_> {
    pub(crate) fn encode(&self) -> Vec<u8> {
        [
            [VERSION, self.kid.length()].as_slice(),
            self.kid.as_str().as_bytes(),
            self.commitment,
            self.context_tag,
            self.nonce,
            &self.ciphertext_bytes.to_be_bytes(),
        ]
        .concat()
    }
}

/// A sealed value taken apart. Only its form has been checked.
pub(crate) struct Envelope<'a> {
    /// All bytes before the ciphertext, as they were authenticated.
    pub(crate) header: &'a [u8],
    pub(crate) kid: &'a str,
    pub(crate) commitment: &'a [u8; COMMITMENT_BYTES],
    pub(crate) context_tag: &'a [u8; CONTEXT_TAG_BYTES],
    pub(crate) nonce: &'a [u8; NONCE_BYTES],
    pub(crate) ciphertext: &'a [u8],
    pub(crate) tag: &'a [u8; TAG_BYTES],
}

impl<'a> Envelope<'a> {
    /// The version is read first, because only it says how long the rest has to be.
    pub(crate) fn parse(sealed: &'a [u8]) -> Result<Self, OpenError> {
        let mut rest = sealed;
        let &[version] = take(&mut rest)?;
        if version != VERSION {
            return Err(OpenError::UnknownVersion { version });
        }
        let &[kid_bytes] = take(&mut rest)?;
        let kid = take_slice(&mut rest, usize::from(kid_bytes))?;
        let kid =
            std::str::from_utf8(kid).ok().filter(|kid| KeyId::parse(kid).is_some()).ok_or(OpenError::Malformed)?;
        let commitment = take(&mut rest)?;
        let context_tag = take(&mut rest)?;
        let nonce = take(&mut rest)?;
        let ciphertext_bytes = u32::from_be_bytes(*take(&mut rest)?);
        let header = &sealed[..sealed.len() - rest.len()];
        let ciphertext_bytes = usize::try_from(ciphertext_bytes).map_err(|_| OpenError::Truncated)?;
        let ciphertext = take_slice(&mut rest, ciphertext_bytes)?;
        let tag = take(&mut rest)?;
        if !rest.is_empty() {
            return Err(OpenError::Malformed);
        }
        Ok(Self { header, kid, commitment, context_tag, nonce, ciphertext, tag })
    }
}

fn take<'a, const N: usize>(rest: &mut &'a [u8]) -> Result<&'a [u8; N], OpenError> {
    let (head, tail) = rest.split_first_chunk().ok_or(OpenError::Truncated)?;
    *rest = tail;
    Ok(head)
}

fn take_slice<'a>(rest: &mut &'a [u8], bytes: usize) -> Result<&'a [u8], OpenError> {
    let (head, tail) = rest.split_at_checked(bytes).ok_or(OpenError::Truncated)?;
    *rest = tail;
    Ok(head)
}
