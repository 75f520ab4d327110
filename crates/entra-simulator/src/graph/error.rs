//! Errors of Graph (protocol/entra.md §5.4).

use std::borrow::Cow;

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use chrono::Utc;
use serde_json::json;
use uuid::Uuid;

/// An error of Graph. Clients branch on the status and the code; the message is for people.
#[derive(Debug)]
pub(crate) struct GraphError {
    pub(crate) status: StatusCode,
    code: Cow<'static, str>,
    message: String,
    pub(crate) location: Option<String>,
}

/// The ids by which a request is found again in Graph's logs.
pub(crate) struct Correlation {
    pub(crate) request_id: String,
    pub(crate) client_request_id: String,
}

impl GraphError {
    pub(crate) fn new(status: StatusCode, code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self { status, code: code.into(), message: message.into(), location: None }
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "Request_BadRequest", message)
    }

    pub(crate) fn unsupported_query(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "Request_UnsupportedQuery", message)
    }

    pub(crate) fn unauthenticated(message: &str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "InvalidAuthenticationToken", message)
    }

    pub(crate) fn denied() -> Self {
        let message = "Insufficient privileges to complete the operation.";
        Self::new(StatusCode::FORBIDDEN, "Authorization_RequestDenied", message)
    }

    pub(crate) fn not_found(id: &str) -> Self {
        let message =
            format!("Resource '{id}' does not exist or one of its queried reference-property objects are not present.");
        Self::new(StatusCode::NOT_FOUND, "Request_ResourceNotFound", message)
    }

    pub(crate) fn expired_page_token() -> Self {
        let message = "The specified page token value has expired and can no longer be included in your request.";
        Self::new(StatusCode::BAD_REQUEST, "Directory_ExpiredPageToken", message)
    }

    /// The same with the header `Location`.
    pub(crate) fn leading_to(self, location: String) -> Self {
        Self { location: Some(location), ..self }
    }

    pub(crate) fn body(&self, ids: &Correlation) -> String {
        let body = json!({"error": {
            "code": self.code,
            "message": self.message,
            "innerError": {
                "date": Utc::now().format("%Y-%m-%dT%H:%M:%S").to_string(),
                "request-id": ids.request_id,
                "client-request-id": ids.client_request_id,
            },
        }});
        body.to_string()
    }
}

impl Correlation {
    /// The client's id is echoed; without one, Graph's own stands in.
    pub(crate) fn of(request: &HttpRequest) -> Self {
        let request_id = Uuid::new_v4().to_string();
        let given = request.headers().get("client-request-id").and_then(|id| id.to_str().ok());
        let client_request_id = given.unwrap_or(&request_id).to_owned();
        Self { request_id, client_request_id }
    }
}
