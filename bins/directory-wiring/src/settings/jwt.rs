//! The platform whose tokens the server takes: all of its settings, or none.

use jwt_verifier::{Settings, check_address};
use url::Url;

use super::parsed;
use crate::{
    JwtArgs, SettingsError,
    layers::{Found, Layers},
};

/// Longer than any name of an issuer, an audience, a claim or a role.
const MAX_CHARS: usize = 1_000;

pub(super) fn settings(args: &JwtArgs, layers: &Layers<'_>) -> Result<Option<Settings>, SettingsError> {
    let issuer = layers.find("jwt_issuer", args.jwt_issuer.as_ref())?;
    let audience = layers.find("jwt_audience", args.jwt_audience.as_ref())?;
    let jwks_url = layers.find("jwt_jwks_url", args.jwt_jwks_url.as_ref())?;
    let tenant_claim = layers.find("jwt_tenant_claim", args.jwt_tenant_claim.as_ref())?;
    let role_claim = layers.find("jwt_role_claim", args.jwt_role_claim.as_ref())?;
    let admin_role = layers.find("jwt_admin_role", args.jwt_admin_role.as_ref())?;
    let viewer_role = layers.find("jwt_viewer_role", args.jwt_viewer_role.as_ref())?;

    let Some(issuer) = issuer else {
        let others = [audience, jwks_url, tenant_claim, role_claim, admin_role, viewer_role];
        return match others.into_iter().flatten().next() {
            None => Ok(None),
            Some(found) => Err(wrong(found, "is of no use without an issuer: set DIRECTORY_JWT_ISSUER as well")),
        };
    };
    let Some(audience) = audience else {
        return Err(wrong(issuer, "needs an audience: set DIRECTORY_JWT_AUDIENCE to what the tokens' `aud` holds"));
    };
    let jwks_url = parsed(jwks_url, address)?;
    if jwks_url.is_none() {
        issuer.parse(issuers_address)?;
    }
    let (issuer, audience) = (issuer.parse(text)?, audience.parse(text)?);
    let usual = Settings::new(issuer, audience);
    let settings = Settings {
        jwks_url,
        tenant_claim: parsed(tenant_claim, text)?.unwrap_or(usual.tenant_claim),
        role_claim: parsed(role_claim, text)?.unwrap_or(usual.role_claim),
        admin_role: role(admin_role.as_ref())?.unwrap_or(usual.admin_role),
        viewer_role: role(viewer_role.as_ref())?.unwrap_or(usual.viewer_role),
        ..usual
    };
    match admin_role.or(viewer_role) {
        Some(role) if settings.admin_role == settings.viewer_role => {
            Err(wrong(role, "must not be the same for admins and viewers"))
        }
        _ => Ok(Some(settings)),
    }
}

fn wrong(found: Found, problem: &str) -> SettingsError {
    SettingsError::Invalid { origin: found.origin, problem: problem.to_owned() }
}

fn role(found: Option<&Found>) -> Result<Option<String>, SettingsError> {
    found.map(|found| found.parse(text)).transpose()
}

fn text(text: &str) -> Result<String, String> {
    let fits = !text.is_empty() && text.len() <= MAX_CHARS && text.trim() == text && !text.contains(char::is_control);
    if fits { Ok(text.to_owned()) } else { Err("is empty, or has spaces around it, or is far too long".to_owned()) }
}

fn address(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("is not an address: {error}"))?;
    check_address(&url).map_err(|fault| fault.to_string())?;
    Ok(url)
}

/// An issuer that is asked where its keys are. What is not sent, or would end up behind the question mark, is not in its
/// name (OpenID Connect Discovery 1.0 §3).
fn issuers_address(text: &str) -> Result<(), String> {
    let url = Url::parse(text)
        .map_err(|_| "is not an address: set DIRECTORY_JWT_JWKS_URL to where the issuer's keys are".to_owned())?;
    check_address(&url).map_err(|fault| fault.to_string())?;
    if url.query().is_some() { Err("must not hold a query".to_owned()) } else { Ok(()) }
}
