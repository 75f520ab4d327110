//! `jsonwebtoken`'s cryptography, done by ring: signatures are checked, and nothing is signed.

use jsonwebtoken::{
    Algorithm, AlgorithmFamily, DecodingKey, DecodingKeyKind,
    crypto::{CryptoProvider, JwtVerifier, KeyUtils},
    errors::{Error, ErrorKind},
    signature::{self, Verifier},
};
use ring::signature as by_ring;

/// Every algorithm that is taken: signatures of a private key. With a shared secret, whoever can check could sign as well.
pub(crate) const ALGORITHMS: &[Algorithm] = &[
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];

static ON_RING: CryptoProvider = CryptoProvider {
    signer_factory: |_, _| Err(ErrorKind::UnsupportedAlgorithm.into()),
    verifier_factory: |algorithm, key| Ok(Box::new(OnRing::new(*algorithm, key)?)),
    // For making JWKs of keys, which nobody here does.
    key_utils: KeyUtils::new_unimplemented(),
};

/// Gives `jsonwebtoken` its cryptography; without any it would panic. A process that chose another one keeps it.
pub(crate) fn install() {
    let _ = ON_RING.install_default();
}

/// One algorithm with one key.
struct OnRing {
    algorithm: Algorithm,
    check: Check,
}

enum Check {
    Rsa(&'static by_ring::RsaParameters, by_ring::RsaPublicKeyComponents<Vec<u8>>),
    Other(by_ring::UnparsedPublicKey<Vec<u8>>),
}

impl OnRing {
    fn new(algorithm: Algorithm, key: &DecodingKey) -> Result<Self, Error> {
        if key.family() != algorithm.family() {
            return Err(ErrorKind::InvalidAlgorithm.into());
        }
        let check = match algorithm.family() {
            AlgorithmFamily::Rsa => Check::Rsa(rsa(algorithm)?, rsa_key(key)?),
            AlgorithmFamily::Ec | AlgorithmFamily::Ed => {
                Check::Other(by_ring::UnparsedPublicKey::new(curve(algorithm)?, key.try_get_as_bytes()?.to_vec()))
            }
            AlgorithmFamily::Hmac => return Err(ErrorKind::UnsupportedAlgorithm.into()),
        };
        Ok(Self { algorithm, check })
    }
}

fn rsa(algorithm: Algorithm) -> Result<&'static by_ring::RsaParameters, Error> {
    Ok(match algorithm {
        Algorithm::RS256 => &by_ring::RSA_PKCS1_2048_8192_SHA256,
        Algorithm::RS384 => &by_ring::RSA_PKCS1_2048_8192_SHA384,
        Algorithm::RS512 => &by_ring::RSA_PKCS1_2048_8192_SHA512,
        Algorithm::PS256 => &by_ring::RSA_PSS_2048_8192_SHA256,
        Algorithm::PS384 => &by_ring::RSA_PSS_2048_8192_SHA384,
        Algorithm::PS512 => &by_ring::RSA_PSS_2048_8192_SHA512,
        _ => return Err(ErrorKind::UnsupportedAlgorithm.into()),
    })
}

fn curve(algorithm: Algorithm) -> Result<&'static dyn by_ring::VerificationAlgorithm, Error> {
    Ok(match algorithm {
        Algorithm::ES256 => &by_ring::ECDSA_P256_SHA256_FIXED,
        Algorithm::ES384 => &by_ring::ECDSA_P384_SHA384_FIXED,
        Algorithm::EdDSA => &by_ring::ED25519,
        _ => return Err(ErrorKind::UnsupportedAlgorithm.into()),
    })
}

fn rsa_key(key: &DecodingKey) -> Result<by_ring::RsaPublicKeyComponents<Vec<u8>>, Error> {
    match key.kind() {
        DecodingKeyKind::RsaModulusExponent { n, e } => {
            Ok(by_ring::RsaPublicKeyComponents { n: unpadded(n).to_vec(), e: unpadded(e).to_vec() })
        }
        DecodingKeyKind::SecretOrDer(_) => Err(ErrorKind::InvalidKeyFormat.into()),
    }
}

/// Without the zeros in front that some issuers write, against RFC 7518 §6.3.1.1, and that ring refuses.
pub(crate) fn unpadded(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|&&byte| byte == 0).count();
    &number[zeros..]
}

impl Verifier<Vec<u8>> for OnRing {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), signature::Error> {
        let checked = match &self.check {
            Check::Rsa(parameters, key) => key.verify(parameters, message, signature),
            Check::Other(key) => key.verify(message, signature),
        };
        checked.map_err(|_| signature::Error::new())
    }
}

impl JwtVerifier for OnRing {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}
