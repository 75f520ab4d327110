//! Watching runs: whoever waits for a run's progress or end, over whichever request.
//!
//! The store is asked about a run by one task, however many watch it, and only while somebody does.

mod poller;
mod sighting;
mod slots;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Instant,
};

use crypto::TokenHash;
use directory_core::{RunId, TenantId};
use tokio::sync::watch::{Receiver, Sender, channel};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::{app::App, config::Limits, problem::Problem};
pub(crate) use sighting::Sighting;
use slots::{Slot, Slots};

/// What a run's task saw last; nothing at first.
type Latest = Option<Arc<Sighting>>;

/// The runs that are watched, and the places for watching.
pub(crate) struct Watches {
    slots: Arc<Slots>,
    /// Each run's task owns its sender. One that died of a panic leaves an entry that leads nowhere.
    polled: Mutex<HashMap<RunId, Weak<Sender<Latest>>>>,
    closing: CancellationToken,
}

/// Somebody's watch over a run. Looking ends with the last one of a run.
pub(crate) struct Watch {
    receiver: Receiver<Latest>,
    /// What the watcher knows already is not older than this.
    since: Instant,
    closing: CancellationToken,
    _slot: Slot,
}

impl Watches {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self { slots: Slots::new(limits), polled: Mutex::default(), closing: CancellationToken::new() }
    }

    /// Ends every watch, and those to come.
    pub(crate) fn close(&self) {
        self.closing.cancel();
    }

    fn polled(&self) -> MutexGuard<'_, HashMap<RunId, Weak<Sender<Latest>>>> {
        // Every entry is right by itself.
        self.polled.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends a run's task if nobody watches. Somebody may just have begun to.
    fn end_unwatched(&self, run: RunId, sender: &Sender<Latest>) -> bool {
        let mut polled = self.polled();
        let unwatched = sender.receiver_count() == 0;
        if unwatched {
            polled.remove(&run);
        }
        unwatched
    }

    /// Ends a run's task with a last word, if there is one.
    fn end(&self, run: RunId, sender: &Sender<Latest>, last: Option<Sighting>) {
        // Under the lock, so that nobody begins to watch between the last word and the end.
        let mut polled = self.polled();
        polled.remove(&run);
        if let Some(last) = last {
            sender.send_replace(Some(Arc::new(last)));
        }
    }
}

impl App {
    /// Begins to watch a run of the tenant's. `since` is when the watcher learnt what it knows already: nothing older
    /// is shown to it.
    pub(crate) fn watch(
        self: &Arc<Self>,
        tenant: TenantId,
        token: TokenHash,
        run: RunId,
        since: Instant,
    ) -> Result<Watch, Problem> {
        let watches = self.watches();
        let slot = watches.slots.take(token)?;
        let mut polled = watches.polled();
        let receiver = if let Some(sender) = polled.get(&run).and_then(Weak::upgrade) {
            sender.subscribe()
        } else {
            let (sender, receiver) = channel(None);
            let sender = Arc::new(sender);
            polled.insert(run, Arc::downgrade(&sender));
            let task = poller::poll(Arc::clone(self), tenant, run, sender);
            self.runtime().spawn(task.in_current_span());
            receiver
        };
        drop(polled);
        Ok(Watch { receiver, since, closing: watches.closing.clone(), _slot: slot })
    }
}

impl Watch {
    /// The next that was seen of the run, changed or not. `None` when there will be no more: the run is done or gone,
    /// the store fails, or the server stops. May be dropped and called again.
    pub(crate) async fn next(&mut self) -> Option<Arc<Sighting>> {
        loop {
            tokio::select! {
                changed = self.receiver.changed() => changed.ok()?,
                () = self.closing.cancelled() => return None,
            }
            let latest = self.receiver.borrow_and_update().clone();
            if let Some(sighting) = latest.filter(|sighting| sighting.since >= self.since) {
                return Some(sighting);
            }
        }
    }
}

#[cfg(test)]
mod tests;
