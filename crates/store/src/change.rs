//! The staged plan, which is also the history.

use std::fmt;

use directory_core::{Action, Change, ChangeCode, ExternalId, Rival, UserId, Values};
use serde::{Deserialize, Serialize};

/// What became of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Not applied, or not yet. Conflicts and protected users stay so.
    Planned,
    /// Written to the users table.
    Applied,
    /// A person turned it down.
    Rejected,
    /// The user had moved on since the plan; the next run plans it again.
    Stale,
    /// Writing it failed.
    Failed,
}

impl Outcome {
    /// The word in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Applied => "applied",
            Self::Rejected => "rejected",
            Self::Stale => "stale",
            Self::Failed => "failed",
        }
    }
}

/// A change to stage, and the id that its user will have where it makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewChange {
    /// What the engine planned.
    pub change: Change,
    /// For a creation: the new user's id, chosen now so that applying again is the same write. Otherwise `None`.
    pub new_user: Option<UserId>,
}

/// What one page of the listing adds to the staged plan, and takes back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StagedPage {
    /// Positions of changes that no longer hold.
    pub retracted: Vec<u32>,
    /// New changes.
    pub changes: Vec<NewChange>,
}

/// A line of a run's history.
#[derive(Clone, PartialEq, Eq)]
pub struct ChangeRecord {
    /// Position in the plan.
    pub seq: u32,
    /// What it does.
    pub action: Action,
    /// What became of it.
    pub outcome: Outcome,
    /// The local user; of a creation, the id that the user has once it is applied.
    pub user: Option<UserId>,
    /// The version that the plan saw.
    pub user_version: Option<i64>,
    /// The directory user.
    pub external_id: Option<ExternalId>,
    /// The address to recognise the user by.
    pub email: Option<String>,
    /// Old values.
    pub before: Values,
    /// New values.
    pub after: Values,
    /// Why it was refused.
    pub code: Option<ChangeCode>,
    /// Of a conflict: who stands in the way. Of any other change it means nothing.
    pub rival: Option<Rival>,
}

impl fmt::Debug for ChangeRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChangeRecord")
            .field("seq", &self.seq)
            .field("action", &self.action)
            .field("outcome", &self.outcome)
            .field("user", &self.user)
            .field("user_version", &self.user_version)
            .field("external_id", &self.external_id)
            .field("code", &self.code)
            .finish_non_exhaustive()
    }
}

/// Which changes to list; `None` is any.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChangeFilter {
    /// With this action.
    pub action: Option<Action>,
    /// With this outcome.
    pub outcome: Option<Outcome>,
}
