//! When tokens are used, for whoever wonders whether one still is. Noting it must cost nobody anything: a request does
//! not wait for it, and a database that has other things to do is asked for one token at a time.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Instant,
};

use directory_core::TenantId;
use store::{NOTED_EVERY, Store, chain};
use tokio::sync::Semaphore;
use uuid::Uuid;

/// What this process has noted of late.
pub(crate) struct Uses {
    noted: Mutex<Noted>,
    /// One at a time: SQLite has a single writer, which has users to write.
    turn: Semaphore,
}

struct Noted {
    /// Tokens, and when their use was last noted.
    at: HashMap<Uuid, Instant>,
    swept: Instant,
}

impl Default for Uses {
    fn default() -> Self {
        let noted = Noted { at: HashMap::new(), swept: Instant::now() };
        Self { noted: Mutex::new(noted), turn: Semaphore::new(1) }
    }
}

impl Uses {
    /// Whether the use of this token is to be noted now, which is then taken for done.
    pub(crate) fn is_news(&self, token: Uuid, now: Instant) -> bool {
        // Every entry is right by itself, so a panic of another thread leaves nothing half done.
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        if now.saturating_duration_since(noted.swept) >= NOTED_EVERY {
            noted.at.retain(|_, at| is_recent(*at, now));
            noted.swept = now;
        }
        if noted.at.get(&token).is_some_and(|at| is_recent(*at, now)) {
            return false;
        }
        noted.at.insert(token, now);
        true
    }

    /// Notes it. What goes wrong is told in the log: nobody else has asked for this.
    pub(crate) async fn note(&self, store: &dyn Store, tenant: TenantId, token: Uuid) {
        // It is never closed.
        let turn = self.turn.acquire().await;
        if let Err(error) = store.note_token_use(tenant, token).await {
            tracing::warn!(%tenant, %token, error = %chain(&error), "the use of a token was not noted");
        }
        drop(turn);
    }
}

fn is_recent(at: Instant, now: Instant) -> bool {
    now.saturating_duration_since(at) < NOTED_EVERY
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: Uuid = Uuid::from_u128(1);
    const OTHER: Uuid = Uuid::from_u128(2);

    #[test]
    fn a_token_is_noted_once_in_a_while() {
        let (uses, start) = (Uses::default(), Instant::now());
        assert!(uses.is_news(TOKEN, start));
        assert!(!uses.is_news(TOKEN, start) && uses.is_news(OTHER, start), "each by itself");
        assert!(!uses.is_news(TOKEN, start + NOTED_EVERY.mul_f64(0.9)));
        assert!(uses.is_news(TOKEN, start + NOTED_EVERY));
        assert!(!uses.is_news(TOKEN, start + NOTED_EVERY.mul_f64(1.5)), "counted from the last time");
    }

    #[test]
    fn what_is_old_is_forgotten() {
        let (uses, start) = (Uses::default(), Instant::now());
        assert!(uses.is_news(TOKEN, start) && uses.is_news(OTHER, start + NOTED_EVERY * 2));
        assert_eq!(uses.noted.lock().unwrap().at.len(), 1);
    }
}
