//! The issuer's public keys (RFC 7517).

use jsonwebtoken::{
    Algorithm, DecodingKey, DecodingKeyKind,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyOperations, PublicKeyUse},
};

use serde_json::{Map, Value};

use crate::{
    Refusal,
    signatures::{ALGORITHMS, unpadded},
};

/// More than any issuer has in use.
const MOST_KEYS: usize = 100;
/// Bytes of an RSA modulus: 2048 to 8192 bits, as the cryptography takes them.
const MODULUS: std::ops::RangeInclusive<usize> = 256..=1024;

/// The keys of an issuer that can check signatures.
#[derive(Clone, Debug, Default)]
pub struct Keys {
    keys: Vec<Key>,
    skipped: usize,
}

#[derive(Clone, Debug)]
struct Key {
    id: Option<String>,
    /// What the key may be used with.
    algorithms: Vec<Algorithm>,
    public: DecodingKey,
}

/// Why an answer is no key set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeysFault {
    /// It is not JSON with a list of keys.
    #[error("it is no JSON Web Key Set")]
    NotKeys,
    /// It has more keys than any issuer needs.
    #[error("it has more than {MOST_KEYS} keys")]
    TooMany,
}

impl Keys {
    /// Reads a JSON Web Key Set. A key that is broken, or for something else, is left out and does no harm to the others. A
    /// set without any is a set: an issuer may take all of its keys back.
    pub fn parse(body: &[u8]) -> Result<Self, KeysFault> {
        // As a map: a struct would also be read from an array of its members' values.
        let mut set: Map<String, Value> = serde_json::from_slice(body).map_err(|_| KeysFault::NotKeys)?;
        let Some(Value::Array(listed)) = set.remove("keys") else { return Err(KeysFault::NotKeys) };
        if listed.len() > MOST_KEYS {
            return Err(KeysFault::TooMany);
        }
        let count = listed.len();
        let keys: Vec<Key> = listed.into_iter().filter_map(Key::of).collect();
        Ok(Self { skipped: count - keys.len(), keys })
    }

    /// How many can check signatures.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether none can.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// How many were left out.
    #[must_use]
    pub fn skipped(&self) -> usize {
        self.skipped
    }

    /// The key that a token was signed with, by what its header says. A token that names none is for an issuer with one
    /// such key: trying several would let anybody have us compute for nothing.
    pub(crate) fn find(&self, id: Option<&str>, algorithm: Algorithm) -> Result<&DecodingKey, Refusal> {
        let named = || self.keys.iter().filter(|key| id.is_none() || key.id.as_deref() == id);
        let mut fitting = named().filter(|key| key.algorithms.contains(&algorithm));
        match (fitting.next(), fitting.next()) {
            (Some(key), None) => Ok(&key.public),
            (Some(_), Some(_)) => Err(Refusal::AmbiguousKey),
            (None, _) if id.is_some() && named().next().is_some() => Err(Refusal::Algorithm),
            (None, _) => Err(Refusal::UnknownKey),
        }
    }
}

impl Key {
    fn of(json: Value) -> Option<Self> {
        let key: Jwk = serde_json::from_value(json).ok()?;
        let common = &key.common;
        if common.public_key_use.as_ref().is_some_and(|usage| *usage != PublicKeyUse::Signature)
            || common.key_operations.as_ref().is_some_and(|operations| !operations.contains(&KeyOperations::Verify))
        {
            return None;
        }
        let mut algorithms = algorithms_of(&key.algorithm)?;
        if let Some(only) = common.key_algorithm {
            let only = Algorithm::try_from(only).ok()?;
            algorithms.retain(|algorithm| *algorithm == only);
        }
        let public = DecodingKey::from_jwk(&key).ok().filter(|public| is_whole(public, &key.algorithm))?;
        (!algorithms.is_empty()).then_some(Self { id: key.common.key_id, algorithms, public })
    }
}

/// What a key of this kind can be used with at all.
fn algorithms_of(parameters: &AlgorithmParameters) -> Option<Vec<Algorithm>> {
    let family = match parameters {
        AlgorithmParameters::RSA(_) => jsonwebtoken::AlgorithmFamily::Rsa,
        AlgorithmParameters::EllipticCurve(key) => match key.curve {
            EllipticCurve::P256 => return Some(vec![Algorithm::ES256]),
            EllipticCurve::P384 => return Some(vec![Algorithm::ES384]),
            _ => return None,
        },
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => {
            return Some(vec![Algorithm::EdDSA]);
        }
        _ => return None,
    };
    Some(ALGORITHMS.iter().copied().filter(|algorithm| algorithm.family() == family).collect())
}

/// Whether the numbers have the size that they must have.
fn is_whole(public: &DecodingKey, parameters: &AlgorithmParameters) -> bool {
    match (public.kind(), parameters) {
        (DecodingKeyKind::RsaModulusExponent { n, .. }, _) => MODULUS.contains(&unpadded(n).len()),
        (DecodingKeyKind::SecretOrDer(bytes), AlgorithmParameters::EllipticCurve(key)) => {
            // Both coordinates after the byte that says that they are not compressed.
            bytes.len() == if key.curve == EllipticCurve::P256 { 65 } else { 97 }
        }
        (DecodingKeyKind::SecretOrDer(bytes), _) => bytes.len() == 32,
    }
}
