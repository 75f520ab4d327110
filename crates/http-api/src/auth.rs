//! Who asks: bearer tokens, roles, and the tenant's host.

use std::{net::IpAddr, sync::Arc};

use actix_web::{
    FromRequest, HttpMessage, HttpRequest,
    dev::Payload,
    http::header::{self, HeaderMap},
    web::Data,
};
use crypto::{ApiToken, TokenHash};
use directory_core::TenantId;
use futures_util::future::LocalBoxFuture;
use store::{Token, TokenRole};
use tracing::Span;

use crate::{
    app::App,
    host::tenant_slug,
    problem::{Kind, Problem},
};

const SCHEME: &str = "bearer";

/// Whoever holds a usable token of the tenant may read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader {
    pub(crate) tenant: TenantId,
    /// Which token it is.
    pub(crate) token: TokenHash,
}

/// Whoever holds a usable token with the role `admin` may write.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Admin {
    pub(crate) tenant: TenantId,
    /// Which token it is.
    pub(crate) token: TokenHash,
}

/// Marks a request whose sender has shown a usable token.
pub(crate) struct Authenticated;

impl FromRequest for Reader {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let (token, hash) = authenticate(&request).await?;
            Ok(Self { tenant: token.tenant, token: hash })
        })
    }
}

impl FromRequest for Admin {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let (token, hash) = authenticate(&request).await?;
            match token.role {
                TokenRole::Admin => Ok(Self { tenant: token.tenant, token: hash }),
                TokenRole::Viewer => {
                    Err(Problem::new(Kind::Forbidden, "The token's role is viewer; this needs the role admin."))
                }
            }
        })
    }
}

async fn authenticate(request: &HttpRequest) -> Result<(Token, TokenHash), Problem> {
    let app = request.app_data::<Data<App>>().ok_or_else(|| Problem::internal("the API's state is missing"))?;
    let peer = request.peer_addr().map(|address| address.ip());
    let hash = bearer(request.headers()).map_err(|refusal| app.rates().fail(None, peer, refusal))?;
    app.rates().admit(&hash, peer)?;
    let host = host(request);
    let token = app.work(move |app| identify(app, hash, peer, host)).await?;
    Span::current().record("tenant", tracing::field::display(token.tenant));
    request.extensions_mut().insert(Authenticated);
    Ok((token, hash))
}

/// The hash of the token that was sent.
fn bearer(headers: &HeaderMap) -> Result<TokenHash, Problem> {
    let mut sent = headers.get_all(header::AUTHORIZATION);
    let (Some(value), None) = (sent.next(), sent.next()) else {
        return Err(unauthorized("Send the API token in one header: `Authorization: Bearer TOKEN`."));
    };
    let credentials = value.to_str().ok().and_then(|value| value.split_once(' '));
    let Some((_, token)) = credentials.filter(|(scheme, _)| scheme.eq_ignore_ascii_case(SCHEME)) else {
        return Err(unauthorized("The Authorization header must be `Bearer TOKEN`."));
    };
    let token = token.trim();
    if !ApiToken::looks_valid(token) {
        return Err(unauthorized("This is not an API token of this service, or part of it is missing."));
    }
    Ok(TokenHash::of(token))
}

async fn identify(
    app: Arc<App>,
    hash: TokenHash,
    peer: Option<IpAddr>,
    host: Option<String>,
) -> Result<Token, Problem> {
    let Some(token) = app.store().usable_token(hash.as_bytes()).await? else {
        let refusal = unauthorized("The API token is unknown, revoked or expired.");
        return Err(app.rates().fail(Some(&hash), peer, refusal));
    };
    app.rates().accept(&hash)?;
    if let Some(base_domain) = &app.config().base_domain {
        let slug = host.and_then(|host| tenant_slug(&host, base_domain));
        let tenant = match slug {
            Some(slug) => app.store().tenant_by_slug(&slug).await?,
            None => None,
        };
        if tenant.is_none_or(|tenant| tenant.id != token.tenant) {
            return Err(Problem::new(Kind::Forbidden, "The request's host is not that of the token's tenant."));
        }
    }
    Ok(token)
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

    #[test]
    fn the_scheme_may_have_any_case() {
        let (token, hash) = ApiToken::generate().unwrap();
        let token = token.expose_secret();
        for scheme in ["Bearer", "bearer", "BEARER"] {
            let sent = headers(&[&format!("{scheme} {token}")]);
            assert_eq!(bearer(&sent).unwrap(), hash);
        }
        assert_eq!(bearer(&headers(&[&format!("Bearer   {token} ")])).unwrap(), hash);
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
                bearer(&headers(values)).err().map(|problem| problem.code()),
                Some("unauthorized"),
                "{values:?}"
            );
        }
    }
}
