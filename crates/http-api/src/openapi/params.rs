//! Query parameters and headers that several routes take.
#![expect(dead_code, reason = "only their schemas are used")]

use utoipa::IntoParams;
use uuid::Uuid;

use super::{
    text::{CursorText, EmailText, EventPlaceText, EventTypesText, ExternalIdText},
    words::{ActionWord, AuditActionWord, DeliveryStateWord, OutcomeWord, UserStatusWord},
};

/// Of a list.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Page {
    /// How many items at most.
    #[param(value_type = u32, required = false, minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
    /// Where to go on.
    #[param(value_type = CursorText, required = false)]
    cursor: Option<CursorText>,
}

/// Which changes.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ChangesOf {
    /// Only those that do this.
    #[param(value_type = ActionWord, required = false)]
    action: Option<ActionWord>,
    /// Only those of which this became.
    #[param(value_type = OutcomeWord, required = false)]
    outcome: Option<OutcomeWord>,
}

/// Which entries of the audit log.
#[derive(IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub(crate) struct AuditOf {
    /// Only those of this action.
    #[param(value_type = AuditActionWord, required = false)]
    action: Option<AuditActionWord>,
    /// Only those of what was done to the connection, run, user, directory user, token or tenant of this id.
    #[param(value_type = ExternalIdText, required = false)]
    subject_id: Option<ExternalIdText>,
    /// Only those of what the token or person of this id did.
    #[param(value_type = ExternalIdText, required = false)]
    actor_id: Option<ExternalIdText>,
}

/// Which events.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct EventsOf {
    /// Only those after this place; without it, from the oldest that is kept. `latest` is the end.
    #[param(value_type = EventPlaceText, required = false)]
    after: Option<EventPlaceText>,
    /// Only those of these types.
    #[param(value_type = EventTypesText, required = false)]
    types: Option<EventTypesText>,
    /// How many items at most.
    #[param(value_type = u32, required = false, minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
}

/// Which messages.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct DeliveriesOf {
    /// Only those.
    #[param(value_type = DeliveryStateWord, required = false)]
    state: Option<DeliveryStateWord>,
}

/// Which users.
#[derive(IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub(crate) struct UsersOf {
    /// Only those linked to this connection.
    #[param(value_type = Uuid, required = false)]
    connection_id: Option<Uuid>,
    /// Only those.
    #[param(value_type = UserStatusWord, required = false)]
    status: Option<UserStatusWord>,
    /// Only the one with this address.
    #[param(value_type = EmailText, required = false)]
    email: Option<EmailText>,
}

/// How long to wait.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
pub(crate) struct Waiting {
    /// `wait=SECONDS` (RFC 7240), at most 60: answer once the run has ended, if it ends in time.
    #[param(value_type = String, required = false, example = "wait=5")]
    prefer: Option<String>,
}

/// Where an `EventSource` was.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
pub(crate) struct LastEvent {
    /// The `id` of the last event that was received; only what is new is sent.
    #[param(value_type = String, required = false, rename = "last-event-id")]
    last_event_id: Option<String>,
}

/// Whether to try a credential.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Verifying {
    /// `false`: set it without trying it first.
    #[param(value_type = bool, required = false, default = true)]
    verify: Option<bool>,
}
