//! Webhooks as they are shown, and what may be sent about them.

use std::{fmt, str::FromStr};

use chrono::{DateTime, Utc};
use directory_core::{TenantId, normalise};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use store::{Delivery, DeliveryState, EventId, EventKind, Replay, TokenRole, Webhook, WebhookState, WebhookUpdate};
use sync_engine::webhooks::{WebhookOutcome, WebhookRegistration};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    model::{
        FieldError,
        input::{self, Checked, Collect},
    },
    openapi::{DeliveryStateWord, DescriptionText, EventIdText, EventKindWord, WebhookStateWord, WebhookUrlText},
};

pub(crate) const MAX_URL_CHARS: usize = 2_048;
pub(crate) const MAX_DESCRIPTION_CHARS: usize = 500;

/// A webhook, without its secret.
#[derive(Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Webhook)]
pub struct WebhookView {
    /// Of the webhook.
    pub id: Uuid,
    /// Where messages go. To whoever may not change webhooks it is shown without its query, which may hold a key of the receiver's.
    pub url: String,
    /// What it is for.
    #[schema(required)]
    pub description: Option<String>,
    /// Which events it wants; null is all of them, those of types to come too.
    #[schema(value_type = Option<Vec<EventKindWord>>, required)]
    pub event_types: Option<Vec<EventKind>>,
    /// Whether it is sent to.
    #[schema(value_type = WebhookStateWord)]
    pub state: WebhookState,
    /// Why it is not, where nobody asked for that.
    #[schema(required)]
    pub state_reason: Option<String>,
    /// The event up to which the feed was handed on.
    #[schema(value_type = EventIdText)]
    pub cursor: EventId,
    /// Messages that did not arrive and are tried again.
    pub pending_deliveries: u64,
    /// Messages that were given up.
    pub dead_deliveries: u64,
    /// When its secret was made.
    pub secret_created_at: DateTime<Utc>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

impl fmt::Debug for WebhookView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookView").field("id", &self.id).field("state", &self.state).finish_non_exhaustive()
    }
}

impl From<Webhook> for WebhookView {
    fn from(webhook: Webhook) -> Self {
        Self {
            id: webhook.id,
            url: webhook.url,
            description: webhook.description,
            event_types: webhook.kinds,
            state: webhook.state,
            state_reason: webhook.state_reason,
            cursor: webhook.cursor,
            pending_deliveries: webhook.pending,
            dead_deliveries: webhook.dead,
            secret_created_at: webhook.secret_created_at,
            created_at: webhook.created_at,
            updated_at: webhook.updated_at,
        }
    }
}

impl WebhookView {
    /// As it is shown to somebody with this role.
    #[must_use]
    pub fn for_role(webhook: Webhook, role: TokenRole) -> Self {
        match role {
            TokenRole::Admin => webhook.into(),
            TokenRole::Viewer => Self { url: webhook.bare_url().to_owned(), ..webhook.into() },
        }
    }
}

/// A webhook, and its new secret, which is shown this once.
#[derive(Serialize, ToSchema)]
#[schema(as = WebhookWithSecret)]
pub struct WebhookSecretView {
    /// The webhook.
    pub webhook: WebhookView,
    /// `whsec_` and base64: what its messages are signed with from now on.
    pub secret: String,
}

impl WebhookSecretView {
    /// Shows the secret.
    #[must_use]
    pub fn new(webhook: Webhook, secret: &SecretString) -> Self {
        Self { webhook: webhook.into(), secret: secret.expose_secret().to_owned() }
    }
}

impl fmt::Debug for WebhookSecretView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookSecretView").field("webhook", &self.webhook).finish_non_exhaustive()
    }
}

/// A message that did not arrive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Delivery)]
pub struct DeliveryView {
    /// Of the delivery.
    pub id: Uuid,
    /// The event that it is about, which is the message's `webhook-id`.
    #[schema(value_type = EventIdText)]
    pub event_id: EventId,
    /// What happened.
    pub event_type: String,
    /// What becomes of it.
    #[schema(value_type = DeliveryStateWord)]
    pub state: DeliveryState,
    /// How often it was tried.
    pub attempts: u32,
    /// When it is tried again; null of one that was given up.
    #[schema(required)]
    pub next_attempt_at: Option<DateTime<Utc>>,
    /// The status of the last answer, if there was one.
    #[schema(required)]
    pub last_status: Option<u16>,
    /// A word for why it failed last: `status`, `gone`, `connect`, `tls`, `timeout`, `cut`, `name_not_found`, `address_refused`,
    /// `event_gone` where the feed has the event no more, or `unknown_type` where only a newer version of this service can tell of it.
    pub last_code: String,
    /// When it failed first.
    pub created_at: DateTime<Utc>,
    /// When it failed last.
    pub failed_at: DateTime<Utc>,
}

impl From<Delivery> for DeliveryView {
    fn from(delivery: Delivery) -> Self {
        Self {
            id: delivery.id,
            event_id: delivery.event,
            event_type: delivery.kind,
            state: delivery.state,
            attempts: delivery.attempts,
            next_attempt_at: delivery.next_attempt_at,
            last_status: delivery.last_status,
            last_code: delivery.last_code,
            created_at: delivery.created_at,
            failed_at: delivery.failed_at,
        }
    }
}

/// What came of a message of the type `webhook.test`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = WebhookTest)]
pub struct WebhookTestView {
    /// Whether it arrived.
    pub ok: bool,
    /// The answer's status, if there was an answer.
    #[schema(required)]
    pub status: Option<u16>,
    /// A word for what went wrong; see `lastCode` of a delivery.
    #[schema(required)]
    pub code: Option<String>,
    /// The same as a sentence.
    #[schema(required)]
    pub message: Option<String>,
}

impl From<WebhookOutcome> for WebhookTestView {
    fn from(outcome: WebhookOutcome) -> Self {
        let failed = |status, code: String, message: String| Self {
            ok: false,
            status,
            code: Some(code),
            message: Some(message),
        };
        match outcome {
            WebhookOutcome::Delivered { status } => Self { ok: true, status: Some(status), code: None, message: None },
            WebhookOutcome::Gone => failed(
                Some(410),
                "gone".to_owned(),
                "the receiver answered 410: it wants no messages at this address".to_owned(),
            ),
            WebhookOutcome::Failed { status, code, message, .. } => failed(status, code, message),
        }
    }
}

/// A webhook to make, as it was sent.
#[derive(Clone, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewWebhook)]
pub struct WebhookInput {
    /// Required: where messages go.
    #[schema(value_type = WebhookUrlText, required)]
    pub url: Option<String>,
    /// What it is for.
    #[schema(value_type = Option<DescriptionText>)]
    pub description: Option<String>,
    /// Which events it wants; all of them unless said.
    #[schema(value_type = Option<Vec<EventKindWord>>, min_items = 1, max_items = 9)]
    pub event_types: Option<Vec<String>>,
}

impl WebhookInput {
    /// The webhook that this asks for, or everything that is wrong with it. `fault` says why an address is refused.
    pub fn into_registration(
        self,
        tenant: TenantId,
        fault: impl Fn(&str) -> Option<String>,
    ) -> Result<WebhookRegistration, Vec<FieldError>> {
        let mut collect = Collect::default();
        let url = collect.required("/url", self.url.as_deref(), |text| address(text, &fault));
        let description = collect.optional("/description", self.description.as_deref(), note);
        let kinds = kinds(&mut collect, self.event_types);
        let Some(url) = url else { return Err(collect.into_errors()) };
        collect.finish(WebhookRegistration { tenant, url, description, kinds })
    }
}

/// Changes of a webhook, as they were sent. What is left out stays as it is.
#[derive(Clone, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WebhookPatch {
    /// Where messages go.
    #[serde(default, deserialize_with = "input::not_null")]
    #[schema(value_type = WebhookUrlText, required = false)]
    pub url: Option<String>,
    /// What it is for; null is nothing.
    #[serde(default, deserialize_with = "input::null_is_a_value")]
    #[schema(value_type = Option<DescriptionText>)]
    pub description: Option<Option<String>>,
    /// Which events it wants; null is all of them.
    #[serde(default, deserialize_with = "input::null_is_a_value")]
    #[schema(value_type = Option<Vec<EventKindWord>>, min_items = 1, max_items = 9)]
    pub event_types: Option<Option<Vec<String>>>,
    /// Whether it is sent to.
    #[serde(default, deserialize_with = "input::not_null")]
    #[schema(value_type = bool, required = false)]
    pub enabled: Option<bool>,
}

impl WebhookPatch {
    /// What `current` becomes, or everything that is wrong with the changes.
    pub fn resolve(
        &self,
        current: &Webhook,
        fault: impl Fn(&str) -> Option<String>,
    ) -> Result<WebhookUpdate, Vec<FieldError>> {
        let mut collect = Collect::default();
        let mut update = as_it_is(current);
        if let Some(url) = collect.optional("/url", self.url.as_deref(), |text| address(text, &fault)) {
            update.url = url;
        }
        if let Some(description) = &self.description {
            update.description = collect.optional("/description", description.as_deref(), note);
        }
        if let Some(types) = &self.event_types {
            update.kinds = kinds(&mut collect, types.clone());
        }
        update.enabled = self.enabled.unwrap_or(update.enabled);
        collect.finish(update)
    }
}

/// The update that changes nothing.
pub(crate) fn as_it_is(current: &Webhook) -> WebhookUpdate {
    WebhookUpdate {
        url: current.url.clone(),
        description: current.description.clone(),
        kinds: current.kinds.clone(),
        enabled: current.state == WebhookState::Enabled,
    }
}

/// What to send again.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Replay)]
pub struct ReplayInput {
    /// Every event after this one, whether it arrived or not; without it, every message that was given up.
    #[schema(value_type = Option<EventIdText>)]
    pub after: Option<String>,
}

impl ReplayInput {
    /// What is asked for.
    pub fn into_replay(self) -> Result<Replay, Vec<FieldError>> {
        let mut collect = Collect::default();
        let after = collect.optional("/after", self.after.as_deref(), |text| {
            EventId::from_str(text).map_err(|_| "must be the id of an event".into())
        });
        collect.finish(after.map_or(Replay::Dead, Replay::After))
    }
}

/// What is sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Replayed)]
pub struct ReplayedView {
    /// How many messages of the list. Events of the feed are not counted beforehand.
    pub deliveries: u64,
}

fn address(text: &str, fault: impl Fn(&str) -> Option<String>) -> Checked<String> {
    if text.len() > MAX_URL_CHARS {
        return Err(format!("must be at most {MAX_URL_CHARS} bytes").into());
    }
    if text.contains(char::is_control) {
        return Err("must have no control characters".into());
    }
    match fault(text) {
        Some(fault) => Err(fault.into()),
        None => Ok(text.to_owned()),
    }
}

fn note(text: &str) -> Checked<String> {
    let description = normalise(text).filter(|text| text.chars().count() <= MAX_DESCRIPTION_CHARS);
    match description {
        Some(description) if !text.contains(char::is_control) => Ok(description.into_owned()),
        _ => Err("must be 1 to 500 characters without control characters".into()),
    }
}

/// All of them, unless some are named. Naming none could be meant either way.
fn kinds(collect: &mut Collect, words: Option<Vec<String>>) -> Option<Vec<EventKind>> {
    if words.as_ref().is_some_and(Vec::is_empty) {
        collect.refuse("/eventTypes", "must have an item at least; null is all of them");
    }
    collect.each("/eventTypes", EventKind::ALL.len(), words, kind)
}

fn kind(word: &str) -> Checked<EventKind> {
    EventKind::parse(word).ok_or_else(|| "must be a type of event, `user.created` say".into())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_type_may_be_named_as_the_document_says() {
        assert_eq!(EventKind::ALL.len(), 9, "`max_items` of both forms");
    }

    fn webhook(url: &str) -> Webhook {
        Webhook {
            id: Uuid::nil(),
            tenant: TenantId(Uuid::nil()),
            url: url.to_owned(),
            description: None,
            kinds: None,
            unknown_kinds: Vec::new(),
            state: WebhookState::Enabled,
            state_reason: None,
            cursor: EventId::START,
            secret_created_at: DateTime::UNIX_EPOCH,
            pending: 0,
            dead: 0,
            created_at: DateTime::UNIX_EPOCH,
            updated_at: DateTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn a_viewer_sees_no_query() {
        for url in ["https://a.example/in?code=7", "https://a.example/in#7", "https://a.example/in?#?"] {
            let seen = |role| WebhookView::for_role(webhook(url), role).url;
            assert_eq!(
                (seen(TokenRole::Admin).as_str(), seen(TokenRole::Viewer).as_str()),
                (url, "https://a.example/in")
            );
        }
    }

    fn complaints<T>(checked: Result<T, Vec<FieldError>>) -> Vec<String> {
        checked.err().unwrap_or_default().into_iter().map(|error| error.pointer).collect()
    }

    #[test]
    fn to_want_no_events_is_refused_and_to_name_none_is_all() {
        for (types, refused) in [(json!([]), true), (json!(null), false), (json!(["run.held"]), false)] {
            let new = json!({"url": "https://a.example", "eventTypes": types});
            let new: WebhookInput = serde_json::from_value(new).unwrap();
            let complaint = if refused { vec!["/eventTypes".to_owned()] } else { Vec::new() };
            assert_eq!(complaints(new.into_registration(TenantId(Uuid::nil()), |_| None)), complaint, "{types}");
            let patch: WebhookPatch = serde_json::from_value(json!({"eventTypes": types})).unwrap();
            assert_eq!(complaints(patch.resolve(&webhook("https://a.example"), |_| None)), complaint, "{types}");
        }
    }
}
