//! The issuer's keys as they are known: fetched now and then, by one at a time, and kept for a while without the issuer.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::{
    sync::{Mutex as Turn, Semaphore},
    time::{Duration, Instant},
};

use crate::{Keys, source::KeySource};

/// How long keys are used without asking again. A key that the issuer takes back is refused after this. Its caching headers
/// are not read: this is short for any issuer, and a new key is fetched when it is first seen.
const FRESH: Duration = Duration::from_hours(1);
/// How long keys are used while the issuer cannot be reached.
const KEPT: Duration = Duration::from_hours(24);
/// The time between two fetches for keys that are not known, so that forged tokens do not have us hammer the issuer.
const PAUSE: Duration = Duration::from_secs(30);
/// The time between two fetches while they fail.
const PAUSE_WHILE_FAILING: Duration = Duration::from_secs(5);
/// Tokens that wait for newer keys at the same time. Anybody can make one up that asks for them, while the issuer hangs say.
const WAITING: usize = 16;

/// Why keys are fetched.
#[derive(Clone, Copy)]
enum Why {
    /// There are none, or they are old.
    Age,
    /// A token asks for newer ones.
    Token,
}

/// There are no keys, or none that are young enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoKeys;

/// The issuer's keys.
pub(crate) struct KeyCache {
    source: Box<dyn KeySource>,
    known: Mutex<Known>,
    /// Whoever fetches holds it.
    turn: Turn<()>,
    /// One for each token that waits for newer keys.
    waiting: Semaphore,
}

#[derive(Default)]
struct Known {
    /// And when they came.
    keys: Option<(Arc<Keys>, Instant)>,
    /// The last fetch, if it failed.
    failed: Option<Instant>,
    /// The last fetch that a token caused.
    caused: Option<Instant>,
}

impl Known {
    fn keys_not_older_than(&self, age: Duration) -> Option<Arc<Keys>> {
        let (keys, fetched) = self.keys.as_ref()?;
        (fetched.elapsed() < age).then(|| Arc::clone(keys))
    }

    /// Whether it is time for a fetch that somebody wanted at `wanted`. Another one may have ended since.
    fn is_time(&self, why: Why, wanted: Instant) -> bool {
        if let Some(failed) = self.failed {
            return failed.elapsed() >= PAUSE_WHILE_FAILING;
        }
        match why {
            Why::Age => self.keys_not_older_than(FRESH).is_none(),
            Why::Token => {
                self.keys.as_ref().is_none_or(|(_, came)| *came <= wanted)
                    && self.caused.is_none_or(|caused| caused.elapsed() >= PAUSE)
            }
        }
    }
}

impl KeyCache {
    pub(crate) fn new(source: impl KeySource + 'static) -> Arc<Self> {
        Arc::new(Self {
            source: Box::new(source),
            known: Mutex::default(),
            turn: Turn::new(()),
            waiting: Semaphore::new(WAITING),
        })
    }

    /// The keys to judge a token with.
    pub(crate) async fn current(self: &Arc<Self>) -> Result<Arc<Keys>, NoKeys> {
        let (fresh, kept, failing) = {
            let known = self.known();
            (known.keys_not_older_than(FRESH), known.keys_not_older_than(KEPT), known.failed.is_some())
        };
        if let Some(keys) = fresh {
            return Ok(keys);
        }
        match kept {
            // An issuer that hangs is waited for once, and then asked beside what is to be done.
            Some(keys) if failing => {
                if self.turn.try_lock().is_ok() && self.known().is_time(Why::Age, Instant::now()) {
                    tokio::spawn(Arc::clone(self).fetch(Why::Age, Instant::now()));
                }
                Ok(keys)
            }
            _ => {
                self.renew(Why::Age).await;
                self.known().keys_not_older_than(KEPT).ok_or(NoKeys)
            }
        }
    }

    /// The keys after a fetch, if it is time for one. `None` if nobody knows whether there are newer ones, or too many
    /// wait to know.
    pub(crate) async fn newest(self: &Arc<Self>) -> Option<Arc<Keys>> {
        let _place = self.waiting.try_acquire().ok()?;
        self.renew(Why::Token).await;
        let known = self.known();
        if known.failed.is_some() { None } else { known.keys_not_older_than(KEPT) }
    }

    /// Fetches in a task of its own: that a request is given up is no reason to give its fetch up.
    async fn renew(self: &Arc<Self>, why: Why) {
        // It fails only if it panics, and then nothing has changed.
        let _ = tokio::spawn(Arc::clone(self).fetch(why, Instant::now())).await;
    }

    /// Fetches the keys, unless it is not the time: somebody for whom this call waited has just done it, say.
    async fn fetch(self: Arc<Self>, why: Why, wanted: Instant) {
        let _turn = self.turn.lock().await;
        {
            let mut known = self.known();
            if !known.is_time(why, wanted) {
                return;
            }
            if let Why::Token = why {
                known.caused = Some(Instant::now());
            }
        }
        let fetched = self.source.fetch().await;
        let mut known = self.known();
        known.failed = fetched.is_err().then(Instant::now);
        match fetched {
            Ok(keys) => {
                let (usable, skipped) = (keys.len(), keys.skipped());
                if keys.is_empty() {
                    tracing::warn!(skipped, "the issuer of sign-in tokens has no key that can be used");
                } else {
                    tracing::debug!(usable, skipped, "keys of the issuer of sign-in tokens fetched");
                }
                known.keys = Some((Arc::new(keys), Instant::now()));
            }
            Err(error) => {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                tracing::warn!(%error, cause, "cannot fetch the keys of the issuer of sign-in tokens");
            }
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // Each change of it is whole.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
