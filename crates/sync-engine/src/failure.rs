//! How a run can fail, and what that means for the run and its connection.

use std::time::Duration;

use crate::EngineError;
use directory_core::{FailureKind, ProviderError, RunErrorCode};
use store::{ConnectionEffect, Run, RunEnd, RunError, RunStatus, StoreError};

/// Why a run stopped short.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RunFailure {
    #[error(transparent)]
    Provider(#[from] ProviderError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the stored credential cannot be opened")]
    Credential(#[from] crypto::OpenError),
    #[error("a secret could not be sealed")]
    Seal(#[from] crypto::SealError),
    #[error("no directory provider of kind `{0}` is registered")]
    UnknownProvider(String),
    #[error("the connection was deleted while its run was waiting")]
    ConnectionGone,
    /// Ends no run: the directory is read as a whole instead.
    #[error("what changed is not enough to know who is in scope")]
    Unclear,
    #[error("the run's task ended unexpectedly")]
    Panicked,
    #[error("the run was taken up {0} times and got no further")]
    Stuck(u32),
}

impl From<EngineError> for RunFailure {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Provider(error) => Self::Provider(error),
            EngineError::Store(error) => Self::Store(error),
            EngineError::Open(error) => Self::Credential(error),
            EngineError::UnknownProvider(kind) => Self::UnknownProvider(kind),
            EngineError::Seal(error) => Self::Seal(error),
        }
    }
}

impl RunFailure {
    /// The failed run's end. A configuration failure quarantines the connection, unless the run was a preview: what it
    /// failed of may be what was being tried. What passes by itself only moves its schedule.
    pub(crate) fn into_end(self, run: &Run) -> RunEnd {
        let (error, connection) = match self {
            Self::Provider(error) => {
                let effect = match error.kind {
                    FailureKind::Configuration if run.draft.is_none() => {
                        ConnectionEffect::Quarantine(format!("{} {}", error.message, error.hint))
                    }
                    FailureKind::Transient { retry_after } => ConnectionEffect::BackOff { retry_after },
                    FailureKind::Configuration | FailureKind::ListingExpired | FailureKind::Protocol => {
                        ConnectionEffect::Keep
                    }
                };
                let hint = match error.kind {
                    FailureKind::Transient { retry_after: Some(wait) } => format!("{} {}", error.hint, asked_for(wait)),
                    _ => error.hint,
                };
                let ProviderError { code, message, request_id, .. } = error;
                (RunError { code, message, hint, request_id }, effect)
            }
            other @ (Self::Store(_) | Self::Stuck(_)) => {
                (other.our_own(), ConnectionEffect::BackOff { retry_after: None })
            }
            other => (other.our_own(), ConnectionEffect::Keep),
        };
        RunEnd { status: RunStatus::Failed, error: Some(error), connection }
    }

    /// What kind of failure it is.
    pub(crate) fn code(&self) -> RunErrorCode {
        match self {
            Self::Provider(error) => error.code,
            Self::Store(_) => RunErrorCode::StoreUnavailable,
            Self::Credential(_)
            | Self::Seal(_)
            | Self::UnknownProvider(_)
            | Self::ConnectionGone
            | Self::Unclear
            | Self::Panicked
            | Self::Stuck(_) => RunErrorCode::Internal,
        }
    }

    /// The directory's id of the failed request.
    pub(crate) fn provider_request_id(&self) -> Option<&str> {
        match self {
            Self::Provider(error) => error.request_id.as_deref(),
            _ => None,
        }
    }

    /// Failures that are not the directory's.
    fn our_own(&self) -> RunError {
        let hint = match self {
            Self::Store(_) => {
                "Nothing beyond the reported counts was written. See the server's log, mend the database and start \
                 the sync again."
            }
            // What to do about the key is in the keyring's own words, which name keys by id only.
            Self::Credential(error) => &error.to_string(),
            Self::UnknownProvider(_) => "Run a program that has this provider registered.",
            Self::ConnectionGone => "Register the directory again.",
            Self::Stuck(_) => {
                "Its process or its database failed each time. See the server's log for why, and start the sync again."
            }
            Self::Provider(_) | Self::Seal(_) | Self::Unclear | Self::Panicked => {
                "This is a defect. See the server's log, and start the sync again."
            }
        };
        RunError { code: self.code(), message: capitalised(&self.to_string()), hint: hint.to_owned(), request_id: None }
    }
}

/// How long the directory is left alone.
fn asked_for(wait: Duration) -> String {
    let seconds = wait.as_secs_f64().ceil();
    let (number, unit) = if seconds <= 120.0 { (seconds, "s") } else { ((seconds / 60.0).ceil(), "min") };
    format!("The directory asked to be left alone for {number} {unit}; until then its runs wait.")
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).chain(['.']).collect())
}
