//! A token's verdict, without a network or a clock.

use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::{
    Algorithm, Header, Validation, decode, decode_header,
    errors::{Error, ErrorKind},
};
use serde_json::{Map, Value};

use crate::{
    Claims, Keys, Settings,
    signatures::{self, ALGORITHMS},
};

/// How far the issuer's clock and ours may be apart.
pub const LEEWAY: TimeDelta = TimeDelta::seconds(60);
/// In bytes. A longer token is not looked at.
pub const LONGEST_TOKEN: usize = 8 * 1024;

/// Why a token is refused. The text is for whoever sent it: it says in general what is wrong, and repeats nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is too long.
    #[error("The token is longer than {LONGEST_TOKEN} bytes.")]
    TooLong,
    /// It is no JWT, or one whose algorithm nobody knows, `none` included.
    #[error("The token cannot be read as a signed JWT.")]
    Unreadable,
    /// Its algorithm is not taken, or is not its key's.
    #[error("The token is signed with an algorithm that is not accepted.")]
    Algorithm,
    /// Its header says that it is something else than an access or ID token, or asks for what nobody here understands.
    #[error("The token's header asks for something that is not supported.")]
    Header,
    /// No key of the issuer is the one that it names.
    #[error("The token is signed with a key that the issuer does not have.")]
    UnknownKey,
    /// Its header does not say which of several keys it is.
    #[error("The token does not say which of the issuer's keys it is signed with.")]
    AmbiguousKey,
    /// The signature is not that of the key.
    #[error("The token's signature is not valid.")]
    Signature,
    /// Another issuer's.
    #[error("The token is from another issuer.")]
    Issuer,
    /// For somebody else.
    #[error("The token is not for this audience.")]
    Audience,
    /// Its time is over.
    #[error("The token has expired.")]
    Expired,
    /// Its time has not come.
    #[error("The token is not valid yet.")]
    NotYet,
    /// A claim is missing or has no sense.
    #[error("The token's claim `{0}` is missing or not valid.")]
    Claim(&'static str),
    /// It is genuine, and names no tenant.
    #[error("The token names no tenant.")]
    NoTenant,
    /// It is genuine, and allows nothing here.
    #[error("The token has no role in this service.")]
    NoRole,
}

impl Refusal {
    /// Whether its holder has been authenticated, and may not do anything all the same.
    #[must_use]
    pub fn is_of_a_genuine_token(self) -> bool {
        matches!(self, Self::NoTenant | Self::NoRole)
    }

    /// Whether newer keys could lead to another verdict: there is a new one, or the only one has changed.
    pub(crate) fn may_be_for_old_keys(self) -> bool {
        matches!(self, Self::UnknownKey | Self::Signature)
    }
}

/// Judges a token at a time. Same arguments, same verdict.
pub fn verify(token: &str, keys: &Keys, settings: &Settings, now: DateTime<Utc>) -> Result<Claims, Refusal> {
    if token.len() > LONGEST_TOKEN {
        return Err(Refusal::TooLong);
    }
    let header = decode_header(token).map_err(|_| Refusal::Unreadable)?;
    check_header(&header)?;
    // Keys and addresses of keys in the header (`jwk`, `jku`, `x5u`, `x5c`) are the sender's word, and not looked at.
    let key = keys.find(header.kid.as_deref(), header.alg)?;
    signatures::install();
    let decoded = decode::<Map<String, Value>>(token, key, &validation(header.alg, settings)).map_err(refusal_of)?;
    let members = decoded.claims;
    // The library would be content with a list that holds the issuer.
    if members.get("iss").and_then(Value::as_str) != Some(&settings.issuer) {
        return Err(Refusal::Issuer);
    }
    let until = check_times(&members, now)?;
    Claims::of(&members, settings, until)
}

fn check_header(header: &Header) -> Result<(), Refusal> {
    if !ALGORITHMS.contains(&header.alg) {
        return Err(Refusal::Algorithm);
    }
    // A logout token, say, is signed by the same key for the same audience (RFC 8725 §3.11).
    let known_type = header.typ.as_deref().is_none_or(|typ| {
        let typ = typ.to_ascii_lowercase();
        matches!(typ.strip_prefix("application/").unwrap_or(&typ), "jwt" | "at+jwt")
    });
    let plain = header.crit.is_none() && header.enc.is_none() && header.zip.is_none();
    if known_type && plain { Ok(()) } else { Err(Refusal::Header) }
}

/// What the library checks. Times are left out of it, since it takes them from the system's clock.
fn validation(algorithm: Algorithm, settings: &Settings) -> Validation {
    let mut validation = Validation::new(algorithm);
    validation.set_required_spec_claims(&["aud"]);
    validation.set_audience(&[&settings.audience]);
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation
}

fn refusal_of(error: Error) -> Refusal {
    match error.into_kind() {
        ErrorKind::InvalidSignature => Refusal::Signature,
        ErrorKind::InvalidAudience => Refusal::Audience,
        ErrorKind::MissingRequiredClaim(_) => Refusal::Claim("aud"),
        ErrorKind::InvalidAlgorithm | ErrorKind::UnsupportedAlgorithm => Refusal::Algorithm,
        _ => Refusal::Unreadable,
    }
}

/// The times of RFC 7519 §4.1.4 to §4.1.6; the end, with the leeway.
fn check_times(members: &Map<String, Value>, now: DateTime<Utc>) -> Result<DateTime<Utc>, Refusal> {
    let end = time(members, "exp")?.and_then(|end| end.checked_add_signed(LEEWAY)).ok_or(Refusal::Claim("exp"))?;
    if now >= end {
        return Err(Refusal::Expired);
    }
    for name in ["nbf", "iat"] {
        if time(members, name)?.is_some_and(|time| time.signed_duration_since(now) > LEEWAY) {
            return Err(Refusal::NotYet);
        }
    }
    Ok(end)
}

/// Seconds since 1970, fractions allowed.
fn time(members: &Map<String, Value>, name: &'static str) -> Result<Option<DateTime<Utc>>, Refusal> {
    let Some(value) = members.get(name) else { return Ok(None) };
    let seconds = value.as_f64().and_then(|seconds| std::time::Duration::try_from_secs_f64(seconds).ok());
    let time = seconds
        .and_then(|seconds| TimeDelta::from_std(seconds).ok())
        .and_then(|since| DateTime::UNIX_EPOCH.checked_add_signed(since));
    time.map(Some).ok_or(Refusal::Claim(name))
}
