//! One key of the ring, and AES-256-GCM under it.

use aes_gcm::{AeadInOut, Aes256Gcm, KeyInit};
use subtle::ConstantTimeEq;
use zeroize::ZeroizeOnDrop;

use crate::context::Context;
use crate::derive::{KeyBytes, expand, fingerprint};

pub(crate) const NONCE_BYTES: usize = 12;
pub(crate) const TAG_BYTES: usize = 16;
pub(crate) const COMMITMENT_BYTES: usize = 32;
pub(crate) const CONTEXT_TAG_BYTES: usize = 16;

const ENCRYPTION: &[u8] = b"directory sync sealed value encryption key v1";
const COMMITMENT: &[u8] = b"directory sync sealed value key commitment v1";
const CONTEXT: &[u8] = b"directory sync sealed value context key v1";

/// What is derived from one key of the ring.
#[derive(ZeroizeOnDrop)]
pub(crate) struct SealingKey {
    cipher: Aes256Gcm,
    commitment: [u8; COMMITMENT_BYTES],
    context_key: KeyBytes,
}

/// AES-256-GCM refused: an authentication tag that does not match, or a message beyond its limits.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct CipherError;

impl SealingKey {
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        Self {
            cipher: Aes256Gcm::new((&*expand(key, ENCRYPTION)).into()),
            commitment: *expand(key, COMMITMENT),
            context_key: expand(key, CONTEXT),
        }
    }

    /// A public value that only this key has.
    ///
    /// AES-GCM does not commit to its key: a ciphertext can be made that opens under two keys, to different plaintexts. Storing
    /// and checking this value rules that out, and also tells a key replaced under its old id from an altered value.
    pub(crate) fn commitment(&self) -> &[u8; COMMITMENT_BYTES] {
        &self.commitment
    }

    pub(crate) fn is_committed_by(&self, commitment: &[u8; COMMITMENT_BYTES]) -> bool {
        self.commitment.ct_eq(commitment).into()
    }

    /// A keyed fingerprint of the context. AES-GCM refuses another context as well, but could not say that this was the reason.
    pub(crate) fn context_tag(&self, context: &Context<'_>) -> [u8; CONTEXT_TAG_BYTES] {
        fingerprint(&self.context_key, &context.encode())
    }

    pub(crate) fn is_tagged_for(&self, context: &Context<'_>, tag: &[u8; CONTEXT_TAG_BYTES]) -> bool {
        self.context_tag(context).ct_eq(tag).into()
    }

    /// Encrypts `buffer` in place and returns the tag.
    pub(crate) fn encrypt(
        &self,
        nonce: &[u8; NONCE_BYTES],
        additional: &[u8],
        buffer: &mut [u8],
    ) -> Result<[u8; TAG_BYTES], CipherError> {
        encrypt(&self.cipher, nonce, additional, buffer)
    }

    /// Decrypts `buffer` in place, or leaves it as it is when the tag does not match.
    pub(crate) fn decrypt(
        &self,
        nonce: &[u8; NONCE_BYTES],
        additional: &[u8],
        buffer: &mut [u8],
        tag: &[u8; TAG_BYTES],
    ) -> Result<(), CipherError> {
        decrypt(&self.cipher, nonce, additional, buffer, tag)
    }
}

fn encrypt(
    cipher: &Aes256Gcm,
    nonce: &[u8; NONCE_BYTES],
    additional: &[u8],
    buffer: &mut [u8],
) -> Result<[u8; TAG_BYTES], CipherError> {
    cipher.encrypt_inout_detached(nonce.into(), additional, buffer.into()).map(Into::into).map_err(|_| CipherError)
}

fn decrypt(
    cipher: &Aes256Gcm,
    nonce: &[u8; NONCE_BYTES],
    additional: &[u8],
    buffer: &mut [u8],
    tag: &[u8; TAG_BYTES],
) -> Result<(), CipherError> {
    cipher.decrypt_inout_detached(nonce.into(), additional, buffer.into(), tag.into()).map_err(|_| CipherError)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn unhex(text: &str) -> Vec<u8> {
        text.as_bytes()
            .chunks(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect()
    }

    struct Vector {
        key: &'static str,
        nonce: &'static str,
        plaintext: &'static str,
        additional: &'static str,
        ciphertext: &'static str,
        tag: &'static str,
    }

    const ZERO_KEY: &str = "0000000000000000000000000000000000000000000000000000000000000000";
    const KEY: &str = "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308";

    /// "The Galois/Counter Mode of Operation (GCM)" as submitted to NIST, appendix B, test cases 13 to 16.
    const VECTORS: [Vector; 4] = [
        Vector {
            key: ZERO_KEY,
            nonce: "000000000000000000000000",
            plaintext: "",
            additional: "",
            ciphertext: "",
            tag: "530f8afbc74536b9a963b4f1c4cb738b",
        },
        Vector {
            key: ZERO_KEY,
            nonce: "000000000000000000000000",
            plaintext: "00000000000000000000000000000000",
            additional: "",
            ciphertext: "cea7403d4d606b6e074ec5d3baf39d18",
            tag: "d0d1c8a799996bf0265b98b5d48ab919",
        },
        Vector {
            key: KEY,
            nonce: "cafebabefacedbaddecaf888",
            plaintext: "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72\
                        1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255",
            additional: "",
            ciphertext: "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa\
                         8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad",
            tag: "b094dac5d93471bdec1a502270e3cc6c",
        },
        Vector {
            key: KEY,
            nonce: "cafebabefacedbaddecaf888",
            plaintext: "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72\
                        1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
            additional: "feedfacedeadbeeffeedfacedeadbeefabaddad2",
            ciphertext: "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa\
                         8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662",
            tag: "76fc6ece0f4e1768cddf8853bb2d551b",
        },
    ];

    #[test]
    fn published_aes_256_gcm_vectors() {
        for vector in &VECTORS {
            let cipher = Aes256Gcm::new_from_slice(&unhex(vector.key)).unwrap();
            let nonce = unhex(vector.nonce).try_into().unwrap();
            let additional = unhex(vector.additional);
            let mut buffer = unhex(vector.plaintext);

            let tag = encrypt(&cipher, &nonce, &additional, &mut buffer).unwrap();
            assert_eq!(buffer, unhex(vector.ciphertext));
            assert_eq!(tag, *unhex(vector.tag));

            decrypt(&cipher, &nonce, &additional, &mut buffer, &tag).unwrap();
            assert_eq!(buffer, unhex(vector.plaintext));
        }
    }

    #[test]
    fn a_refused_message_stays_encrypted() {
        let key = SealingKey::new(&[7; 32]);
        let nonce = [1; NONCE_BYTES];
        let mut buffer = b"secret".to_vec();
        let mut tag = key.encrypt(&nonce, b"row", &mut buffer).unwrap();
        let encrypted = buffer.clone();
        tag[0] ^= 1;
        assert_eq!(key.decrypt(&nonce, b"row", &mut buffer, &tag), Err(CipherError));
        assert_eq!(buffer, encrypted);
    }

    #[test]
    fn the_public_values_are_not_the_keys() {
        let master = [7; 32];
        let key = SealingKey::new(&master);
        let public = key.commitment();
        assert_ne!(public, &master);
        assert_ne!(public, &*key.context_key);
        assert_ne!(public, &*expand(&master, ENCRYPTION));
        assert_ne!(key.context_key, expand(&master, ENCRYPTION));
    }
}
