//! Subkeys and fingerprints from HMAC-SHA256.

use ring::hmac;
use zeroize::Zeroizing;

/// 256 bits of key material, wiped when dropped.
pub(crate) type KeyBytes = Zeroizing<[u8; 32]>;

/// The first 32 bytes of HKDF-Expand (RFC 5869 §2.3) with SHA-256: one block, hence one HMAC over `label` and the block's number.
///
/// The extract step is left out, as §3.3 there allows: the input is a uniformly random key already.
pub(crate) fn expand(key: &[u8; 32], label: &[u8]) -> KeyBytes {
    let mut block = Zeroizing::new([0; 32]);
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, key));
    context.update(label);
    context.update(&[1]);
    block.copy_from_slice(context.sign().as_ref());
    block
}

/// The first 16 bytes of HMAC-SHA256 over `message`.
pub(crate) fn fingerprint(key: &[u8; 32], message: &[u8]) -> [u8; 16] {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message);
    let mut short = [0; 16];
    short.copy_from_slice(&tag.as_ref()[..16]);
    short
}

#[cfg(test)]
mod tests {
    use super::{expand, fingerprint};
    use crate::sealing_key::tests::unhex;

    /// RFC 5869 appendix A, test cases 1 and 3: the pseudorandom key, and the first block of the output.
    #[test]
    fn published_hkdf_vectors() {
        for (key, label, expected) in [
            (
                "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5",
                "f0f1f2f3f4f5f6f7f8f9",
                "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf",
            ),
            (
                "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04",
                "",
                "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d",
            ),
        ] {
            let key = unhex(key).try_into().unwrap();
            assert_eq!(*expand(&key, &unhex(label)), *unhex(expected));
        }
    }

    /// RFC 4231 test case 1. Its 20-byte key is padded with zeros here, as HMAC itself does up to the block size.
    #[test]
    fn published_hmac_vector() {
        let mut key = [0; 32];
        key[..20].fill(0x0b);
        assert_eq!(fingerprint(&key, b"Hi There"), *unhex("b0344c61d8db38535ca8afceaf0bf12b"));
    }
}
