//! Who asks: bearer tokens, roles, and the tenant's host.

use std::{net::IpAddr, ops::Deref, sync::Arc};

use actix_web::{
    FromRequest, HttpMessage, HttpRequest,
    dev::Payload,
    http::header::{self, HeaderMap},
    web::Data,
};
use crypto::{ApiToken, TokenHash};
use directory_core::TenantId;
use futures_util::future::LocalBoxFuture;
use secrecy::SecretString;
use store::{Actor, Tenant, TokenRole};
use tracing::Span;
use uuid::Uuid;

use crate::{
    app::App,
    host::tenant_slug,
    principal::{Principal, key_of},
    problem::{Kind, Problem},
    request_id::RequestId,
    sign_in::{SignIn, SignInError, SignedIn},
};

const SCHEME: &str = "bearer";

/// Whoever brings a usable token of the tenant may read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader(Principal);

/// Whoever brings a usable token with the role `admin` may write.
#[derive(Clone, Debug)]
pub(crate) struct Admin {
    principal: Principal,
    /// Who it is, for the audit log.
    pub(crate) by: Actor,
}

impl Deref for Reader {
    type Target = Principal;

    fn deref(&self) -> &Principal {
        &self.0
    }
}

impl Deref for Admin {
    type Target = Principal;

    fn deref(&self) -> &Principal {
        &self.principal
    }
}

/// Marks a request whose sender has shown a usable token.
pub(crate) struct Authenticated;

/// What was sent, by its form.
pub(crate) enum Credential {
    ApiToken(TokenHash),
    /// A platform's token, and who verifies it.
    Jwt {
        token: SecretString,
        sign_in: Arc<dyn SignIn>,
    },
}

impl FromRequest for Reader {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let (principal, _) = authenticate(&request).await?;
            Ok(Self(principal))
        })
    }
}

impl FromRequest for Admin {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let (principal, by) = authenticate(&request).await?;
            match principal.role {
                TokenRole::Admin => Ok(Self { principal, by }),
                TokenRole::Viewer => {
                    Err(Problem::new(Kind::Forbidden, "The token's role is viewer; this needs the role admin."))
                }
            }
        })
    }
}

async fn authenticate(request: &HttpRequest) -> Result<(Principal, Actor), Problem> {
    let app = request.app_data::<Data<App>>().ok_or_else(|| Problem::internal("the API's state is missing"))?;
    let peer = request.peer_addr().map(|address| address.ip());
    let credential = bearer(request.headers(), app.sign_in());
    let credential = credential.map_err(|refusal| app.rates().fail(None, peer, refusal))?;
    let host = host(request);
    let (principal, by) = match credential {
        Credential::ApiToken(hash) => {
            app.rates().admit(&hash, peer)?;
            app.work(move |app| of_token(app, hash, peer, host)).await?
        }
        Credential::Jwt { token, sign_in } => {
            let person = signed_in(app, token, sign_in, peer).await?;
            app.work(move |app| of_person(app, person, host)).await?
        }
    };
    Span::current().record("tenant", tracing::field::display(principal.tenant));
    let id = request.extensions().get::<RequestId>().map(ToString::to_string);
    request.extensions_mut().insert(Authenticated);
    Ok((principal, Actor { request: id, ..by }))
}

/// The token that was sent. Without a platform, what looks like one of its tokens is like anything else that is no API
/// token.
pub(crate) fn bearer(headers: &HeaderMap, sign_in: Option<&Arc<dyn SignIn>>) -> Result<Credential, Problem> {
    let mut sent = headers.get_all(header::AUTHORIZATION);
    let (Some(value), None) = (sent.next(), sent.next()) else {
        return Err(unauthorized("Send the API token in one header: `Authorization: Bearer TOKEN`."));
    };
    let credentials = value.to_str().ok().and_then(|value| value.split_once(' '));
    let Some((_, token)) = credentials.filter(|(scheme, _)| scheme.eq_ignore_ascii_case(SCHEME)) else {
        return Err(unauthorized("The Authorization header must be `Bearer TOKEN`."));
    };
    let token = token.trim();
    if ApiToken::looks_valid(token) {
        return Ok(Credential::ApiToken(TokenHash::of(token)));
    }
    match sign_in {
        Some(sign_in) if looks_like_a_jwt(token) => {
            Ok(Credential::Jwt { token: token.into(), sign_in: Arc::clone(sign_in) })
        }
        _ => Err(unauthorized("This is not an API token of this service, or part of it is missing.")),
    }
}

/// Three parts; API tokens have one.
fn looks_like_a_jwt(token: &str) -> bool {
    token.bytes().filter(|&byte| byte == b'.').count() == 2
}

async fn of_token(
    app: Arc<App>,
    hash: TokenHash,
    peer: Option<IpAddr>,
    host: Option<String>,
) -> Result<(Principal, Actor), Problem> {
    let Some(token) = app.store().usable_token(hash.as_bytes()).await? else {
        let refusal = unauthorized("The API token is unknown, revoked or expired.");
        return Err(app.rates().fail(Some(&hash), peer, refusal));
    };
    app.rates().accept(&hash)?;
    app.note_use(&token);
    check_host(&app, host, token.tenant).await?;
    Ok((Principal::of_token(&token, hash), Actor::token(&token)))
}

/// Whose a platform's token is. It is judged wherever it comes from, which needs no store: a genuine one is new every few
/// minutes, and behind a proxy it has the same address as everybody's forged ones.
async fn signed_in(
    app: &Arc<App>,
    token: SecretString,
    sign_in: Arc<dyn SignIn>,
    peer: Option<IpAddr>,
) -> Result<SignedIn, Problem> {
    let person = app.verify(token, sign_in).await?.map_err(|error| match error {
        SignInError::Refused(detail) => app.rates().fail(None, peer, Problem::new(Kind::Unauthorized, detail)),
        SignInError::Forbidden(detail) => Problem::new(Kind::Forbidden, detail),
        SignInError::Unavailable => Problem::sign_in_unavailable(),
    })?;
    app.rates().charge(&key_of(&person))?;
    Ok(person)
}

async fn of_person(app: Arc<App>, person: SignedIn, host: Option<String>) -> Result<(Principal, Actor), Problem> {
    let Some(tenant) = tenant(&app, &person.tenant).await? else {
        return Err(Problem::new(Kind::Forbidden, "The token's tenant is not one of this service."));
    };
    check_host(&app, host, tenant.id).await?;
    let principal = Principal::of_person(&person, tenant.id);
    // An id is one person's only together with who gave it.
    Ok((principal, Actor::person(person.subject, Some(person.issuer))))
}

/// A tenant by what a platform calls it. What has the form of an id is one: nobody gets at a tenant by a slug like that.
async fn tenant(app: &App, name: &str) -> Result<Option<Tenant>, Problem> {
    Ok(match Uuid::try_parse(name) {
        Ok(id) => app.store().tenant(TenantId(id)).await?,
        Err(_) => app.store().tenant_by_slug(name).await?,
    })
}

/// With a base domain, the host must be that of the token's tenant.
async fn check_host(app: &App, host: Option<String>, of_token: TenantId) -> Result<(), Problem> {
    let Some(base_domain) = &app.config().base_domain else { return Ok(()) };
    let slug = host.and_then(|host| tenant_slug(&host, base_domain));
    let tenant = match slug {
        Some(slug) => app.store().tenant_by_slug(&slug).await?,
        None => None,
    };
    if tenant.is_none_or(|tenant| tenant.id != of_token) {
        return Err(Problem::new(Kind::Forbidden, "The request's host is not that of the token's tenant."));
    }
    Ok(())
}

fn host(request: &HttpRequest) -> Option<String> {
    request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).map(str::to_owned)
}

fn unauthorized(detail: &'static str) -> Problem {
    Problem::new(Kind::Unauthorized, detail)
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;
    use secrecy::ExposeSecret;

    use super::*;

    fn headers(values: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::AUTHORIZATION, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    fn api_token(headers: &HeaderMap) -> Option<TokenHash> {
        match bearer(headers, None) {
            Ok(Credential::ApiToken(hash)) => Some(hash),
            _ => None,
        }
    }

    #[test]
    fn the_scheme_may_have_any_case() {
        let (token, hash) = ApiToken::generate().unwrap();
        let token = token.expose_secret();
        for scheme in ["Bearer", "bearer", "BEARER"] {
            let sent = headers(&[&format!("{scheme} {token}")]);
            assert_eq!(api_token(&sent), Some(hash));
        }
        assert_eq!(api_token(&headers(&[&format!("Bearer   {token} ")])), Some(hash));
    }

    #[test]
    fn anything_else_is_refused() {
        let (token, _) = ApiToken::generate().unwrap();
        let token = token.expose_secret();
        let good = format!("Bearer {token}");
        let sent: [&[&str]; 8] = [
            &[],
            &[""],
            &[token],
            &["Bearer"],
            &["Bearer "],
            &[&format!("Basic {token}")],
            &[&good[..good.len() - 1]],
            &[&good, &good],
        ];
        for values in sent {
            assert_eq!(
                bearer(&headers(values), None).err().map(|problem| problem.code()),
                Some("unauthorized"),
                "{values:?}"
            );
        }
    }
}
