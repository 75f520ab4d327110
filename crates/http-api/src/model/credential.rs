//! The body that gives a connection a credential, at registration or later.

use chrono::{DateTime, Utc};
use directory_core::Credential;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use utoipa::ToSchema;

use crate::{
    model::{
        FieldError,
        input::{Checked, Collect, check},
    },
    openapi::{ClientSecretText, PemText, TimeText},
};

pub(crate) const MAX_PEM_CHARS: usize = 32 * 1024;

/// What a connection authenticates with, as it was sent: exactly one of the three. Null is as good as left out.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = Credential)]
pub struct CredentialInput {
    /// The value of a client secret.
    #[schema(value_type = Option<ClientSecretText>)]
    pub client_secret: Option<SecretString>,
    /// When the client secret ends, in RFC 3339.
    #[schema(value_type = Option<TimeText>)]
    pub client_secret_expires_at: Option<String>,
    /// A private key and its certificate, both in PEM.
    #[schema(value_type = Option<PemText>)]
    pub certificate: Option<SecretString>,
    /// `true`: the token of another identity provider that the program is set up with.
    pub federated_token: Option<bool>,
}

/// A credential, checked by its form.
#[derive(Clone, Debug)]
pub struct GivenCredential {
    /// The credential.
    pub credential: Credential,
    /// When it ends, as far as the sender says.
    pub expires_at: Option<DateTime<Utc>>,
}

impl GivenCredential {
    /// What is wrong with it for a tenant's administrator. The one federated token of a server opens every application that
    /// trusts it, whoever's that is; so only the server's operator says which connections use it.
    pub(crate) fn of_an_operator(credential: &Credential) -> Option<FieldError> {
        let is = matches!(credential, Credential::FederatedToken);
        is.then(|| FieldError::new("/federatedToken", "is given by the server's operator, with directoryctl"))
    }
}

impl CredentialInput {
    /// The credential that was given, or everything that is wrong with it.
    pub fn into_credential(self) -> Result<GivenCredential, Vec<FieldError>> {
        let mut collect = Collect::default();
        match self.collect(&mut collect) {
            Some(given) => collect.finish(given),
            None => Err(collect.into_errors()),
        }
    }

    pub(super) fn collect(self, collect: &mut Collect) -> Option<GivenCredential> {
        let secret_end = collect.optional("/clientSecretExpiresAt", self.client_secret_expires_at.as_deref(), |text| {
            check::end(text, Utc::now())
        });
        let federated = self.federated_token == Some(true);
        if u8::from(self.certificate.is_some()) + u8::from(federated) + u8::from(self.client_secret.is_some()) > 1 {
            collect.refuse("/clientSecret", "cannot be given together with another kind of credential");
            return None;
        }
        let credential = match (self.certificate, federated) {
            (Some(pem), _) => Credential::Certificate(collect.optional("/certificate", Some(pem), certificate)?),
            (None, true) => Credential::FederatedToken,
            (None, false) => {
                Credential::ClientSecret(collect.required("/clientSecret", self.client_secret, check::client_secret)?)
            }
        };
        if secret_end.is_some() && !matches!(credential, Credential::ClientSecret(_)) {
            collect.refuse("/clientSecretExpiresAt", "belongs to a client secret");
        }
        Some(GivenCredential { credential, expires_at: secret_end })
    }
}

/// The form only; whether key and certificate fit is the provider's to say.
fn certificate(pem: SecretString) -> Checked<SecretString> {
    let text = pem.expose_secret();
    if text.is_empty() || text.len() > MAX_PEM_CHARS || !text.is_ascii() {
        Err("must be a private key and a certificate in PEM, up to 32768 characters".into())
    } else {
        Ok(pem)
    }
}

#[cfg(test)]
mod tests {
    use directory_core::CredentialKind;
    use serde_json::{Value, json};

    use super::*;

    fn read(body: Value) -> Result<CredentialKind, Vec<String>> {
        let input: CredentialInput = serde_json::from_value(body).unwrap();
        let pointers = |errors: Vec<FieldError>| errors.into_iter().map(|error| error.pointer).collect();
        input.into_credential().map(|given| given.credential.kind()).map_err(pointers)
    }

    #[test]
    fn exactly_one_kind_is_taken() {
        assert_eq!(read(json!({"clientSecret": "s3cret~value"})), Ok(CredentialKind::ClientSecret));
        assert_eq!(read(json!({"certificate": "-----BEGIN"})), Ok(CredentialKind::Certificate));
        let federated = json!({"federatedToken": true, "clientSecret": null});
        assert_eq!(read(federated), Ok(CredentialKind::FederatedToken));
        for none in [json!({}), json!({"federatedToken": false}), json!({"clientSecret": null})] {
            assert_eq!(read(none), Err(vec!["/clientSecret".to_owned()]));
        }
        for two in [
            json!({"clientSecret": "s", "certificate": "p"}),
            json!({"clientSecret": "s", "federatedToken": true}),
            json!({"certificate": "p", "federatedToken": true}),
        ] {
            assert_eq!(read(two), Err(vec!["/clientSecret".to_owned()]));
        }
    }

    #[test]
    fn only_a_secrets_end_is_told() {
        let end = "2030-01-31T00:00:00Z";
        assert!(read(json!({"clientSecret": "s3cret~value", "clientSecretExpiresAt": end})).is_ok());
        let pointer = Err(vec!["/clientSecretExpiresAt".to_owned()]);
        assert_eq!(read(json!({"certificate": "p", "clientSecretExpiresAt": end})), pointer);
        assert_eq!(read(json!({"clientSecret": "s3cret~value", "clientSecretExpiresAt": "soon"})), pointer);
        let ended = json!({"clientSecret": "s3cret~value", "clientSecretExpiresAt": "2020-01-31T00:00:00Z"});
        assert_eq!(read(ended), pointer);
        assert_eq!(read(json!({"certificate": "é"})), Err(vec!["/certificate".to_owned()]));
    }
}
