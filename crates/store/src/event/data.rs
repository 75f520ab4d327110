//! What events tell.

use std::fmt;

use directory_core::{Action, Counts, ExternalId, HoldReason, LocalUser, UserId, UserStatus, Values};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Value, json};

use super::EventKind;
use crate::{ChangeRecord, RunError, RunMode, RunStatus, Trigger};

/// What there is to tell of an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum EventData {
    /// Of the kinds `user.…`.
    User(Box<UserEvent>),
    /// Of the kinds `run.…`.
    Run(Box<RunEvent>),
    /// Of `connection.quarantined`.
    Quarantine(QuarantineEvent),
}

impl EventData {
    /// What is stored of an event of this kind; `None` when it cannot be read.
    #[must_use]
    pub fn parse(kind: EventKind, json: &str) -> Option<Self> {
        match kind {
            EventKind::UserCreated
            | EventKind::UserUpdated
            | EventKind::UserDeactivated
            | EventKind::UserReactivated
            | EventKind::UserLinked
            | EventKind::UserUnlinked => serde_json::from_str(json).map(Self::User),
            EventKind::RunFinished | EventKind::RunHeld => serde_json::from_str(json).map(Self::Run),
            EventKind::ConnectionQuarantined => serde_json::from_str(json).map(Self::Quarantine),
        }
        .ok()
    }
}

/// A user that changed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UserEvent {
    /// The user.
    #[serde(rename = "userId")]
    pub user: UserId,
    /// The directory user that it is, or was until now, linked to.
    pub external_id: Option<ExternalId>,
    /// The address that it has from here on.
    pub email: Option<String>,
    /// The status that it has from here on; `None` where it is what it was.
    pub status: Option<UserStatus>,
    /// The changed attributes' old values; empty of a new user.
    #[serde(with = "values")]
    pub before: Values,
    /// Their new values.
    #[serde(with = "values")]
    pub after: Values,
}

impl fmt::Debug for UserEvent {
    /// Leaves out what is personal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserEvent")
            .field("user", &self.user)
            .field("external_id", &self.external_id)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

impl UserEvent {
    /// The one event that an applied change is. `None` of what cannot have been applied.
    #[must_use]
    pub fn of(change: ChangeRecord) -> Option<(EventKind, Self)> {
        let ChangeRecord { action, user, external_id, email, before, after, .. } = change;
        let kind = kind_of(action, &before, &after)?;
        let email = after.email.clone().or(email);
        Some((kind, Self { user: user?, external_id, email, status: after.status, before, after }))
    }

    /// A person linked the user, or unlinked it.
    #[must_use]
    pub fn link(before: &LocalUser, after: &LocalUser) -> Self {
        let external_id = |user: &LocalUser| user.link.as_ref().map(|link| link.external_id.clone());
        let values = |user: &LocalUser| Values {
            external_id: Some(external_id(user).map(|id| id.as_str().to_owned())),
            ..Values::default()
        };
        Self {
            user: after.id,
            external_id: external_id(after).or_else(|| external_id(before)),
            email: Some(after.email.clone()),
            status: None,
            before: values(before),
            after: values(after),
        }
    }
}

fn kind_of(action: Action, before: &Values, after: &Values) -> Option<EventKind> {
    Some(match (action, after.status) {
        (Action::Conflict | Action::Protected, _) => return None,
        (Action::Create, _) => EventKind::UserCreated,
        (Action::Deactivate, _) | (_, Some(UserStatus::Inactive)) => EventKind::UserDeactivated,
        (Action::Reactivate, _) | (_, Some(UserStatus::Active)) => EventKind::UserReactivated,
        (Action::Link, None) if only_links(before) && only_links(after) => EventKind::UserLinked,
        (Action::Link | Action::Update, None) => EventKind::UserUpdated,
    })
}

fn only_links(values: &Values) -> bool {
    Values { external_id: None, ..values.clone() }.is_empty()
}

/// A run that ended, or is held, as it was at that moment. As JSON it has the members of the API's run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunEvent {
    /// How it ended, or `held`.
    pub status: RunStatus,
    /// How it read the directory.
    pub mode: RunMode,
    /// What started it.
    pub trigger: Trigger,
    /// It was to change nothing.
    pub dry_run: bool,
    /// See [`crate::Run::counts`].
    pub counts: Counts,
    /// Why it is, or was, held.
    #[serde(serialize_with = "with_messages")]
    pub hold: Vec<HoldReason>,
    /// Why it failed.
    pub error: Option<RunError>,
}

/// A connection that has to be mended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuarantineEvent {
    /// What to do.
    pub reason: Option<String>,
}

/// `{"reasons":[{"code":…,"message":…}]}`, or null where there are none, as the API shows it of a run.
fn with_messages<S: Serializer>(hold: &[HoldReason], serializer: S) -> Result<S::Ok, S::Error> {
    let mut reasons = Vec::new();
    for reason in hold {
        let mut shown = serde_json::to_value(reason).map_err(<S::Error as serde::ser::Error>::custom)?;
        if let Value::Object(members) = &mut shown {
            members.insert("message".to_owned(), reason.message().into());
        }
        reasons.push(shown);
    }
    (!reasons.is_empty()).then(|| json!({ "reasons": reasons })).serialize(serializer)
}

/// Null where nothing is said, as the API shows it of a change.
mod values {
    use super::{Deserialize, Deserializer, Serialize, Serializer, Values};

    pub(super) fn serialize<S: Serializer>(values: &Values, serializer: S) -> Result<S::Ok, S::Error> {
        (!values.is_empty()).then_some(values).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Values, D::Error> {
        Ok(Option::deserialize(deserializer)?.unwrap_or_default())
    }
}
