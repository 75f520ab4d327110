//! Following the feed in the process itself.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use directory_core::TenantId;
use store::{BoxError, Event, EventFilter, EventId, EventPage, Feed, Store, StoreError, chain};
use tokio_util::sync::CancellationToken;

use crate::SyncEngine;

/// Events read at a time.
const PAGE: u32 = 500;

/// Between two attempts: at first, and in the end.
const BACK_OFF: (Duration, Duration) = (Duration::from_millis(100), Duration::from_mins(1));

/// Whoever wants to know what changes.
#[async_trait]
pub trait EventSubscriber: Send + Sync {
    /// Handles one event. Events come in order, each at least once: one that fails is handed over again after a while, and
    /// until then no other is. Whoever keeps the event's id together with what came of it, and follows from there after a
    /// restart, handles each once. Events of kinds that this program does not know, because a newer one wrote them, are passed
    /// over.
    async fn handle(&self, event: &Event) -> Result<(), BoxError>;
}

/// Why following ended by itself.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    /// What came next was deleted before it was read: look at the users themselves, and follow from
    /// [`store::Events::latest_event`].
    #[error("some events after {0} were deleted before they were read")]
    Gone(EventId),
    /// The feed cannot be read, and trying again would not help.
    #[error("the feed cannot be read")]
    Store(#[source] StoreError),
}

/// Follows one tenant's feed.
#[derive(Clone)]
pub struct Follower {
    store: Arc<dyn Store>,
    tenant: TenantId,
    after: EventId,
    filter: EventFilter,
    poll: Duration,
}

impl SyncEngine {
    /// Follows a tenant's feed after this event; after [`EventId::START`], from the first one.
    #[must_use]
    pub fn follow(&self, tenant: TenantId, after: EventId, filter: EventFilter) -> Follower {
        Follower { store: Arc::clone(self.store()), tenant, after, filter, poll: self.options.poll }
    }
}

impl Follower {
    /// Hands events over until `stop` is cancelled; an event that is being handled is finished first. The place to go on
    /// from.
    pub async fn run(
        mut self,
        subscriber: &dyn EventSubscriber,
        stop: &CancellationToken,
    ) -> Result<EventId, FollowError> {
        let mut failed = BackOff::default();
        while !stop.is_cancelled() {
            let page = match self.store.events(self.tenant, Some(self.after), &self.filter, PAGE).await {
                Ok(Feed::Page(page)) => page,
                Ok(Feed::Gone) => return Err(FollowError::Gone(self.after)),
                Err(error @ StoreError::Unavailable(_)) => {
                    tracing::warn!(error = %chain(&error), "the feed could not be read; it is tried again");
                    failed.wait(stop).await;
                    continue;
                }
                Err(error) => return Err(FollowError::Store(error)),
            };
            failed = BackOff::default();
            let more = page.more;
            if !self.hand_over(page, subscriber, stop).await {
                break;
            }
            if !more {
                pause(self.poll, stop).await;
            }
        }
        Ok(self.after)
    }

    /// `false` when it was stopped.
    async fn hand_over(&mut self, page: EventPage, subscriber: &dyn EventSubscriber, stop: &CancellationToken) -> bool {
        for event in &page.events {
            let mut failed = BackOff::default();
            loop {
                if stop.is_cancelled() {
                    return false;
                }
                if subscriber.handle(event).await.is_ok() {
                    break;
                }
                // The subscriber's words can be about the user.
                tracing::warn!(event = %event.id, kind = event.kind.as_str(), "a subscriber failed; it is tried again");
                failed.wait(stop).await;
            }
            self.after = event.id;
        }
        self.after = page.next;
        true
    }
}

/// Longer from time to time.
struct BackOff(Duration);

impl Default for BackOff {
    fn default() -> Self {
        Self(BACK_OFF.0)
    }
}

impl BackOff {
    async fn wait(&mut self, stop: &CancellationToken) {
        pause(self.0, stop).await;
        self.0 = (self.0 * 2).min(BACK_OFF.1);
    }
}

async fn pause(time: Duration, stop: &CancellationToken) {
    tokio::select! {
        () = tokio::time::sleep(time) => {}
        () = stop.cancelled() => {}
    }
}
