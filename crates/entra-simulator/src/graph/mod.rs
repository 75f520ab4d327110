//! Microsoft Graph, as far as reading a directory needs it.

mod delta;
mod error;
mod groups;
mod link;
mod page;
mod query;
mod select;
mod users;

use actix_web::http::{StatusCode, header};
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use uuid::Uuid;

use crate::app::{App, Tenant, origin};
use crate::directory::Key;
use crate::fault::FaultKind;
use crate::permission::Grant;
use crate::registration::TokenCheck;
use crate::requests::Route;
use crate::wire;
use error::{Correlation, GraphError};
use link::Listing;
pub(crate) use link::Sealer;
use page::Page;
use query::Query;

const JSON: &str = "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8";
const DIAGNOSTIC: &str =
    r#"{"ServerInfo":{"DataCenter":"Loopback","Slice":"E","Ring":"0","ScaleUnit":"001","RoleInstance":"SIMULATOR"}}"#;
const CHALLENGE: &str = r#"Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize", client_id="00000003-0000-0000-c000-000000000000""#;

/// The routes below `/v1.0`.
pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .route("/users", web::get().to(users::list))
        .route("/users/$count", web::get().to(users::count))
        .route("/users/delta", web::get().to(delta::users))
        .route("/users/{id}", web::get().to(users::get))
        .route("/groups/delta", web::get().to(delta::groups))
        .route("/groups/{id}", web::get().to(groups::get))
        .route("/groups/{id}/{relation:members|transitiveMembers}", web::get().to(groups::members))
        .route("/groups/{id}/{relation:members|transitiveMembers}/{cast}", web::get().to(groups::cast_members))
        .default_service(web::to(unknown));
}

/// A request of an application that presented a good token.
struct Call<'a> {
    app: &'a App,
    tenant: &'a Tenant,
    grant: Grant,
    request: &'a HttpRequest,
    origin: String,
}

/// What a handler answers.
enum Reply {
    Page(Page),
    /// One object, written.
    Object(String),
    /// A bare number.
    Text(String),
}

/// Answers a request on `route`: counts it, takes the time that Graph takes, lets a scripted fault strike, checks the
/// token, and gives the response the headers that every one has.
async fn answer(
    app: &App,
    request: &HttpRequest,
    route: Route,
    make: impl FnOnce(&Call<'_>) -> Result<Reply, GraphError>,
) -> HttpResponse {
    app.requests.add(route);
    app.take_time().await;
    let has_page_token = request.query_string().contains("skiptoken=");
    let fault = app.faults.strike(route, has_page_token);
    let ids = Correlation::of(request);
    let instead = match &fault {
        Some(fault) => wire::instead(fault).await,
        None => None,
    };
    let mut response = match instead {
        Some(response) => response,
        None => respond(app, request, fault.as_ref(), &ids, make),
    };
    let headers = response.headers_mut();
    for (name, value) in [
        ("request-id", ids.request_id.as_str()),
        ("client-request-id", ids.client_request_id.as_str()),
        ("x-ms-ags-diagnostic", DIAGNOSTIC),
    ] {
        if let Ok(value) = value.parse() {
            headers.insert(header::HeaderName::from_static(name), value);
        }
    }
    response
}

fn respond(
    app: &App,
    request: &HttpRequest,
    fault: Option<&FaultKind>,
    ids: &Correlation,
    make: impl FnOnce(&Call<'_>) -> Result<Reply, GraphError>,
) -> HttpResponse {
    let reply = match fault {
        Some(fault @ FaultKind::Status { code, .. }) => {
            let error = GraphError::new(StatusCode::OK, code.clone(), "A scripted fault.");
            return wire::error_status(fault).content_type(JSON).body(error.body(ids));
        }
        Some(FaultKind::ExpiredPageToken) => Err(GraphError::expired_page_token()),
        fault => Call::admit(app, request, fault).and_then(|call| make(&call)),
    };
    let mut response = HttpResponse::Ok();
    response.content_type(JSON).insert_header(("OData-Version", "4.0"));
    let body = match reply {
        Ok(Reply::Page(page)) => page.render(fault, &format!("{}{}", origin(request), request.uri())),
        Ok(Reply::Object(body)) => body,
        Ok(Reply::Text(body)) => {
            response.content_type("text/plain");
            body
        }
        Err(error) => {
            response.status(error.status);
            if error.status == StatusCode::UNAUTHORIZED {
                response.insert_header((header::WWW_AUTHENTICATE, CHALLENGE));
            }
            if let Some(location) = &error.location {
                response.insert_header((header::LOCATION, location.as_str()));
            }
            error.body(ids)
        }
    };
    wire::finish(response, body, fault)
}

impl<'a> Call<'a> {
    /// Checks the bearer token.
    fn admit(app: &'a App, request: &'a HttpRequest, fault: Option<&FaultKind>) -> Result<Self, GraphError> {
        let header = request.headers().get(header::AUTHORIZATION);
        let token = header.and_then(|value| value.to_str().ok()).and_then(|value| value.strip_prefix("Bearer "));
        let token = token.ok_or_else(|| GraphError::unauthenticated("Access token is empty."))?;
        for tenant in &app.tenants {
            if matches!(fault, Some(FaultKind::RevokeToken)) {
                tenant.registration.revoke(token);
            }
            match tenant.registration.check_token(token) {
                TokenCheck::Unknown => {}
                TokenCheck::Expired => {
                    return Err(GraphError::unauthenticated("Access token has expired or is not yet valid."));
                }
                TokenCheck::Good(grant) => {
                    return Ok(Self { app, tenant, grant, request, origin: origin(request) });
                }
            }
        }
        Err(GraphError::unauthenticated("CompactToken validation failed."))
    }

    fn require_users(&self) -> Result<(), GraphError> {
        if self.grant.users { Ok(()) } else { Err(GraphError::denied()) }
    }

    fn require_groups(&self) -> Result<(), GraphError> {
        if self.grant.groups { Ok(()) } else { Err(GraphError::denied()) }
    }

    /// The page size to serve.
    fn page_size(&self, query: &Query) -> usize {
        query.top.min(self.app.max_page_size)
    }

    /// Where this page starts.
    fn start(&self, query: &Query) -> Result<Key, GraphError> {
        let Some(token) = &query.page_token else {
            return Ok(Key::FIRST);
        };
        let place = self.app.sealer.open(&self.listing(query), token);
        place.ok_or_else(|| GraphError::bad_request("The page token is not valid for this request."))
    }

    /// A link to the page of this listing that starts at `place`.
    fn link(&self, query: &Query, place: Key) -> String {
        let separator = if query.options.is_empty() { "" } else { "&" };
        format!(
            "{}{}?{}{separator}$skiptoken={}",
            self.origin,
            self.request.path(),
            query.options,
            self.app.sealer.seal(&self.listing(query), place)
        )
    }

    fn listing<'q>(&self, query: &'q Query) -> Listing<'q>
    where
        'a: 'q,
    {
        Listing {
            tenant: self.tenant.directory_id,
            path: self.request.path(),
            options: &query.options,
            advanced: query.is_advanced(),
        }
    }

    fn context(&self, what: &str) -> String {
        format!("{}/v1.0/$metadata#{what}", self.origin)
    }
}

fn read_id(text: &str) -> Result<Uuid, GraphError> {
    Uuid::try_parse(text).map_err(|_| GraphError::not_found(text))
}

/// Any other request to Graph.
async fn unknown(app: Data<App>, request: HttpRequest) -> HttpResponse {
    let refuse = |_: &Call<'_>| {
        let message = format!("The simulator does not serve {} {}.", request.method(), request.path());
        Err(GraphError::new(StatusCode::BAD_REQUEST, "BadRequest", message))
    };
    answer(&app, &request, Route::Graph, refuse).await
}
