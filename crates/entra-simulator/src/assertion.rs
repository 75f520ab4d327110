//! Client assertions: JWTs that a registered certificate's key signed, and tokens of another identity provider
//! (protocol/entra.md §1.4 to §1.6).

use std::collections::{HashMap, HashSet};
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use ring::signature::{RSA_PSS_2048_8192_SHA256, UnparsedPublicKey};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;
use x509_cert::Certificate;
use x509_cert::der::Decode;

/// How far a client's clock may be wrong.
const SKEW: Duration = Duration::from_mins(5);

/// Why a text cannot be trusted as a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrustError {
    /// There is no `BEGIN CERTIFICATE`, or what follows is not base64.
    #[error("the text holds no certificate in PEM")]
    NoCertificate,
    /// It is no X.509 certificate.
    #[error("the certificate is not readable")]
    Unreadable,
}

/// Whose assertions a registration accepts.
#[derive(Default)]
pub(crate) struct Trust {
    /// By `x5t#S256`.
    certificates: HashMap<String, Trusted>,
    federated: HashSet<String>,
    /// Assertions that were accepted, and when they end.
    used: HashMap<String, SystemTime>,
}

struct Trusted {
    public_key: Vec<u8>,
    not_after: SystemTime,
}

/// What an assertion has to say.
pub(crate) struct Expected<'a> {
    pub(crate) client_id: Uuid,
    /// The token endpoint, as the client reached it.
    pub(crate) audience: &'a str,
    pub(crate) now: SystemTime,
}

/// Why an assertion is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AssertionFault {
    Unmatched,
    Malformed,
    UnknownKey,
    ExpiredKey,
    Algorithm,
    BadSignature,
    WrongClient,
    WrongAudience,
    OutsideLife,
    Replayed,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    #[serde(rename = "x5t#S256")]
    thumbprint: Option<String>,
    x5t: Option<String>,
}

#[derive(Deserialize)]
struct Claims {
    aud: String,
    iss: String,
    sub: String,
    jti: String,
    nbf: u64,
    exp: u64,
}

impl Trust {
    pub(crate) fn add_certificates(&mut self, pem: &str) -> Result<(), TrustError> {
        let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
        let found = found.map_err(|_| TrustError::NoCertificate)?;
        if found.is_empty() {
            return Err(TrustError::NoCertificate);
        }
        let read: Result<Vec<_>, _> = found.iter().map(Trusted::read).collect();
        self.certificates.extend(read?);
        Ok(())
    }

    pub(crate) fn add_federated(&mut self, token: &str) {
        self.federated.insert(token.to_owned());
    }

    pub(crate) fn clear(&mut self) {
        self.certificates.clear();
        self.federated.clear();
    }

    /// Judges an assertion. A federated token may be shown as often as one likes, a signed assertion once.
    pub(crate) fn check(&mut self, assertion: &str, expected: &Expected<'_>) -> Result<(), AssertionFault> {
        if self.federated.contains(assertion) {
            return Ok(());
        }
        let (signed, signature) = assertion.rsplit_once('.').ok_or(AssertionFault::Unmatched)?;
        let (header, claims) = signed.split_once('.').ok_or(AssertionFault::Unmatched)?;
        // Without a thumbprint it was signed by somebody else, and only a federated credential could match it.
        let header: Header = read(header).ok_or(AssertionFault::Unmatched)?;
        if header.thumbprint.is_none() && header.x5t.is_none() {
            return Err(AssertionFault::Unmatched);
        }
        self.check_signature(&header, signed, signature, expected.now)?;
        let claims: Claims = read(claims).ok_or(AssertionFault::Malformed)?;
        claims.check(expected)?;
        self.used.retain(|_, until| *until + SKEW > expected.now);
        let until = claims.until().ok_or(AssertionFault::Malformed)?;
        if self.used.insert(claims.jti, until).is_some() { Err(AssertionFault::Replayed) } else { Ok(()) }
    }

    fn check_signature(
        &self,
        header: &Header,
        signed: &str,
        signature: &str,
        now: SystemTime,
    ) -> Result<(), AssertionFault> {
        let thumbprint = header.thumbprint.as_ref().ok_or(AssertionFault::Algorithm)?;
        if header.alg != "PS256" {
            return Err(AssertionFault::Algorithm);
        }
        let trusted = self.certificates.get(thumbprint).ok_or(AssertionFault::UnknownKey)?;
        if now > trusted.not_after {
            return Err(AssertionFault::ExpiredKey);
        }
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| AssertionFault::BadSignature)?;
        UnparsedPublicKey::new(&RSA_PSS_2048_8192_SHA256, &trusted.public_key)
            .verify(signed.as_bytes(), &signature)
            .map_err(|_| AssertionFault::BadSignature)
    }
}

impl Trusted {
    /// With the thumbprint that names it.
    fn read(der: &CertificateDer<'_>) -> Result<(String, Self), TrustError> {
        let certificate = Certificate::from_der(der).map_err(|_| TrustError::Unreadable)?;
        let certificate = certificate.tbs_certificate();
        let trusted = Self {
            public_key: certificate.subject_public_key_info().subject_public_key.raw_bytes().to_vec(),
            not_after: certificate.validity().not_after.to_system_time(),
        };
        Ok((URL_SAFE_NO_PAD.encode(digest(&SHA256, der)), trusted))
    }
}

impl Claims {
    fn check(&self, expected: &Expected<'_>) -> Result<(), AssertionFault> {
        let client_id = expected.client_id.to_string();
        if self.iss != client_id || self.sub != client_id {
            return Err(AssertionFault::WrongClient);
        }
        if self.aud != expected.audience {
            return Err(AssertionFault::WrongAudience);
        }
        let begins = time(self.nbf).ok_or(AssertionFault::Malformed)?;
        let ends = self.until().ok_or(AssertionFault::Malformed)?;
        let inside = begins <= expected.now + SKEW && expected.now < ends + SKEW;
        if inside { Ok(()) } else { Err(AssertionFault::OutsideLife) }
    }

    fn until(&self) -> Option<SystemTime> {
        time(self.exp)
    }
}

/// Not beyond what a skew can be added to.
fn time(unix_seconds: u64) -> Option<SystemTime> {
    let time = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(unix_seconds))?;
    time.checked_add(SKEW).map(|_| time)
}

fn read<T: DeserializeOwned>(part: &str) -> Option<T> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

impl AssertionFault {
    /// The number in the `AADSTS` text, and the text.
    pub(crate) fn words(self) -> (u32, &'static str) {
        match self {
            Self::Unmatched => (70021, "No matching federated identity record found for presented assertion."),
            Self::Malformed => (50027, "The client assertion is malformed: a claim is missing or of the wrong kind."),
            Self::UnknownKey => {
                (700_027, "Client assertion contains an invalid signature. [Reason - The key was not found.]")
            }
            Self::ExpiredKey => {
                (700_027, "Client assertion contains an invalid signature. [Reason - The key used is expired.]")
            }
            Self::Algorithm => (50012, "The client assertion must be signed with PS256 and name its key by x5t#S256."),
            Self::BadSignature => (700_027, "Client assertion failed signature validation."),
            Self::WrongClient => (700_021, "The assertion's issuer and subject do not match the client_id parameter."),
            Self::WrongAudience => (700_023, "The assertion's audience is not this token endpoint."),
            Self::OutsideLife => (700_024, "Client assertion is not within its valid time range."),
            Self::Replayed => (50012, "The client assertion was used before: each needs a jti of its own."),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CLIENT_CERTIFICATE;

    #[test]
    fn only_certificates_can_be_trusted() {
        let mut trust = Trust::default();
        assert_eq!(trust.add_certificates(""), Err(TrustError::NoCertificate));
        let key = CLIENT_CERTIFICATE.split("-----BEGIN CERTIFICATE").next().expect("the key");
        assert_eq!(trust.add_certificates(key), Err(TrustError::NoCertificate));
        let garbled = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----";
        assert_eq!(trust.add_certificates(garbled), Err(TrustError::Unreadable));
        let half = format!("{CLIENT_CERTIFICATE}{garbled}");
        assert_eq!(trust.add_certificates(&half), Err(TrustError::Unreadable));
        assert!(trust.certificates.is_empty(), "all or none");
        trust.add_certificates(&CLIENT_CERTIFICATE.repeat(2)).expect("twice is once");
        assert_eq!(trust.certificates.len(), 1);
    }

    #[test]
    fn times_that_are_none() {
        assert_eq!(time(0), Some(SystemTime::UNIX_EPOCH));
        assert_eq!([u64::MAX, i64::MAX.unsigned_abs()].map(time), [None; 2]);
    }
}
