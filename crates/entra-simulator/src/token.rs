//! The token endpoint: client credentials with a secret or an assertion (protocol/entra.md §1).

use std::time::SystemTime;

use actix_web::http::{Method, StatusCode, header};
use actix_web::web::{Bytes, Data, Path, Query};
use actix_web::{HttpRequest, HttpResponse};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::Utc;
use serde_json::json;
use uuid::Uuid;

use crate::app::{App, Tenant, origin};
use crate::assertion::{AssertionFault, Expected};
use crate::fault::FaultKind;
use crate::registration::SecretCheck;
use crate::requests::Route;
use crate::wire;

const GRAPH: &str = "https://graph.microsoft.com";
const DEFAULT_SCOPE: &str = "/.default";
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// An error of the token endpoint. `code` is the number in its `AADSTS` text.
struct TokenError {
    status: StatusCode,
    error: String,
    code: u32,
    message: String,
}

/// The parameters of the form, and the credentials wherever they came from.
struct Form {
    parameters: Vec<(String, String)>,
    basic: Option<(String, String)>,
}

/// `POST /{tenant}/oauth2/v2.0/token`.
pub(crate) async fn token(app: Data<App>, request: HttpRequest, tenant: Path<String>, body: Bytes) -> HttpResponse {
    app.requests.add(Route::Token);
    let fault = app.faults.strike(Route::Token, false);
    if let Some(fault) = &fault
        && let Some(response) = wire::instead(fault).await
    {
        return response;
    }
    if let Some(fault @ FaultKind::Status { code, .. }) = &fault {
        let mut response = wire::error_status(fault);
        let error = TokenError::new(code, 90033, "A transient error, scripted.");
        return response.content_type("application/json; charset=utf-8").body(error.body(&request));
    }
    let (status, body) = match issue(&app, &request, &tenant, &body) {
        Ok(body) => (StatusCode::OK, body),
        Err(error) => (error.status, error.body(&request)),
    };
    let mut response = HttpResponse::build(status);
    response.insert_header((header::CACHE_CONTROL, "no-store, no-cache"));
    response.content_type("application/json; charset=utf-8");
    wire::finish(response, body, fault.as_ref())
}

fn issue(app: &App, request: &HttpRequest, tenant: &str, body: &[u8]) -> Result<String, TokenError> {
    if request.method() != Method::POST {
        let message = format!("The endpoint only accepts POST requests, not {}.", request.method());
        return Err(TokenError::new("invalid_request", 900_561, message));
    }
    let tenant = find_tenant(app, tenant)?;
    let form = Form::read(request, body);
    match form.require("grant_type")? {
        "client_credentials" => {}
        other => {
            let message = format!("The grant type '{other}' is not supported.");
            return Err(TokenError::new("unsupported_grant_type", 70003, message));
        }
    }
    let endpoint = format!("{}{}", origin(request), request.path());
    check_application(tenant, &form, &endpoint)?;
    check_scope(form.require("scope")?, &origin(request))?;
    let life = app.token_life.as_secs();
    let body = json!({
        "token_type": "Bearer",
        "expires_in": life,
        "ext_expires_in": life,
        "access_token": tenant.registration.issue(app.token_life),
    });
    Ok(body.to_string())
}

fn find_tenant<'a>(app: &'a App, name: &str) -> Result<&'a Tenant, TokenError> {
    if ["common", "consumers", "organizations"].contains(&name) {
        let message = format!("The grant type is not supported over the /{name} endpoint.");
        return Err(TokenError::new("invalid_request", 9_001_023, message));
    }
    let id = Uuid::try_parse(name).ok();
    let is_named = |tenant: &&Tenant| id == Some(tenant.directory_id) || tenant.domain.eq_ignore_ascii_case(name);
    match app.tenants.iter().find(is_named) {
        Some(tenant) => Ok(tenant),
        None if id.is_some() || is_domain_name(name) => {
            let message =
                format!("Tenant '{name}' not found. Check that it is the right tenant ID and the right cloud.");
            Err(TokenError::new("invalid_request", 90002, message))
        }
        None => {
            let message = format!("Specified tenant identifier '{name}' is neither a GUID nor a valid DNS name.");
            Err(TokenError::new("invalid_request", 900_023, message))
        }
    }
}

fn is_domain_name(name: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty() && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') && !label.starts_with('-')
    };
    name.contains('.') && name.split('.').all(is_label)
}

fn check_application(tenant: &Tenant, form: &Form, endpoint: &str) -> Result<(), TokenError> {
    let (client_id, secret) = match &form.basic {
        Some((id, secret)) => (id.as_str(), Some(secret.as_str())),
        None => (form.require("client_id")?, form.get("client_secret")),
    };
    if Uuid::try_parse(client_id) != Ok(tenant.client_id) {
        let message =
            format!("Application with identifier '{client_id}' was not found in the directory '{}'.", tenant.domain);
        return Err(TokenError::new("unauthorized_client", 700_016, message));
    }
    if let Some(assertion) = form.get("client_assertion") {
        return check_assertion(tenant, form.require("client_assertion_type")?, assertion, endpoint);
    }
    let Some(secret) = secret else {
        return Err(TokenError::client(7_000_216, "A client_secret or a client_assertion is required."));
    };
    match tenant.registration.check_secret(secret) {
        SecretCheck::Right => Ok(()),
        SecretCheck::Wrong => {
            let message = format!("Invalid client secret provided for app '{client_id}': is it the value, not the ID?");
            Err(TokenError::client(7_000_215, message))
        }
        SecretCheck::Expired => {
            let message = format!("The provided client secret keys for app '{client_id}' are expired.");
            Err(TokenError::client(7_000_222, message))
        }
    }
}

fn check_assertion(tenant: &Tenant, kind: &str, assertion: &str, endpoint: &str) -> Result<(), TokenError> {
    if kind != JWT_BEARER {
        let message = format!("The client_assertion_type '{kind}' is not supported; it must be '{JWT_BEARER}'.");
        return Err(TokenError::new("invalid_request", 900_144, message));
    }
    let expected = Expected { client_id: tenant.client_id, audience: endpoint, now: SystemTime::now() };
    tenant.registration.check_assertion(assertion, &expected).map_err(|fault| {
        let (code, message) = fault.words();
        match fault {
            AssertionFault::Unmatched => TokenError::new("invalid_request", code, message),
            _ => TokenError::client(code, message),
        }
    })
}

fn check_scope(scope: &str, own_origin: &str) -> Result<(), TokenError> {
    let scopes: Vec<&str> = scope.split_whitespace().collect();
    let [scope] = scopes[..] else {
        return Err(TokenError::new("invalid_scope", 700_022, "The scope must name exactly one resource."));
    };
    match scope.strip_suffix(DEFAULT_SCOPE) {
        None => {
            let message = format!("The scope '{scope}' is not valid for client credentials: it must end in /.default.");
            Err(TokenError::new("invalid_scope", 1_002_012, message))
        }
        Some(resource) if resource == GRAPH || resource == own_origin => Ok(()),
        Some(resource) => {
            let message = format!("The resource principal named '{resource}' was not found in the tenant.");
            Err(TokenError::new("invalid_resource", 500_011, message))
        }
    }
}

impl Form {
    fn read(request: &HttpRequest, body: &[u8]) -> Self {
        let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let is_form = header(header::CONTENT_TYPE).starts_with("application/x-www-form-urlencoded");
        let parameters = match std::str::from_utf8(body) {
            Ok(text) if is_form => Query::from_query(text).map(Query::into_inner).unwrap_or_default(),
            _ => Vec::new(),
        };
        Self { parameters, basic: read_basic(header(header::AUTHORIZATION)) }
    }

    fn get(&self, name: &str) -> Option<&str> {
        let given = self.parameters.iter().find(|(given, value)| given == name && !value.is_empty());
        given.map(|(_, value)| value.as_str())
    }

    fn require(&self, name: &str) -> Result<&str, TokenError> {
        self.get(name).ok_or_else(|| {
            let message = format!("The request body must contain the following parameter: '{name}'.");
            TokenError::new("invalid_request", 900_144, message)
        })
    }
}

/// RFC 6749 §2.3.1: both halves are form-encoded before they are joined.
fn read_basic(header: &str) -> Option<(String, String)> {
    let decoded = STANDARD.decode(header.strip_prefix("Basic ")?).ok()?;
    let decoded = String::from_utf8(decoded).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    let unescape =
        |text: &str| Some(Query::<Vec<(String, String)>>::from_query(&format!("x={text}")).ok()?.into_inner().pop()?.1);
    Some((unescape(id)?, unescape(secret)?))
}

impl TokenError {
    fn new(error: &str, code: u32, message: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, error: error.to_owned(), code, message: message.into() }
    }

    fn client(code: u32, message: impl Into<String>) -> Self {
        Self { status: StatusCode::UNAUTHORIZED, ..Self::new("invalid_client", code, message) }
    }

    fn body(&self, request: &HttpRequest) -> String {
        let Self { error, code, message, .. } = self;
        let (trace, correlation) = (Uuid::new_v4(), Uuid::new_v4());
        let now = Utc::now().format("%Y-%m-%d %H:%M:%SZ").to_string();
        let body = json!({
            "error": error,
            "error_description": format!(
                "AADSTS{code}: {message}\r\nTrace ID: {trace}\r\nCorrelation ID: {correlation}\r\nTimestamp: {now}"
            ),
            "error_codes": [code],
            "timestamp": now,
            "trace_id": trace,
            "correlation_id": correlation,
            "error_uri": format!("{}/error?code={code}", origin(request)),
        });
        body.to_string()
    }
}
