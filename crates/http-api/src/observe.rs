//! Around every request: its id, its span, its log line, and the response of whatever went wrong.

use std::time::{Duration, Instant};

use actix_web::{
    Error, HttpMessage, HttpResponse,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        ConnectionType,
        header::{self, HeaderMap, HeaderName, HeaderValue},
    },
    middleware::Next,
    web::Data,
};
use tracing::{Instrument, Span, field::Empty};

use crate::{
    app::App,
    auth::Authenticated,
    metrics::{self, InFlight, UNMATCHED},
    problem::Problem,
    request_id::{self, RequestId},
    unread::Held,
};

/// Brings the caller's trace (W3C Trace Context).
const TRACEPARENT: &str = "traceparent";

/// The middleware of everything that is served.
pub(crate) async fn observe(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let started = Instant::now();
    let sent = request.headers().get(request_id::HEADER).and_then(|id| id.to_str().ok());
    let id = RequestId::of(sent);
    // The route's pattern stands for the path: paths and queries can hold personal data.
    let span = tracing::info_span!(
        "request",
        request_id = %id,
        method = %request.method(),
        route = Empty,
        status = Empty,
        tenant = Empty,
        connection_id = Empty,
        run_id = Empty
    );
    if let Some(app) = request.app_data::<Data<App>>() {
        let parent = request.headers().get(TRACEPARENT).and_then(|parent| parent.to_str().ok());
        app.telemetry().adopt(&span, parent);
    }
    let in_flight = InFlight::begin();
    request.extensions_mut().insert(id.clone());
    let held = Held::of(&mut request);
    let response = next.call(request).instrument(span.clone()).await?;

    let (mut response, code, cause) = match Failure::of(&response, &id) {
        Some(failure) => (response.into_response(failure.response), Some(failure.code), failure.cause),
        None => (response.map_into_boxed_body(), None, None),
    };
    finish_headers(response.headers_mut(), &id);
    // The framework limits the time of a connection's first head only. So a connection is kept for those who have shown
    // a token, and a stranger who dribbles is cut off.
    if !response.request().extensions().contains::<Authenticated>() {
        response.response_mut().head_mut().set_connection_type(ConnectionType::Close);
    }
    let (route, status) = (response.request().match_pattern(), response.status().as_u16());
    drop(in_flight);
    metrics::served(response.request().method(), route.as_deref(), status, started.elapsed());
    span.record("status", status);
    span.in_scope(|| log(route.as_deref(), status, started.elapsed(), code, cause));
    Ok(response.map_body(|_, body| held.hold(body)))
}

/// What a handler, an extractor or the framework itself refused with.
struct Failure {
    response: HttpResponse,
    code: &'static str,
    cause: Option<String>,
}

impl Failure {
    fn of<B>(response: &ServiceResponse<B>, id: &RequestId) -> Option<Self> {
        let status = response.status();
        if !status.is_client_error() && !status.is_server_error() {
            return None;
        }
        let problem = response.response().error().and_then(|error| error.as_error::<Problem>());
        let mut failure = match problem {
            Some(problem) => Self::from(problem, id),
            None => Self::from(&Problem::of_status(status), id),
        };
        // Set by the framework when the method is wrong.
        if let Some(allow) = response.headers().get(header::ALLOW) {
            failure.response.headers_mut().insert(header::ALLOW, allow.clone());
        }
        Some(failure)
    }

    fn from(problem: &Problem, id: &RequestId) -> Self {
        Self { response: problem.render(id), code: problem.code(), cause: problem.cause() }
    }
}

fn finish_headers(headers: &mut HeaderMap, id: &RequestId) {
    if let Some(id) = id.header_value() {
        headers.insert(HeaderName::from_static(request_id::HEADER), id);
    }
    // Answers hold personal data and change under the reader.
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
}

/// One line a request. Probes come every few seconds and are not worth one that anybody reads.
fn log(route: Option<&str>, status: u16, duration: Duration, code: Option<&'static str>, cause: Option<String>) {
    Span::current().record("route", route.unwrap_or(UNMATCHED));
    let duration_ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    match cause {
        Some(cause) => tracing::error!(status, duration_ms, code, cause, "request failed"),
        None if route.is_some_and(is_probe) => tracing::debug!(status, duration_ms, code, "request served"),
        None => tracing::info!(status, duration_ms, code, "request served"),
    }
}

fn is_probe(route: &str) -> bool {
    matches!(route, "/healthz" | "/readyz" | "/metrics")
}
