//! Whose tokens are taken, and what in them says what.

use url::Url;

use crate::{AddressFault, check_address};

/// Whose tokens are taken, and what in them says what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Who signs the tokens: exactly what `iss` holds.
    pub issuer: String,
    /// Whom the tokens are for: one of what `aud` holds.
    pub audience: String,
    /// Where the issuer's keys are. `None` asks the issuer itself, which then is an address: its
    /// `/.well-known/openid-configuration` (OpenID Connect Discovery 1.0 §4) says where.
    pub jwks_url: Option<Url>,
    /// The claim that names the tenant. Here and in `role_claim` a dot leads into an object, unless a claim has it in its
    /// own name.
    pub tenant_claim: String,
    /// The claim that holds a role, or a list of roles.
    pub role_claim: String,
    /// The role that may do everything.
    pub admin_role: String,
    /// The role that may read.
    pub viewer_role: String,
}

impl Settings {
    /// The usual name of the tenant's claim.
    pub const TENANT_CLAIM: &str = "tenant";
    /// The usual name of the roles' claim.
    pub const ROLE_CLAIM: &str = "roles";
    /// The usual role that may do everything.
    pub const ADMIN_ROLE: &str = "directory.admin";
    /// The usual role that may read.
    pub const VIEWER_ROLE: &str = "directory.viewer";

    /// An issuer whose keys are discovered, with the usual claims and roles.
    #[must_use]
    pub fn new(issuer: impl Into<String>, audience: impl Into<String>) -> Self {
        Self {
            issuer: issuer.into(),
            audience: audience.into(),
            jwks_url: None,
            tenant_claim: Self::TENANT_CLAIM.to_owned(),
            role_claim: Self::ROLE_CLAIM.to_owned(),
            admin_role: Self::ADMIN_ROLE.to_owned(),
            viewer_role: Self::VIEWER_ROLE.to_owned(),
        }
    }

    /// Where the issuer describes itself. Its name is taken as it is written, but for the one slash that may end it.
    pub(crate) fn configuration_url(&self) -> Result<Url, SetupError> {
        let base = self.issuer.strip_suffix('/').unwrap_or(&self.issuer);
        let url = Url::parse(&format!("{base}/.well-known/openid-configuration"));
        let url = url.map_err(|_| SetupError::IssuerIsNoAddress)?;
        check_address(&url).map_err(|fault| SetupError::Address { setting: "issuer", fault })?;
        Ok(url)
    }
}

/// Why a verifier cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The issuer is to be asked where its keys are, and its name is no address.
    #[error("issuer is not an address, so jwks_url must say where its keys are")]
    IssuerIsNoAddress,
    /// Keys may not come from there.
    #[error("{setting} {fault}")]
    Address {
        /// `issuer` or `jwks_url`.
        setting: &'static str,
        /// What is wrong with it.
        fault: AddressFault,
    },
    /// The HTTP client does not start: typically, the system has no CA certificates.
    #[error("the HTTP client cannot be made")]
    Client(#[source] reqwest::Error),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_describes_itself_below_its_name() {
        for (issuer, expected) in [
            ("https://login.example.test", "https://login.example.test/.well-known/openid-configuration"),
            ("https://login.example.test/", "https://login.example.test/.well-known/openid-configuration"),
            (
                "https://login.example.test/realms/a",
                "https://login.example.test/realms/a/.well-known/openid-configuration",
            ),
        ] {
            assert_eq!(Settings::new(issuer, "api").configuration_url().unwrap().as_str(), expected);
        }
        let fault = |issuer| Settings::new(issuer, "api").configuration_url().unwrap_err().to_string();
        assert_eq!(fault("the-platform"), "issuer is not an address, so jwks_url must say where its keys are");
        assert_eq!(
            fault("http://login.example.test"),
            "issuer must be https: plain http is for loopback addresses only"
        );
    }
}
