//! A private key and its certificate, from PEM.

use std::time::SystemTime;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use directory_core::{ProviderError, RunErrorCode};
use ring::{
    digest::{SHA256, digest},
    error::{KeyRejected, Unspecified},
    rand::SystemRandom,
    signature::{KeyPair, RSA_PSS_SHA256, RsaKeyPair},
};
use rustls_pki_types::pem::{PemObject, SectionKind};
use secrecy::{ExposeSecret, SecretString};
use x509_cert::{Certificate, der::Decode, time::Time};
use zeroize::Zeroizing;

use crate::error::configuration;

/// A key that signs for the client, and what names its certificate. It has no `Debug`, and the key in it cannot be read
/// back; `ring` does not wipe it from memory, so it lives no longer than its provider.
pub(crate) struct SigningCertificate {
    key: RsaKeyPair,
    thumbprint: String,
    not_after: Time,
}

/// Why a text is no key with its certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PemFault {
    NotPem,
    EncryptedKey,
    NoKey,
    SeveralKeys,
    NotRsa,
    KeySize,
    UnusableKey,
    NoCertificate,
    UnreadableCertificate,
    Mismatch,
}

/// What is of use in a PEM text.
struct Sections {
    key: Result<RsaKeyPair, PemFault>,
    certificates: Vec<Vec<u8>>,
}

impl SigningCertificate {
    /// Finds the key, and among the certificates the one that belongs to it: what else there is, is its chain, which
    /// Entra does not ask for.
    pub(crate) fn parse(pem: &SecretString) -> Result<Self, ProviderError> {
        Self::read(pem.expose_secret()).map_err(ProviderError::from)
    }

    fn read(pem: &str) -> Result<Self, PemFault> {
        let Sections { key, certificates } = Sections::read(pem)?;
        let key = key?;
        if certificates.is_empty() {
            return Err(PemFault::NoCertificate);
        }
        for der in certificates {
            let certificate = Certificate::from_der(&der).map_err(|_| PemFault::UnreadableCertificate)?;
            let certificate = certificate.tbs_certificate();
            // For RSA both are the DER of modulus and exponent (RFC 8017, A.1.1).
            let public_key = certificate.subject_public_key_info().subject_public_key.raw_bytes();
            if public_key == key.public_key().as_ref() {
                let thumbprint = URL_SAFE_NO_PAD.encode(digest(&SHA256, &der));
                return Ok(Self { key, thumbprint, not_after: certificate.validity().not_after });
            }
        }
        Err(PemFault::Mismatch)
    }

    pub(crate) fn not_after(&self) -> SystemTime {
        self.not_after.to_system_time()
    }

    /// Entra would refuse it too, but could not say when it ended.
    pub(crate) fn check_date(&self, now: SystemTime) -> Result<(), ProviderError> {
        if now <= self.not_after() {
            return Ok(());
        }
        let message = format!("The certificate has expired (it was valid until {}).", self.not_after);
        let hint = "Make a new certificate, upload it (without its key) under Certificates & secrets of the app \
                    registration, and enter it here together with its key.";
        Err(configuration(RunErrorCode::CredentialExpired, &message, hint))
    }

    /// base64url(SHA-256(DER)), as `x5t#S256` has it.
    pub(super) fn thumbprint(&self) -> &str {
        &self.thumbprint
    }

    /// A PS256 signature. `ring`'s PSS salt is as long as the hash, as PS256 demands.
    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, PemFault> {
        let mut signature = vec![0; self.key.public().modulus_len()];
        self.key
            .sign(&RSA_PSS_SHA256, &SystemRandom::new(), message, &mut signature)
            .map_err(|Unspecified| PemFault::UnusableKey)?;
        Ok(signature)
    }
}

impl Sections {
    fn read(pem: &str) -> Result<Self, PemFault> {
        // Neither is a section that the PEM reader takes: it would say that there is no key, or that it is garbled.
        if pem.contains("-----BEGIN ENCRYPTED PRIVATE KEY-----") || pem.contains("Proc-Type: 4,ENCRYPTED") {
            return Err(PemFault::EncryptedKey);
        }
        let mut sections = Self { key: Err(PemFault::NoKey), certificates: Vec::new() };
        let mut found = false;
        for section in <(SectionKind, Vec<u8>)>::pem_slice_iter(pem.as_bytes()) {
            let (kind, der) = section.map_err(|_| PemFault::NotPem)?;
            found = true;
            match kind {
                SectionKind::Certificate => sections.certificates.push(der),
                SectionKind::PrivateKey => sections.add_key(der, RsaKeyPair::from_pkcs8)?,
                SectionKind::RsaPrivateKey => sections.add_key(der, RsaKeyPair::from_der)?,
                SectionKind::EcPrivateKey => {
                    drop(Zeroizing::new(der));
                    return Err(PemFault::NotRsa);
                }
                _ => {}
            }
        }
        if found { Ok(sections) } else { Err(PemFault::NotPem) }
    }

    fn add_key(&mut self, der: Vec<u8>, read: fn(&[u8]) -> Result<RsaKeyPair, KeyRejected>) -> Result<(), PemFault> {
        let der = Zeroizing::new(der);
        if self.key.is_ok() {
            return Err(PemFault::SeveralKeys);
        }
        self.key = Ok(read(&der).map_err(|rejected| PemFault::of_key(&rejected))?);
        Ok(())
    }
}

impl PemFault {
    /// `ring` tells its reasons by name only; one that it renames is a plain [`Self::UnusableKey`].
    fn of_key(rejected: &KeyRejected) -> Self {
        match rejected.to_string().as_str() {
            "WrongAlgorithm" => Self::NotRsa,
            "TooSmall" | "TooLarge" => Self::KeySize,
            _ => Self::UnusableKey,
        }
    }

    /// What happened, and the next step.
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::NotPem => (
                "The certificate cannot be read as PEM.",
                "Enter the private key and the certificate as PEM, both with their BEGIN and END lines. A PFX or P12 file \
                 is converted with: openssl pkcs12 -in FILE -nodes",
            ),
            Self::EncryptedKey => (
                "The private key is protected by a passphrase.",
                "Enter the key without one; it is stored sealed. This removes it: openssl pkey -in FILE -out NEW_FILE",
            ),
            Self::NoKey => (
                "There is a certificate, but no private key.",
                "Add the certificate's private key (BEGIN PRIVATE KEY) in PEM.",
            ),
            Self::SeveralKeys => ("There is more than one private key.", "Enter one private key and its certificate."),
            Self::NotRsa => (
                "The private key is not an RSA key.",
                "Entra takes signatures of RSA keys: make an RSA key of 2048 to 4096 bits and a certificate for it.",
            ),
            Self::KeySize => (
                "The private key is too short or too long.",
                "Make an RSA key of 2048 to 4096 bits and a certificate for it.",
            ),
            Self::UnusableKey => (
                "The private key cannot be used.",
                "Check that it was copied as a whole. Otherwise make an RSA key of 2048 to 4096 bits and a certificate \
                 for it.",
            ),
            Self::NoCertificate => (
                "There is a private key, but no certificate.",
                "Add the certificate (BEGIN CERTIFICATE) in PEM: the one that was uploaded to the app registration.",
            ),
            Self::UnreadableCertificate => {
                ("The certificate is not a readable X.509 certificate.", "Check that it was copied as a whole.")
            }
            Self::Mismatch => (
                "The private key and the certificate do not belong together.",
                "Enter the key with which the certificate was made.",
            ),
        }
    }
}

impl From<PemFault> for ProviderError {
    fn from(fault: PemFault) -> Self {
        let (message, hint) = fault.words();
        configuration(RunErrorCode::CredentialInvalid, message, hint)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::time::Duration;

    use directory_core::FailureKind;
    use rstest::rstest;

    use super::*;

    pub(in crate::credential) const KEY: &str = include_str!("../../tests/credentials/rsa.key.pem");
    pub(in crate::credential) const CERTIFICATE: &str = include_str!("../../tests/credentials/rsa.crt.pem");
    const PKCS1: &str = include_str!("../../tests/credentials/rsa.pkcs1.pem");
    const ENCRYPTED: &str = include_str!("../../tests/credentials/rsa.encrypted.pem");
    const PKCS1_ENCRYPTED: &str = include_str!("../../tests/credentials/rsa.pkcs1.encrypted.pem");
    const LONG_LIVED: &str = include_str!("../../tests/credentials/rsa.longlived.crt.pem");
    const EXPIRED: &str = include_str!("../../tests/credentials/rsa.expired.crt.pem");
    const OTHER: &str = include_str!("../../tests/credentials/other.crt.pem");
    const SMALL: &str = include_str!("../../tests/credentials/small.key.pem");
    const EC: &str = include_str!("../../tests/credentials/ec.key.pem");
    const EC_SEC1: &str = include_str!("../../tests/credentials/ec.sec1.pem");
    const EC_CERTIFICATE: &str = include_str!("../../tests/credentials/ec.crt.pem");
    const GARBLED: &str = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    const GARBLED_KEY: &str = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";

    pub(in crate::credential) fn parse(parts: &[&str]) -> Result<SigningCertificate, ProviderError> {
        SigningCertificate::parse(&parts.concat().into())
    }

    fn at(unix_seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(unix_seconds)
    }

    /// The thumbprint is openssl's: `openssl x509 -fingerprint -sha256`, in base64url.
    #[rstest]
    #[case::key_first(&[KEY, CERTIFICATE])]
    #[case::certificate_first(&[CERTIFICATE, KEY])]
    #[case::pkcs1(&[PKCS1, CERTIFICATE])]
    #[case::with_its_chain(&[OTHER, CERTIFICATE, KEY, OTHER])]
    #[case::as_pkcs12_exports_it(&["Bag Attributes\n    localKeyID: 01\nKey Attributes: <No Attributes>\n", KEY, CERTIFICATE])]
    fn the_leaf_is_the_keys_own(#[case] parts: &[&str]) {
        let parsed = parse(parts).expect("readable");
        assert_eq!(parsed.thumbprint(), "6RV8cBG5P6MzYn1H7kzpcDWiWy-pU1XqDcwt0qLf0To");
        assert_eq!(parsed.not_after(), at(2_524_607_998));
        let lines = parts.concat().replace('\n', "\r\n");
        assert_eq!(parse(&[&lines]).expect("readable").thumbprint(), parsed.thumbprint());
    }

    #[rstest]
    #[case(CERTIFICATE, 2_524_607_998, "2049-12-31T23:59:58Z")]
    #[case(LONG_LIVED, 4_925_765_106, "2126-02-03T04:05:06Z")]
    #[case(EXPIRED, 1_612_325_106, "2021-02-03T04:05:06Z")]
    fn ends_are_read_and_told(#[case] certificate: &str, #[case] unix_seconds: u64, #[case] date: &str) {
        let parsed = parse(&[KEY, certificate]).expect("readable");
        assert_eq!(parsed.not_after(), at(unix_seconds));
        parsed.check_date(at(unix_seconds)).expect("its last second");
        let error = parsed.check_date(at(unix_seconds + 1)).expect_err("expired");
        assert_eq!((error.kind, error.code), (FailureKind::Configuration, RunErrorCode::CredentialExpired));
        assert!(error.message.contains(date), "{error:?}");
    }

    #[rstest]
    #[case::nothing(&[""], PemFault::NotPem)]
    #[case::a_secret(&["s3cr~t"], PemFault::NotPem)]
    #[case::cut(&[KEY, &CERTIFICATE[..200]], PemFault::NotPem)]
    #[case::no_base64(&["-----BEGIN PRIVATE KEY-----\n(((\n-----END PRIVATE KEY-----\n"], PemFault::NotPem)]
    #[case::encrypted(&[ENCRYPTED, CERTIFICATE], PemFault::EncryptedKey)]
    #[case::encrypted_pkcs1(&[PKCS1_ENCRYPTED, CERTIFICATE], PemFault::EncryptedKey)]
    #[case::no_key(&[CERTIFICATE], PemFault::NoKey)]
    #[case::two_keys(&[KEY, KEY, CERTIFICATE], PemFault::SeveralKeys)]
    #[case::ec(&[EC, EC_CERTIFICATE], PemFault::NotRsa)]
    #[case::ec_sec1(&[EC_SEC1, EC_CERTIFICATE], PemFault::NotRsa)]
    #[case::small(&[SMALL, CERTIFICATE], PemFault::KeySize)]
    #[case::garbled_key(&[GARBLED_KEY, CERTIFICATE], PemFault::UnusableKey)]
    #[case::no_certificate(&[KEY], PemFault::NoCertificate)]
    #[case::garbled_certificate(&[KEY, GARBLED], PemFault::UnreadableCertificate)]
    #[case::anothers_certificate(&[KEY, OTHER], PemFault::Mismatch)]
    #[case::anothers_kind(&[KEY, EC_CERTIFICATE], PemFault::Mismatch)]
    fn what_is_wrong_is_named(#[case] parts: &[&str], #[case] fault: PemFault) {
        let pem = parts.concat();
        assert_eq!(SigningCertificate::read(&pem).err(), Some(fault));
        let error = parse(parts).err().expect("refused");
        assert_eq!((error.kind, error.code), (FailureKind::Configuration, RunErrorCode::CredentialInvalid));
        let text = format!("{error:?}");
        assert!(!text.contains("  ") && !error.hint.is_empty(), "{text}");
        for line in pem.lines().filter(|line| line.len() > 20 && !line.starts_with("---")) {
            assert!(!text.contains(line), "{text}");
        }
    }

    #[test]
    fn signatures_are_ps256() {
        let parsed = parse(&[KEY, CERTIFICATE]).expect("readable");
        let signature = parsed.sign(b"message").expect("signed");
        assert_eq!(signature.len(), 256);
        let public_key = ring::signature::UnparsedPublicKey::new(
            &ring::signature::RSA_PSS_2048_8192_SHA256,
            parsed.key.public_key().as_ref(),
        );
        public_key.verify(b"message", &signature).expect("fits");
        public_key.verify(b"another message", &signature).expect_err("does not fit");
    }
}
