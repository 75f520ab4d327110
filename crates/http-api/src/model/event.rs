//! Events as they are shown.

use chrono::{DateTime, Utc};
use directory_core::{ConnectionId, RunId};
use serde::Serialize;
use store::{Event, EventData, EventId, EventKind, EventPage};
use utoipa::ToSchema;

use crate::openapi::{EventDataShape, EventIdText, EventKindWord};

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Event)]
pub struct EventView {
    /// The same however often the event is read. Events can be read after it.
    #[schema(value_type = EventIdText)]
    pub id: EventId,
    /// What happened.
    #[serde(rename = "type")]
    #[schema(value_type = EventKindWord)]
    pub kind: EventKind,
    /// When. Not what events are ordered by.
    pub at: DateTime<Utc>,
    /// Of which connection. It may have been deleted since.
    #[schema(value_type = Uuid)]
    pub connection_id: ConnectionId,
    /// Of which run; null where it is of none.
    #[schema(value_type = Option<Uuid>, required)]
    pub run_id: Option<RunId>,
    /// What there is to tell.
    #[schema(value_type = EventDataShape)]
    pub data: EventData,
}

/// A page of events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = EventPage)]
pub struct EventPageView {
    /// Oldest first. Fewer than `limit`, or none, where `types` leaves many out.
    pub items: Vec<EventView>,
    /// Where to go on, be there an item or none.
    #[schema(value_type = EventIdText)]
    pub next_cursor: EventId,
    /// Whether there may be more right now. If not, ask again after a while.
    pub has_more: bool,
}

impl From<Event> for EventView {
    fn from(event: Event) -> Self {
        let Event { id, tenant: _, kind, at, connection, run, data } = event;
        Self { id, kind, at, connection_id: connection, run_id: run, data }
    }
}

impl From<EventPage> for EventPageView {
    fn from(page: EventPage) -> Self {
        // Nobody asked for what this version does not know.
        let EventPage { events, unknown: _, next, more } = page;
        Self { items: events.into_iter().map(EventView::from).collect(), next_cursor: next, has_more: more }
    }
}

#[cfg(test)]
mod tests {
    use directory_core::{ExternalId, Values};
    use serde_json::json;
    use store::UserEvent;
    use uuid::Uuid;

    use super::*;

    const ID: Uuid = Uuid::from_u128(0x0189_0a5d_ac96_774b_bcce_b302_099a_8057);

    /// Webhooks and embedding code have the JSON of the store's own type.
    #[test]
    fn an_event_is_shown_as_the_store_writes_it() {
        let user = UserEvent {
            user: ID.into(),
            external_id: ExternalId::parse("e1"),
            email: Some("ada@example.org".to_owned()),
            status: None,
            before: Values::default(),
            after: Values { given_name: Some(None), ..Values::default() },
        };
        let event = Event {
            id: EventId::within(ID, 7),
            tenant: ID.into(),
            kind: EventKind::UserUpdated,
            at: "2026-01-02T03:04:05Z".parse().unwrap(),
            connection: ID.into(),
            run: None,
            data: EventData::User(Box::new(user)),
        };
        let shown = serde_json::to_value(EventView::from(event.clone())).unwrap();
        assert_eq!(shown, serde_json::to_value(event).unwrap());
        let id = ID.to_string();
        let expected = json!({
            "id": "evt_01890a5dac96774bbcceb302099a8057_7", "type": "user.updated", "at": "2026-01-02T03:04:05Z",
            "connectionId": id, "runId": null,
            "data": {
                "userId": id, "externalId": "e1", "email": "ada@example.org", "status": null, "before": null,
                "after": {"givenName": null},
            },
        });
        assert_eq!(shown, expected);
    }
}
