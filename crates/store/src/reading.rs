//! How runs read a directory: as a whole, or what changed since.

use std::fmt;

use chrono::{DateTime, Utc};
use directory_core::RunId;
use serde::{Deserialize, Serialize};

use crate::RunMode;

/// Why a run read the directory the way it did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModeReason {
    /// A full listing: it was asked for.
    Requested,
    /// A full listing: no earlier run left a place from which changes are told, or it was dropped, because somebody set other
    /// rules, ignored a directory user or unlinked a user.
    NoContinuation,
    /// A full listing: the place was left under other rules.
    ScopeChanged,
    /// A full listing: it is time for one again.
    ReconcileDue,
    /// A full listing: the directory does not tell changes from that place any more.
    ContinuationExpired,
    /// A full listing: the directory does not tell the changes of this scope, or not exactly.
    NotFollowed,
    /// A full listing: somebody changed of whom only that tells whether the scope has them.
    ScopeUnclear,
    /// A full listing: more users wait for a decision than are read one by one.
    ManyOpenCases,
    /// What changed since an earlier run.
    Continued,
}

impl ModeReason {
    /// The word in the database and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::NoContinuation => "no_continuation",
            Self::ScopeChanged => "scope_changed",
            Self::ReconcileDue => "reconcile_due",
            Self::ContinuationExpired => "continuation_expired",
            Self::NotFollowed => "not_followed",
            Self::ScopeUnclear => "scope_unclear",
            Self::ManyOpenCases => "many_open_cases",
            Self::Continued => "continued",
        }
    }
}

/// How a run read the directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// `Full` or `Delta`.
    pub mode: RunMode,
    /// Why so.
    pub reason: ModeReason,
    /// Where the next run may go on. It becomes the connection's once all of the plan is applied, and only then.
    pub continuation: Option<SealedContinuation>,
}

impl Reading {
    /// A whole listing that nothing can go on from.
    #[must_use]
    pub fn full(reason: ModeReason) -> Self {
        Self { mode: RunMode::Full, reason, continuation: None }
    }
}

/// A place from which a directory tells its changes, under the server's key.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedContinuation {
    /// The envelope.
    pub sealed: Vec<u8>,
    /// What the listing went by, as a digest: for another scope the place is of no use.
    pub scope: String,
}

impl fmt::Debug for SealedContinuation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedContinuation").field("scope", &self.scope).finish_non_exhaustive()
    }
}

/// A connection's continuation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Continued {
    /// The place.
    pub place: SealedContinuation,
    /// The run that left it, and with it the cases that it left open.
    pub run: RunId,
    /// When the last whole listing began.
    pub reconciled_at: DateTime<Utc>,
}
