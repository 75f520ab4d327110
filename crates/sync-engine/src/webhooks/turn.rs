//! A webhook's turn: what is due is tried again, and what is new is handed on.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::{StreamExt, stream};
use secrecy::SecretString;
use store::{
    Attempt, Delivery, Event, EventFilter, EventId, EventKind, Feed, LeasedWebhook, SendLimits, StoreError,
    UnknownEvent, Webhook, WebhookRound,
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    WebhookMessage, WebhookOutcome, WebhookSender,
    manage::open_secrets,
    next_attempt,
    outgoing::{Content, Outgoing},
};
use crate::{EngineError, SyncEngine, metrics};

/// With so many messages that wait to be tried again, nothing new is sent to a webhook: the feed keeps it.
pub const MOST_PENDING: u32 = 100;

/// Messages on their way to a webhook at a time. What came of them is noted together.
const AT_ONCE: u32 = 8;

/// How often messages are sent in one turn; then it is others' turn.
const ROUNDS: u32 = 32;

/// When it is others' turn all the same. A receiver that answers slowly would otherwise have a place for minutes.
const TURN: TimeDelta = TimeDelta::seconds(10);

/// How many of a tenant's webhooks are sent to at a time, by all servers: half of what one of them sends to.
const PER_TENANT: u32 = 2;

const GONE: &str = "The receiver answered 410: it wants no more messages at this address.";
const MISSED: &str = "Some events were deleted for their age before they could be sent. Read the users anew, and then enable the webhook: it is sent \
                      what happened since it was disabled.";

/// Why a message cannot be made any more.
const EVENT_GONE: &str = "event_gone";

/// Why a message cannot be made by this program.
const UNKNOWN_TYPE: &str = "unknown_type";

impl SyncEngine {
    /// Gives one webhook its turn, of whatever tenant, if there is one that something is to be sent to. Whether anything got further: if not,
    /// there is no hurry to ask again. `clock` says what time it is.
    pub async fn send_to_a_webhook(&self, clock: &Clock<'_>, stop: &CancellationToken) -> Result<bool, EngineError> {
        match self.take_webhook(clock()).await? {
            Some(leased) => self.send_to(leased, clock, stop).await,
            None => Ok(false),
        }
    }

    /// A webhook that something is to be sent to.
    pub(super) async fn take_webhook(&self, now: DateTime<Utc>) -> Result<Option<LeasedWebhook>, StoreError> {
        if self.webhooks.is_none() {
            return Ok(None);
        }
        let limits = SendLimits { pending: MOST_PENDING, per_tenant: PER_TENANT };
        self.store().lease_webhook(Uuid::now_v7(), self.options.lease, now, limits).await
    }

    /// Sends to a webhook for a while, and gives it back.
    pub(super) async fn send_to(
        &self,
        leased: LeasedWebhook,
        clock: &Clock<'_>,
        stop: &CancellationToken,
    ) -> Result<bool, EngineError> {
        let Some(sender) = self.webhooks.clone() else { return Ok(false) };
        let lease = leased.lease;
        let done = match Turn::new(self, sender, leased, clock) {
            Ok(turn) => turn.run(stop).await,
            Err(error) => Err(error),
        };
        // Else everybody would have to wait for the lease to pass.
        self.store().release_webhook(&lease).await?;
        done
    }
}

/// Says what time it is.
type Clock<'a> = dyn Fn() -> DateTime<Utc> + Sync + 'a;

struct Turn<'a> {
    engine: &'a SyncEngine,
    sender: Arc<dyn WebhookSender>,
    leased: LeasedWebhook,
    secrets: Vec<SecretString>,
    clock: &'a Clock<'a>,
    /// As it is by now.
    cursor: EventId,
    /// Messages that wait, those of this turn included.
    pending: u64,
}

/// What is left to do in a turn.
enum Left {
    Something,
    Nothing,
}

impl<'a> Turn<'a> {
    fn new(
        engine: &'a SyncEngine,
        sender: Arc<dyn WebhookSender>,
        leased: LeasedWebhook,
        clock: &'a Clock<'a>,
    ) -> Result<Self, EngineError> {
        let secrets = open_secrets(&engine.shared.keyring, &leased.secrets)?;
        let (cursor, pending) = (leased.webhook.cursor, leased.webhook.pending);
        Ok(Self { engine, sender, leased, secrets, clock, cursor, pending })
    }

    async fn run(mut self, stop: &CancellationToken) -> Result<bool, EngineError> {
        let end = (self.clock)() + TURN;
        let mut further = false;
        let mut left = self.try_again(&mut further).await?;
        for _ in 0..ROUNDS {
            if matches!(left, Left::Nothing) || stop.is_cancelled() || (self.clock)() >= end {
                break;
            }
            left = self.hand_on(&mut further).await?;
        }
        Ok(further)
    }

    /// Tries what is due.
    async fn try_again(&mut self, further: &mut bool) -> Result<Left, EngineError> {
        let webhook = self.webhook();
        let due = self.engine.store().due_deliveries(webhook.tenant, webhook.id, (self.clock)(), AT_ONCE).await?;
        if due.is_empty() {
            return Ok(Left::Something);
        }
        let mut messages = Vec::new();
        for delivery in due {
            messages.push(self.made_again(delivery).await?);
        }
        *further = true;
        let round = WebhookRound { cursor: self.cursor, ..self.send(messages).await };
        // The feed may have gone on meanwhile, but that is the next step's to find out.
        self.note(round).await
    }

    /// Sends what is new.
    async fn hand_on(&mut self, further: &mut bool) -> Result<Left, EngineError> {
        if self.pending >= u64::from(MOST_PENDING) {
            return Ok(Left::Nothing);
        }
        let page = match self.feed(self.cursor, &self.filter(), AT_ONCE).await? {
            Feed::Page(page) => page,
            Feed::Gone => return self.begin_anew().await,
        };
        *further |= page.next != self.cursor;
        let mut messages = self.to_tell(page.events)?;
        let told = messages.len();
        messages.extend(self.not_to_tell(page.unknown));
        let round = WebhookRound { cursor: page.next, caught_up: !page.more, ..self.send(messages).await };
        // Whoever does not answer is not to keep others waiting.
        let hopeless = told > 0 && round.delivered.is_empty();
        let left = self.note(round).await?;
        Ok(if page.more && !hopeless { left } else { Left::Nothing })
    }

    fn to_tell(&self, events: Vec<Event>) -> Result<Vec<Outgoing>, EngineError> {
        let mut after = self.cursor;
        let mut messages = Vec::new();
        for event in events {
            if self.webhook().wants(event.kind) {
                messages.push(Outgoing::new(&event, after)?);
            }
            after = event.id;
        }
        Ok(messages)
    }

    /// What a newer program wrote is not this one's to tell, and is not to be lost: it goes to the list, as a message that failed. The newer
    /// program finds it there when it is due, and sends it. If there is none any more, it is given up in the end, and that is told. Stopping in
    /// front of it instead would then stop the webhook for good.
    fn not_to_tell(&self, events: Vec<UnknownEvent>) -> Vec<Outgoing> {
        let mut after = self.cursor;
        let mut messages = Vec::new();
        for event in events {
            let id = event.id;
            if self.webhook().wants_unknown(&event.kind) {
                messages.push(Outgoing::unknown(event, after));
            }
            after = id;
        }
        messages
    }

    /// Part of the feed is lost to this webhook. It is not to look as if nothing were: somebody has to know.
    async fn begin_anew(&mut self) -> Result<Left, EngineError> {
        let webhook = self.webhook();
        let latest = self.engine.store().latest_event(webhook.tenant).await?;
        tracing::warn!(
            tenant = %webhook.tenant, webhook_id = %webhook.id,
            "a webhook has missed events, which were deleted for their age; it is disabled"
        );
        let round = WebhookRound { cursor: latest, disable: Some(MISSED.to_owned()), ..self.empty_round() };
        self.note(round).await
    }

    async fn note(&mut self, round: WebhookRound) -> Result<Left, EngineError> {
        let (lease, length) = (&self.leased.lease, self.engine.options.lease);
        let as_it_was = self.engine.store().note_round(lease, length, &round).await?;
        self.cursor = round.cursor;
        Ok(if as_it_was { Left::Something } else { Left::Nothing })
    }

    fn empty_round(&self) -> WebhookRound {
        WebhookRound {
            seen: self.webhook().updated_at,
            from: self.cursor,
            cursor: self.cursor,
            caught_up: false,
            delivered: Vec::new(),
            failed: Vec::new(),
            disable: None,
        }
    }

    /// Sends a few messages at a time, in their order.
    async fn send(&mut self, messages: Vec<Outgoing>) -> WebhookRound {
        let mut round = self.empty_round();
        let this = &*self;
        let at_once = AT_ONCE as usize;
        let outcomes: Vec<_> = stream::iter(messages)
            .map(|message| async move {
                let outcome = this.send_one(&message).await;
                (message, outcome)
            })
            .buffered(at_once)
            .collect()
            .await;
        for (message, outcome) in outcomes {
            self.judge(message, outcome, &mut round);
        }
        round
    }

    /// `None` where there is nothing to send any more.
    async fn send_one(&self, message: &Outgoing) -> Option<WebhookOutcome> {
        let (happened, data) = match &message.content {
            Content::Told(happened, data) => (happened, data),
            Content::Gone => return None,
            Content::Unknown => return Some(unknown_type()),
        };
        let outgoing = WebhookMessage {
            url: &self.webhook().url,
            secrets: &self.secrets,
            id: &message.event.to_string(),
            kind: &message.kind,
            happened: *happened,
            data,
            at: (self.clock)(),
        };
        Some(self.sender.send(outgoing).await)
    }

    fn judge(&mut self, message: Outgoing, outcome: Option<WebhookOutcome>, round: &mut WebhookRound) {
        let now = (self.clock)();
        let attempts = message.attempts + 1;
        let again = |retry_after| next_attempt(attempts, now, retry_after, message.id);
        let (status, code, next_attempt_at) = match outcome {
            Some(WebhookOutcome::Delivered { .. }) => {
                metrics::webhook_message("delivered");
                round.delivered.push(message.event);
                return;
            }
            Some(WebhookOutcome::Gone) => {
                round.disable = Some(GONE.to_owned());
                (Some(410), "gone".to_owned(), again(None))
            }
            Some(WebhookOutcome::Failed { status, code, retry_after, .. }) => (status, code, again(retry_after)),
            None => (None, EVENT_GONE.to_owned(), None),
        };
        let webhook = self.webhook();
        if next_attempt_at.is_none() {
            metrics::webhook_message("dead");
            tracing::warn!(
                tenant = %webhook.tenant, webhook_id = %webhook.id, event = %message.event, status, code, attempts,
                "a message to a webhook was given up; `directoryctl webhook replay` sends it again"
            );
        } else {
            metrics::webhook_message("failed");
            tracing::debug!(
                tenant = %webhook.tenant, webhook_id = %webhook.id, event = %message.event, status, code, attempts,
                "a message to a webhook did not arrive"
            );
            self.pending += u64::from(message.attempts == 0);
        }
        let Outgoing { id, event, after, kind, .. } = message;
        round.failed.push(Attempt { id, event, after, kind, attempts, next_attempt_at, status, code, at: now });
    }

    /// The message as it was before: its event is read again.
    async fn made_again(&self, delivery: Delivery) -> Result<Outgoing, EngineError> {
        let content = match EventKind::parse(&delivery.kind) {
            Some(kind) => match self.first_after(delivery.after, kind).await? {
                Some(event) if event.id == delivery.event => Content::of(&event)?,
                _ => Content::Gone,
            },
            None => Content::Unknown,
        };
        let Delivery { id, event, after, kind, attempts, .. } = delivery;
        Ok(Outgoing { id, event, after, kind, attempts, content })
    }

    /// The first event of a kind after a place of the feed.
    async fn first_after(&self, place: EventId, kind: EventKind) -> Result<Option<Event>, EngineError> {
        let filter = EventFilter { kinds: vec![kind] };
        let mut after = place;
        loop {
            let Feed::Page(page) = self.feed(after, &filter, 1).await? else { return Ok(None) };
            let first = page.events.into_iter().next();
            if first.is_some() || !page.more {
                return Ok(first);
            }
            after = page.next;
        }
    }

    async fn feed(&self, after: EventId, filter: &EventFilter, limit: u32) -> Result<Feed, StoreError> {
        self.engine.store().events(self.webhook().tenant, Some(after), filter, limit).await
    }

    /// What the feed need not even show. Kinds that are unknown here come with all of them.
    fn filter(&self) -> EventFilter {
        let webhook = self.webhook();
        let named = webhook.kinds.clone().filter(|_| webhook.unknown_kinds.is_empty());
        EventFilter { kinds: named.unwrap_or_default() }
    }

    fn webhook(&self) -> &Webhook {
        &self.leased.webhook
    }
}

fn unknown_type() -> WebhookOutcome {
    WebhookOutcome::Failed {
        status: None,
        code: UNKNOWN_TYPE.to_owned(),
        message: "this program does not know the type".to_owned(),
        retry_after: None,
    }
}
