//! The client assertion: a JWT by which the client says who it is, signed with its certificate's key (protocol reference
//! §1.5).

use std::time::{Duration, SystemTime};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use directory_core::ProviderError;
use secrecy::SecretString;
use serde::Serialize;
use url::Url;
use uuid::Uuid;

use super::certificate::{PemFault, SigningCertificate};

/// Long enough for clocks that differ a little; Microsoft recommends 5 to 10 minutes.
const LIFE: Duration = Duration::from_mins(10);

#[derive(Serialize)]
struct Header<'a> {
    alg: &'static str,
    typ: &'static str,
    #[serde(rename = "x5t#S256")]
    thumbprint: &'a str,
}

#[derive(Serialize)]
struct Claims<'a> {
    aud: &'a str,
    iss: Uuid,
    sub: Uuid,
    jti: Uuid,
    nbf: u64,
    iat: u64,
    exp: u64,
}

/// An assertion for one request to `token_url`, of the client that has this certificate.
pub(super) fn sign(
    certificate: &SigningCertificate,
    client_id: Uuid,
    token_url: &Url,
    now: SystemTime,
) -> Result<SecretString, ProviderError> {
    let now = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let header = Header { alg: "PS256", typ: "JWT", thumbprint: certificate.thumbprint() };
    let claims = Claims {
        aud: token_url.as_str(),
        iss: client_id,
        sub: client_id,
        jti: Uuid::new_v4(),
        nbf: now.as_secs(),
        iat: now.as_secs(),
        exp: (now + LIFE).as_secs(),
    };
    let mut text = part(&header)?;
    text.push('.');
    text.push_str(&part(&claims)?);
    let signature = certificate.sign(text.as_bytes())?;
    text.push('.');
    URL_SAFE_NO_PAD.encode_string(signature, &mut text);
    Ok(text.into())
}

fn part(value: &impl Serialize) -> Result<String, ProviderError> {
    // Texts and numbers alone cannot fail to serialise.
    let json = serde_json::to_vec(value).map_err(|_| PemFault::UnusableKey)?;
    Ok(URL_SAFE_NO_PAD.encode(json))
}

#[cfg(test)]
mod tests {
    use rustls_pki_types::{CertificateDer, pem::PemObject};
    use secrecy::ExposeSecret;
    use serde_json::{Value, json};
    use x509_cert::{Certificate, der::Decode};

    use super::*;
    use crate::credential::certificate::tests::{CERTIFICATE, KEY, parse};

    const CLIENT: Uuid = uuid::uuid!("11111111-2222-4333-8444-555555555555");

    fn assertion() -> String {
        let certificate = parse(&[KEY, CERTIFICATE]).expect("readable");
        let url = "https://login.example.test/t/oauth2/v2.0/token".parse().expect("URL");
        let now = SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_999);
        sign(&certificate, CLIENT, &url, now).expect("signed").expose_secret().to_owned()
    }

    fn read(part: &str) -> Value {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64url")).expect("JSON")
    }

    #[test]
    fn it_is_the_documented_one() {
        let assertion = assertion();
        let [header, claims, _] = assertion.split('.').collect::<Vec<_>>()[..] else { panic!("{assertion}") };
        let thumbprint = "6RV8cBG5P6MzYn1H7kzpcDWiWy-pU1XqDcwt0qLf0To";
        assert_eq!(read(header), json!({"alg": "PS256", "typ": "JWT", "x5t#S256": thumbprint}));
        let mut claims = read(claims);
        let jti: Uuid = serde_json::from_value(claims["jti"].take()).expect("a GUID");
        assert_eq!(jti.get_version_num(), 4);
        let expected = json!({
            "aud": "https://login.example.test/t/oauth2/v2.0/token", "iss": CLIENT, "sub": CLIENT, "jti": null,
            "nbf": 1_700_000_000, "iat": 1_700_000_000, "exp": 1_700_000_600,
        });
        assert_eq!(claims, expected);
    }

    #[test]
    fn the_certificate_verifies_it() {
        let assertion = assertion();
        let (signed, signature) = assertion.rsplit_once('.').expect("three parts");
        let der = CertificateDer::from_pem_slice(CERTIFICATE.as_bytes()).expect("PEM");
        let certificate = Certificate::from_der(&der).expect("X.509");
        let public_key = certificate.tbs_certificate().subject_public_key_info().subject_public_key.raw_bytes();
        ring::signature::UnparsedPublicKey::new(&ring::signature::RSA_PSS_2048_8192_SHA256, public_key)
            .verify(signed.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).expect("base64url"))
            .expect("the certificate's key signed it");
    }

    #[test]
    fn none_is_like_another() {
        let id = |assertion: String| read(assertion.split('.').nth(1).expect("claims"))["jti"].clone();
        assert_ne!(id(assertion()), id(assertion()));
    }
}
