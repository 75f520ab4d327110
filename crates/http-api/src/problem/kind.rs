//! The kinds of problems there are.

use actix_web::http::StatusCode;

/// What kind of problem it is. Decides status, code and title.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    BadRequest,
    Unauthorized,
    Forbidden,
    NotFound,
    MethodNotAllowed,
    RequestTimeout,
    RunActive,
    RunNotHeld,
    RunNotActive,
    PlanChanged,
    UserLinked,
    DirectoryUserLinked,
    UnknownDirectoryUser,
    EventsGone,
    TooManyWebhooks,
    PayloadTooLarge,
    UnsupportedMediaType,
    RateLimited,
    Internal,
    Unavailable,
    Overloaded,
    Timeout,
}

impl Kind {
    pub(super) fn status(self) -> StatusCode {
        match self {
            Self::BadRequest => StatusCode::BAD_REQUEST,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::RunActive
            | Self::RunNotHeld
            | Self::RunNotActive
            | Self::PlanChanged
            | Self::UserLinked
            | Self::DirectoryUserLinked
            | Self::UnknownDirectoryUser
            | Self::TooManyWebhooks => StatusCode::CONFLICT,
            Self::EventsGone => StatusCode::GONE,
            Self::PayloadTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::RateLimited => StatusCode::TOO_MANY_REQUESTS,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Unavailable | Self::Overloaded | Self::Timeout => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The word for programs.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::BadRequest => "bad_request",
            Self::Unauthorized => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::RequestTimeout => "request_timeout",
            Self::RunActive => "run_active",
            Self::RunNotHeld => "run_not_held",
            Self::RunNotActive => "run_not_active",
            Self::PlanChanged => "plan_changed",
            Self::UserLinked => "user_linked",
            Self::DirectoryUserLinked => "directory_user_linked",
            Self::UnknownDirectoryUser => "unknown_directory_user",
            Self::EventsGone => "events_gone",
            Self::TooManyWebhooks => "too_many_webhooks",
            Self::PayloadTooLarge => "payload_too_large",
            Self::UnsupportedMediaType => "unsupported_media_type",
            Self::RateLimited => "rate_limited",
            Self::Internal => "internal",
            Self::Unavailable => "unavailable",
            Self::Overloaded => "overloaded",
            Self::Timeout => "timeout",
        }
    }

    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::BadRequest => "The request is not valid",
            Self::Unauthorized => "A valid API token is required",
            Self::Forbidden => "The token does not allow this",
            Self::NotFound => "There is no such resource",
            Self::MethodNotAllowed => "The resource does not have this method",
            Self::RequestTimeout => "The request took too long to arrive",
            Self::RunActive => "The connection has an active run",
            Self::RunNotHeld => "The run is not held",
            Self::RunNotActive => "The run is not active",
            Self::PlanChanged => "The run's plan is another one",
            Self::UserLinked => "The user is linked already",
            Self::DirectoryUserLinked => "The directory user is linked already",
            Self::UnknownDirectoryUser => "The directory user is not known",
            Self::EventsGone => "Some events were deleted before they were read",
            Self::TooManyWebhooks => "The tenant has as many webhooks as it may have",
            Self::PayloadTooLarge => "The body is too large",
            Self::UnsupportedMediaType => "The body is not JSON",
            Self::Internal => "The server failed",
            Self::RateLimited => "There are too many requests",
            Self::Unavailable => "The service is not available at the moment",
            Self::Overloaded => "The service is too busy at the moment",
            Self::Timeout => "The request took too long to serve",
        }
    }

    /// Of an answer that the framework gave by itself.
    pub(super) fn of_status(status: StatusCode) -> Self {
        match status {
            StatusCode::NOT_FOUND => Self::NotFound,
            StatusCode::METHOD_NOT_ALLOWED => Self::MethodNotAllowed,
            StatusCode::REQUEST_TIMEOUT => Self::RequestTimeout,
            StatusCode::PAYLOAD_TOO_LARGE => Self::PayloadTooLarge,
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Self::UnsupportedMediaType,
            status if status.is_client_error() => Self::BadRequest,
            _ => Self::Internal,
        }
    }
}
