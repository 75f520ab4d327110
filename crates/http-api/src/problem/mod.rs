//! What is answered when a request cannot be served: RFC 9457 problem details, always in the same shape.

mod kind;

use std::{borrow::Cow, fmt, time::Duration};

use actix_web::{
    HttpResponse, ResponseError,
    body::BoxBody,
    http::{StatusCode, header},
};
use directory_core::{FailureKind, RunId, UserId};
use serde::Serialize;
use store::{BoxError, StoreError, chain};
use sync_engine::EngineError;

use crate::{model::FieldError, request_id::RequestId};
pub(crate) use kind::Kind;

pub(crate) const MEDIA_TYPE: &str = "application/problem+json";
/// How long a client should leave an overloaded or restarting database alone.
const RETRY_AFTER_SECONDS: u64 = 5;

/// Why a request is not served. The middleware makes the response of it, since only that knows the request's id.
#[derive(Debug)]
pub(crate) struct Problem {
    kind: Kind,
    detail: Cow<'static, str>,
    errors: Vec<FieldError>,
    in_the_way: Option<InTheWay>,
    retry_seconds: Option<u64>,
    source: Option<BoxError>,
}

/// What a conflict is with: a member of its own.
#[derive(Clone, Copy, Debug, Serialize)]
enum InTheWay {
    #[serde(rename = "activeRunId")]
    ActiveRun(RunId),
    #[serde(rename = "userId")]
    User(UserId),
}

impl Problem {
    pub(crate) fn new(kind: Kind, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, detail: detail.into(), errors: Vec::new(), in_the_way: None, retry_seconds: None, source: None }
    }

    /// Absent, or another tenant's: the two must look the same.
    pub(crate) fn not_found() -> Self {
        Self::new(Kind::NotFound, "Nothing is found at this address, or it is not yours to see.")
    }

    /// Each wrong part of the input.
    pub(crate) fn bad_input(errors: Vec<FieldError>) -> Self {
        Self { errors, ..Self::new(Kind::BadRequest, "Some of the input is not valid; `errors` says which.") }
    }

    /// The connection is busy with this run.
    pub(crate) fn run_active(run: RunId) -> Self {
        let detail = "The connection has a run that is queued or running; wait for its end, or cancel it.";
        Self { in_the_way: Some(InTheWay::ActiveRun(run)), ..Self::new(Kind::RunActive, detail) }
    }

    /// The directory user is this user already.
    pub(crate) fn directory_user_linked(user: UserId) -> Self {
        let detail = "The directory user is linked to another user; unlink that one first.";
        Self { in_the_way: Some(InTheWay::User(user)), ..Self::new(Kind::DirectoryUserLinked, detail) }
    }

    /// Whoever went on would miss something.
    pub(crate) fn events_gone() -> Self {
        let detail = "Some events after this place were deleted for their age, or the database is an older one than this \
                      place is of. Begin again: keep the `nextCursor` of `GET /events?after=latest`, read the users with \
                      `GET /users`, then go on from that cursor.";
        Self::new(Kind::EventsGone, detail)
    }

    /// A defect of ours, or a failure that the client can do nothing about. The log has the source.
    pub(crate) fn internal(source: impl Into<BoxError>) -> Self {
        let detail = "The server could not serve the request. Its log has more under the request's id.";
        Self { source: Some(source.into()), ..Self::new(Kind::Internal, detail) }
    }

    /// A failure that is worth another try.
    pub(crate) fn unavailable(source: impl Into<BoxError>) -> Self {
        let detail = "The database cannot be used at the moment. Try again in a few seconds.";
        Self { source: Some(source.into()), ..Self::later(Kind::Unavailable, RETRY_AFTER_SECONDS, detail) }
    }

    /// A check of the server's own fails.
    pub(crate) fn not_ready(detail: &'static str, cause: String) -> Self {
        Self { source: Some(cause.into()), ..Self::later(Kind::Unavailable, RETRY_AFTER_SECONDS, detail) }
    }

    /// Somebody asks too often, and may again after `wait`.
    pub(crate) fn rate_limited(wait: Duration) -> Self {
        // Rounded up: a client that comes back too early is refused again.
        let seconds = wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0)).max(1);
        Self::later(Kind::RateLimited, seconds, "Too many requests: go on after the seconds of `Retry-After`.")
    }

    /// A token watches as many runs as it may.
    pub(crate) fn too_many_streams(seconds: u64) -> Self {
        let detail = "The token has as many event streams open as it may: close one, or ask for the run now and then.";
        Self::later(Kind::RateLimited, seconds, detail)
    }

    /// There is no room for another request.
    pub(crate) fn overloaded(seconds: u64) -> Self {
        Self::later(Kind::Overloaded, seconds, "The server has as much to do as it can. Nothing was done; try again.")
    }

    /// A tenant has as many requests under way to directories as it may, or all tenants together have.
    pub(crate) fn too_many_visits(seconds: u64) -> Self {
        let detail = "Other requests to try a connection are under way; try again once they have ended.";
        Self::later(Kind::RateLimited, seconds, detail)
    }

    /// Nobody can tell at the moment whether a platform's token is good.
    pub(crate) fn sign_in_unavailable() -> Self {
        let detail =
            "Sign-in is not available: the keys of the tokens' issuer cannot be fetched. Try again in a few seconds.";
        Self::later(Kind::Unavailable, RETRY_AFTER_SECONDS, detail)
    }

    /// A request's work is not done in time.
    pub(crate) fn timeout() -> Self {
        let detail =
            "The server could not do this in time. What was begun may still be done: look before asking again.";
        Self::later(Kind::Timeout, RETRY_AFTER_SECONDS, detail)
    }

    fn later(kind: Kind, seconds: u64, detail: &'static str) -> Self {
        Self { retry_seconds: Some(seconds), ..Self::new(kind, detail) }
    }

    /// What the framework answered by itself.
    pub(crate) fn of_status(status: StatusCode) -> Self {
        match Kind::of_status(status) {
            Kind::NotFound => Self::not_found(),
            kind @ Kind::MethodNotAllowed => Self::new(kind, "The `Allow` header has the methods of this resource."),
            kind => Self::new(kind, kind.title()),
        }
    }

    /// The word for programs.
    pub(crate) fn code(&self) -> &'static str {
        self.kind.code()
    }

    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    /// When to try again, of what is worth it.
    pub(crate) fn retry_seconds(&self) -> Option<u64> {
        self.retry_seconds
    }

    /// For the log: each error of the chain once. `None` when the client is at fault.
    pub(crate) fn cause(&self) -> Option<String> {
        Some(chain(self.source.as_deref()?).to_string())
    }

    /// The response. The caller adds the request's id as a header, as to every response.
    pub(crate) fn render(&self, request: &RequestId) -> HttpResponse {
        let mut response = HttpResponse::build(self.kind.status());
        if self.kind == Kind::Unauthorized {
            response.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
        }
        if let Some(seconds) = self.retry_seconds {
            response.insert_header((header::RETRY_AFTER, seconds));
        }
        // Set last: `json` leaves a content type that is there alone.
        response.content_type(MEDIA_TYPE).json(self.body(request))
    }

    /// What is said, as JSON.
    pub(crate) fn body<'a>(&'a self, request: &'a RequestId) -> impl Serialize + 'a {
        Body {
            kind: format!("urn:problem-type:directory:{}", self.code()),
            title: self.kind.title(),
            status: self.kind.status().as_u16(),
            detail: &self.detail,
            code: self.code(),
            request_id: request.as_str(),
            errors: &self.errors,
            in_the_way: self.in_the_way,
        }
    }
}

/// The members of the interface, in its order.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    #[serde(rename = "type")]
    kind: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    code: &'a str,
    request_id: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [FieldError],
    #[serde(flatten)]
    in_the_way: Option<InTheWay>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.kind.status()
    }

    /// An empty stand-in, which the middleware replaces.
    fn error_response(&self) -> HttpResponse<BoxBody> {
        HttpResponse::new(self.kind.status())
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) => Self::unavailable(error),
            StoreError::Conflict(_)
            | StoreError::LeaseLost
            | StoreError::Schema(_)
            | StoreError::Corrupt { .. }
            | StoreError::Database(_) => Self::internal(error),
        }
    }
}

impl From<EngineError> for Problem {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Store(error) => error.into(),
            // Its texts are for the administrator: the values cannot be used to reach the directory, or it is away.
            EngineError::Provider(error) => {
                let detail = format!("{} {}", error.message, error.hint);
                match error.kind {
                    FailureKind::Configuration => Self::new(Kind::BadRequest, detail),
                    FailureKind::Transient { .. } | FailureKind::ListingExpired | FailureKind::Protocol => {
                        Self { retry_seconds: Some(RETRY_AFTER_SECONDS), ..Self::new(Kind::Unavailable, detail) }
                    }
                }
            }
            error @ (EngineError::UnknownProvider(_) | EngineError::Seal(_) | EngineError::Open(_)) => {
                Self::internal(error)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use actix_web::body::to_bytes;
    use serde_json::{Value, json};

    use super::*;

    async fn rendered(problem: &Problem) -> (HttpResponse<()>, Value) {
        let request = RequestId::of(Some("req-1"));
        let (head, body) = problem.render(&request).into_parts();
        (head, serde_json::from_slice(&to_bytes(body).await.unwrap()).unwrap())
    }

    fn header<'a>(response: &'a HttpResponse<()>, name: &str) -> Option<&'a str> {
        response.headers().get(name).map(|value| value.to_str().unwrap())
    }

    #[actix_web::test]
    async fn bad_input_has_every_member() {
        let (head, body) = rendered(&Problem::bad_input(vec![FieldError::new("/cloud", "is wrong")])).await;
        assert_eq!(head.status(), 400);
        assert_eq!(header(&head, "content-type"), Some("application/problem+json"));
        let expected = json!({
            "type": "urn:problem-type:directory:bad_request", "title": "The request is not valid", "status": 400,
            "detail": "Some of the input is not valid; `errors` says which.", "code": "bad_request",
            "requestId": "req-1", "errors": [{"pointer": "/cloud", "detail": "is wrong"}],
        });
        assert_eq!(body, expected);
    }

    #[actix_web::test]
    async fn what_stands_in_the_way_is_named() {
        let id = "01890a5d-ac96-774b-bcce-b302099a8057";
        let (head, body) = rendered(&Problem::run_active(id.parse().unwrap())).await;
        assert_eq!((head.status().as_u16(), &body["activeRunId"], body.get("userId")), (409, &json!(id), None));
        let (head, body) = rendered(&Problem::directory_user_linked(id.parse().unwrap())).await;
        assert_eq!((head.status().as_u16(), &body["userId"], body.get("activeRunId")), (409, &json!(id), None));
    }

    #[actix_web::test]
    async fn a_failing_store_is_kept_from_the_client() {
        let lost = StoreError::Unavailable("connection to 10.0.0.1 refused".into());
        let problem = Problem::from(EngineError::Store(lost));
        assert_eq!(problem.cause().as_deref(), Some("the database is not available: connection to 10.0.0.1 refused"));
        let (head, body) = rendered(&problem).await;
        assert_eq!((head.status().as_u16(), header(&head, "retry-after")), (503, Some("5")));
        assert!(!body.to_string().contains("10.0.0.1"));

        let broken = Problem::from(StoreError::Database("syntax error".into()));
        let (head, body) = rendered(&broken).await;
        assert_eq!((head.status().as_u16(), &body["code"]), (500, &json!("internal")));
        assert!(!body.to_string().contains("syntax"));
    }

    #[actix_web::test]
    async fn whoever_may_come_back_is_told_when() {
        for (problem, status, code, seconds) in [
            (Problem::rate_limited(Duration::from_millis(1)), 429, "rate_limited", "1"),
            (Problem::rate_limited(Duration::from_millis(2_001)), 429, "rate_limited", "3"),
            (Problem::rate_limited(Duration::from_secs(2)), 429, "rate_limited", "2"),
            (Problem::too_many_streams(5), 429, "rate_limited", "5"),
            (Problem::overloaded(1), 503, "overloaded", "1"),
            (Problem::timeout(), 503, "timeout", "5"),
        ] {
            let (head, body) = rendered(&problem).await;
            assert_eq!((head.status().as_u16(), &body["code"]), (status, &json!(code)));
            assert_eq!(header(&head, "retry-after"), Some(seconds), "{code}");
        }
    }

    #[actix_web::test]
    async fn a_missing_token_says_how_to_authenticate() {
        let (head, _) = rendered(&Problem::new(Kind::Unauthorized, "x")).await;
        assert_eq!((head.status().as_u16(), header(&head, "www-authenticate")), (401, Some("Bearer")));
    }

    #[test]
    fn the_frameworks_own_answers_get_a_kind() {
        for (status, code) in [(404, "not_found"), (405, "method_not_allowed"), (417, "bad_request"), (502, "internal")]
        {
            assert_eq!(Problem::of_status(StatusCode::from_u16(status).unwrap()).code(), code);
        }
    }
}
