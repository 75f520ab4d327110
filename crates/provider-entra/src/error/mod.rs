//! Failures, classified where they are understood. Messages name codes and never quote a server's text, which may hold
//! somebody's name.

mod graph;
mod login;
mod network;

use std::time::Duration;

use directory_core::{FailureKind, ProviderError, RunErrorCode};

pub(crate) use graph::{graph_fault, page_fault};
pub(crate) use login::{login_fault, token_fault};
pub(crate) use network::network_fault;

/// A failed attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) error: ProviderError,
    pub(crate) again: Again,
}

/// Whether the same request may succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Again {
    /// No.
    Never,
    /// Later, as often as time allows.
    Later,
    /// Possibly, but not after the second repeat.
    Twice,
    /// Possibly minutes later, as often as time allows; whoever looks on is told at once instead.
    Unwatched,
    /// Once, with another token.
    WithNewToken,
}

impl From<ProviderError> for Fault {
    fn from(error: ProviderError) -> Self {
        let again = match error.kind {
            FailureKind::Transient { .. } => Again::Later,
            FailureKind::ListingExpired | FailureKind::Configuration | FailureKind::Protocol => Again::Never,
        };
        Self { error, again }
    }
}

impl Fault {
    fn but(mut self, again: Again) -> Self {
        self.again = again;
        self
    }

    pub(crate) fn with_request_id(mut self, request_id: Option<String>) -> Self {
        self.error.request_id = request_id;
        self
    }
}

/// What a failed answer said outside its body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct AnswerHead {
    pub(crate) status: u16,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) request_id: Option<String>,
}

/// Statuses that pass by themselves on either host, whatever the body says.
fn passing_code(head: &AnswerHead) -> Option<RunErrorCode> {
    match head.status {
        429 => Some(RunErrorCode::Throttled),
        501 => None,
        408 | 500..=599 => Some(RunErrorCode::ProviderUnavailable),
        409 if head.retry_after.is_some() => Some(RunErrorCode::ProviderUnavailable),
        _ => None,
    }
}

/// An administrator has to change something.
pub(crate) fn configuration(code: RunErrorCode, message: &str, hint: &str) -> ProviderError {
    error(FailureKind::Configuration, code, message, hint)
}

/// The server's operator has to change something, and nobody who administers a connection can: it is no fault of the
/// connection, which goes on once it is mended.
pub(crate) fn operators(message: &str, hint: &str) -> ProviderError {
    error(FailureKind::Transient { retry_after: None }, RunErrorCode::Internal, message, hint)
}

/// The answer makes no sense.
pub(crate) fn protocol(message: &str, hint: &str) -> ProviderError {
    error(FailureKind::Protocol, RunErrorCode::ProviderProtocol, message, hint)
}

fn transient(code: RunErrorCode, message: &str, retry_after: Option<Duration>) -> ProviderError {
    let hint = if code == RunErrorCode::Throttled {
        "Nothing has to be changed: the next run goes on when Microsoft allows it. If it happens often, let the \
         connection run less frequently."
    } else {
        "Nothing has to be changed: the next run tries again. If it stays so, check the network between this server \
         and Microsoft and the Microsoft 365 service health page."
    };
    error(FailureKind::Transient { retry_after }, code, message, hint)
}

fn error(kind: FailureKind, code: RunErrorCode, message: &str, hint: &str) -> ProviderError {
    ProviderError { kind, code, message: message.to_owned(), hint: hint.to_owned(), request_id: None }
}
