//! Messages that did not arrive, and the lease under which they are sent.

use chrono::{DateTime, Utc};
use directory_core::TenantId;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{SealedWebhookSecret, Webhook};
use crate::EventId;

/// What becomes of a message that did not arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeliveryState {
    /// It is tried again.
    Pending,
    /// It is not, unless somebody asks for it.
    Dead,
}

impl DeliveryState {
    /// The word in the database and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Dead => "dead",
        }
    }

    /// The state of this word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Pending, Self::Dead].into_iter().find(|state| state.as_str() == word)
    }
}

/// A message that has failed at least once. What it says is not here: it is made of the feed's event each time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Primary key; time-ordered.
    pub id: Uuid,
    /// The webhook.
    pub webhook: Uuid,
    /// The event that it is about, whose id is the message's.
    pub event: EventId,
    /// The event comes first of its kind after this place of the feed.
    pub after: EventId,
    /// What happened: one of [`crate::EventKind`]'s words, or of a newer program's.
    pub kind: String,
    /// See [`DeliveryState`].
    pub state: DeliveryState,
    /// How often it was tried, since it was last asked for.
    pub attempts: u32,
    /// When it is tried again, if it is pending.
    pub next_attempt_at: Option<DateTime<Utc>>,
    /// The status of the last answer, if there was one.
    pub last_status: Option<u16>,
    /// A word for why the last attempt failed.
    pub last_code: String,
    /// When it failed first.
    pub created_at: DateTime<Utc>,
    /// When it failed last.
    pub failed_at: DateTime<Utc>,
}

/// An attempt that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Attempt {
    /// For a message that is not in the list yet.
    pub id: Uuid,
    /// See [`Delivery::event`].
    pub event: EventId,
    /// See [`Delivery::after`].
    pub after: EventId,
    /// See [`Delivery::kind`].
    pub kind: String,
    /// How often it was tried, this time included.
    pub attempts: u32,
    /// When it is tried again; `None` gives it up.
    pub next_attempt_at: Option<DateTime<Utc>>,
    /// The answer's status, if there was an answer.
    pub status: Option<u16>,
    /// A word for what went wrong.
    pub code: String,
    /// When it failed.
    pub at: DateTime<Utc>,
}

/// How much is sent at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SendLimits {
    /// With so many messages pending a webhook is sent nothing new.
    pub pending: u32,
    /// So many of a tenant's webhooks are sent to, by all servers together.
    pub per_tenant: u32,
}

/// The right to send to a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WebhookLease {
    /// Whose webhook.
    pub tenant: TenantId,
    /// The webhook.
    pub webhook: Uuid,
    /// New with each lease.
    pub token: Uuid,
}

/// A webhook that was taken, and what its messages are signed with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeasedWebhook {
    /// The webhook as it is.
    pub webhook: Webhook,
    /// The newest first.
    pub secrets: Vec<SealedWebhookSecret>,
    /// The lease.
    pub lease: WebhookLease,
}

/// What came of sending some messages to a webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookRound {
    /// [`Webhook::updated_at`] as it was when the webhook was taken.
    pub seen: DateTime<Utc>,
    /// The cursor as it was before.
    pub from: EventId,
    /// The cursor as it is now. It is set only if nobody else moved it meanwhile.
    pub cursor: EventId,
    /// Whether that is the end of the feed, for now.
    pub caught_up: bool,
    /// Messages that arrived.
    pub delivered: Vec<EventId>,
    /// Messages that did not.
    pub failed: Vec<Attempt>,
    /// Why the webhook is not to be sent to any more.
    pub disable: Option<String>,
}

impl WebhookRound {
    /// When the first of the messages that did not arrive is tried again.
    #[must_use]
    pub fn next_attempt_at(&self) -> Option<DateTime<Utc>> {
        self.failed.iter().filter_map(|attempt| attempt.next_attempt_at).min()
    }
}

/// What is to be sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replay {
    /// One message of the list.
    One(Uuid),
    /// Every message that was given up.
    Dead,
    /// Every event after this one, whether it arrived or not.
    After(EventId),
}
