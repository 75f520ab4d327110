//! The feed: what changed, in order and again from any point, for other services.

mod data;
pub mod feed;
mod id;

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use directory_core::{ConnectionId, RunId, TenantId};
use serde::{Deserialize, Serialize};

pub use self::{
    data::{EventData, QuarantineEvent, RunEvent, UserEvent},
    id::{EventId, NoEventId},
};
use crate::StoreError;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum EventKind {
    /// Sync made a user.
    #[serde(rename = "user.created")]
    UserCreated,
    /// Sync changed a user's attributes, be it that it linked the user as well.
    #[serde(rename = "user.updated")]
    UserUpdated,
    /// A user became inactive, whatever else changed.
    #[serde(rename = "user.deactivated")]
    UserDeactivated,
    /// A user became active again, whatever else changed.
    #[serde(rename = "user.reactivated")]
    UserReactivated,
    /// A local user was linked to a directory user, by sync or by a person, and nothing else of it changed.
    #[serde(rename = "user.linked")]
    UserLinked,
    /// A person unlinked a user.
    #[serde(rename = "user.unlinked")]
    UserUnlinked,
    /// A run ended, in whatever way. Each run does so once.
    #[serde(rename = "run.finished")]
    RunFinished,
    /// A run's plan waits for a person.
    #[serde(rename = "run.held")]
    RunHeld,
    /// A connection has to be mended.
    #[serde(rename = "connection.quarantined")]
    ConnectionQuarantined,
}

impl EventKind {
    /// Every kind.
    pub const ALL: [Self; 9] = [
        Self::UserCreated,
        Self::UserUpdated,
        Self::UserDeactivated,
        Self::UserReactivated,
        Self::UserLinked,
        Self::UserUnlinked,
        Self::RunFinished,
        Self::RunHeld,
        Self::ConnectionQuarantined,
    ];

    /// The word in the database and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UserCreated => "user.created",
            Self::UserUpdated => "user.updated",
            Self::UserDeactivated => "user.deactivated",
            Self::UserReactivated => "user.reactivated",
            Self::UserLinked => "user.linked",
            Self::UserUnlinked => "user.unlinked",
            Self::RunFinished => "run.finished",
            Self::RunHeld => "run.held",
            Self::ConnectionQuarantined => "connection.quarantined",
        }
    }

    /// The kind of this word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// A choice of kinds that was stored: those that this program knows, and the words of the others.
    #[must_use]
    pub fn parse_choice(words: Option<Vec<String>>) -> (Option<Vec<Self>>, Vec<String>) {
        let Some(words) = words else { return (None, Vec::new()) };
        let unknown = words.iter().filter(|word| Self::parse(word).is_none()).cloned().collect();
        (Some(words.iter().filter_map(|word| Self::parse(word)).collect()), unknown)
    }
}

/// Something that happened. As JSON it is what the API shows: `{id, type, at, connectionId, runId, data}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// Unique, and the same however often the event is read. Reading goes on after it.
    pub id: EventId,
    /// Whose it is.
    #[serde(skip)]
    pub tenant: TenantId,
    /// What happened.
    #[serde(rename = "type")]
    pub kind: EventKind,
    /// When, by the database's clock. Not what events are ordered by.
    pub at: DateTime<Utc>,
    /// Of which connection. It may have been deleted since.
    #[serde(rename = "connectionId")]
    pub connection: ConnectionId,
    /// Of which run, where it is of one.
    #[serde(rename = "runId")]
    pub run: Option<RunId>,
    /// What there is to tell.
    pub data: EventData,
}

/// Which events to read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// Of these kinds; empty is any.
    pub kinds: Vec<EventKind>,
}

/// An event of a kind that this program does not know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownEvent {
    /// See [`Event::id`].
    pub id: EventId,
    /// The newer program's word.
    pub kind: String,
}

/// A page of the feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventPage {
    /// Oldest first. Fewer than were asked for, or none, where the filter leaves many out.
    pub events: Vec<Event>,
    /// What a newer program wrote between them, oldest first, where any kind was asked for. It counts as read.
    pub unknown: Vec<UnknownEvent>,
    /// Where to read on, be there an event or none.
    pub next: EventId,
    /// Whether there may be more to read right now.
    pub more: bool,
}

/// What reading the feed answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Feed {
    /// The next events.
    Page(EventPage),
    /// Some that came after were deleted for their age, or the database is an older one than was read before: who goes on
    /// would miss something, and has to look at the users themselves, and then begin at [`Events::latest_event`].
    Gone,
}

/// The feed. Each change and its event are written in one transaction. What a reader has passed nothing is added to:
/// however transactions overlap, no event is skipped and none comes twice.
#[async_trait]
pub trait Events: Send + Sync {
    /// A tenant's events after one of them, oldest first; after `None`, from the oldest that is kept.
    async fn events(
        &self,
        tenant: TenantId,
        after: Option<EventId>,
        filter: &EventFilter,
        limit: u32,
    ) -> Result<Feed, StoreError>;

    /// Where a tenant's feed ends now: read after it, for what is to come.
    async fn latest_event(&self, tenant: TenantId) -> Result<EventId, StoreError>;

    /// Deletes up to `limit` stored entries, each of which may be many events, that are older than `age`; the oldest first, and
    /// many tenants' at once. Whether there may be more to delete.
    async fn delete_old_events(&self, age: Duration, limit: u32) -> Result<bool, StoreError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_keeps_the_words_of_others() {
        assert_eq!(EventKind::parse_choice(None), (None, vec![]));
        let words = ["user.renamed", "run.held"].map(str::to_owned).to_vec();
        assert_eq!(
            EventKind::parse_choice(Some(words)),
            (Some(vec![EventKind::RunHeld]), vec!["user.renamed".to_owned()])
        );
    }

    #[test]
    fn every_kind_has_a_word_which_is_its_json_too() {
        for kind in EventKind::ALL {
            assert_eq!(EventKind::parse(kind.as_str()), Some(kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
        assert_eq!(EventKind::parse("users"), None);
    }
}
