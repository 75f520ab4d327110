//! One line of a plan.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{ChangeCode, ExternalId, UserId, Values};

/// What a change does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Makes a user.
    Create,
    /// Ties a local user to a directory user, and brings it up to date.
    Link,
    /// Brings attributes up to date.
    Update,
    /// Makes a user inactive, and brings it up to date.
    Deactivate,
    /// Makes a user active again, and brings it up to date.
    Reactivate,
    /// Refused; a person has to decide.
    Conflict,
    /// Refused on purpose.
    Protected,
}

impl Action {
    /// The word in the database and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Link => "link",
            Self::Update => "update",
            Self::Deactivate => "deactivate",
            Self::Reactivate => "reactivate",
            Self::Conflict => "conflict",
            Self::Protected => "protected",
        }
    }

    /// Whether there is anything to apply.
    #[must_use]
    pub fn is_applicable(self) -> bool {
        !matches!(self, Self::Conflict | Self::Protected)
    }
}

/// The local user that a change is about, as the plan saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// Primary key.
    pub user: UserId,
    /// The version that must still stand when the change is applied.
    pub version: i64,
}

/// Who stands in the way of a refused change: a local user, a directory user, or one that is both.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rival {
    /// The local user, where there is one.
    pub user: Option<UserId>,
    /// Its id in the connection's directory, where it has one.
    pub external_id: Option<ExternalId>,
}

/// One line of a plan. It is complete: applying it takes no further decision.
#[derive(Clone, PartialEq, Eq)]
pub struct Change {
    /// Position in the plan, from 1, without meaning beyond being unique; gaps are possible.
    pub seq: u32,
    /// What it does.
    pub action: Action,
    /// The existing user; `None` for a creation, and for a refusal that concerns no local user.
    pub target: Option<Target>,
    /// The directory user; `None` only for a record that had no id.
    pub external_id: Option<ExternalId>,
    /// The address by which an administrator recognises the user.
    pub email: Option<String>,
    /// The changed attributes' old values; empty for a creation.
    pub before: Values,
    /// Their new values.
    pub after: Values,
    /// Why it was refused.
    pub code: Option<ChangeCode>,
    /// Who has the address that the change wants, as far as one page can tell. It matters if the change is refused.
    pub rival: Option<Rival>,
    /// Whether an active user becomes inactive.
    pub deactivates: bool,
}

impl fmt::Debug for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Change")
            .field("seq", &self.seq)
            .field("action", &self.action)
            .field("target", &self.target)
            .field("external_id", &self.external_id)
            .field("code", &self.code)
            .field("deactivates", &self.deactivates)
            .finish_non_exhaustive()
    }
}

/// A correction of a change that was staged before the listing had told everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amendment {
    /// The change is refused as a whole: its action becomes [`Action::Conflict`] or [`Action::Protected`] and it no
    /// longer deactivates anybody.
    Refuse {
        /// The change.
        seq: u32,
        /// `Conflict` or `Protected`.
        action: Action,
        /// Why.
        code: ChangeCode,
        /// The change of the user who stands in the way; `None` leaves the change's own [`Rival`], if it has one.
        rival: Option<u32>,
    },
    /// The change keeps everything but the e-mail address, which becomes a conflict line of its own. The change is then
    /// known by the address that its user has and keeps.
    SplitEmail {
        /// The change.
        seq: u32,
        /// The new line's position.
        conflict_seq: u32,
        /// Why.
        code: ChangeCode,
        /// As of a refusal, for the new line.
        rival: Option<u32>,
    },
    /// The change moves an address that another change frees: all entangled changes of a plan are applied in one
    /// transaction.
    Entangle {
        /// The change.
        seq: u32,
    },
}
