//! A message to send, and what it says.

use chrono::{DateTime, Utc};
use serde_json::Value;
use store::{Event, EventId, StoreError, UnknownEvent};
use uuid::Uuid;

use crate::EngineError;

/// A message to send.
pub(super) struct Outgoing {
    /// For the list, should it not be in there yet.
    pub(super) id: Uuid,
    pub(super) event: EventId,
    /// The event comes first of its kind after this place of the feed.
    pub(super) after: EventId,
    pub(super) kind: String,
    /// How often it was tried before.
    pub(super) attempts: u32,
    pub(super) content: Content,
}

/// What a message says.
pub(super) enum Content {
    /// When it happened, and the event as the API shows it.
    Told(DateTime<Utc>, Value),
    /// The feed has the event no more.
    Gone,
    /// Only a newer program can tell.
    Unknown,
}

impl Outgoing {
    pub(super) fn new(event: &Event, after: EventId) -> Result<Self, EngineError> {
        let content = Content::of(event)?;
        Ok(Self::first(event.id, after, event.kind.as_str().to_owned(), content))
    }

    pub(super) fn unknown(event: UnknownEvent, after: EventId) -> Self {
        Self::first(event.id, after, event.kind, Content::Unknown)
    }

    fn first(event: EventId, after: EventId, kind: String, content: Content) -> Self {
        Self { id: Uuid::now_v7(), event, after, kind, attempts: 0, content }
    }
}

impl Content {
    pub(super) fn of(event: &Event) -> Result<Self, EngineError> {
        let data = serde_json::to_value(event).map_err(|error| StoreError::Database(Box::new(error)))?;
        Ok(Self::Told(event.at, data))
    }
}
