//! How many may watch at the same time.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crypto::TokenHash;

use crate::{config::Limits, problem::Problem};

const FULL_RETRY_SECONDS: u64 = 5;

/// The places of a process, and those of each token among them.
pub(super) struct Slots {
    total: usize,
    per_token: usize,
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    all: usize,
    by_token: HashMap<[u8; 32], usize>,
}

/// A place that is free again when this is dropped.
pub(super) struct Slot {
    slots: Arc<Slots>,
    token: TokenHash,
}

impl Slots {
    pub(super) fn new(limits: &Limits) -> Arc<Self> {
        let (total, per_token) = (limits.watchers, limits.watchers_per_token);
        Arc::new(Self { total, per_token, taken: Mutex::default() })
    }

    pub(super) fn take(self: &Arc<Self>, token: TokenHash) -> Result<Slot, Problem> {
        let mut counts = self.taken();
        if counts.by_token.get(token.as_bytes()).is_some_and(|&count| count >= self.per_token) {
            return Err(Problem::too_many_streams(FULL_RETRY_SECONDS));
        }
        if counts.all >= self.total {
            return Err(Problem::overloaded(FULL_RETRY_SECONDS));
        }
        counts.all += 1;
        *counts.by_token.entry(*token.as_bytes()).or_default() += 1;
        drop(counts);
        Ok(Slot { slots: Arc::clone(self), token })
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        // The counts are changed without anything between that could panic.
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut taken = self.slots.taken();
        taken.all = taken.all.saturating_sub(1);
        if let Some(count) = taken.by_token.get_mut(self.token.as_bytes()) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                taken.by_token.remove(self.token.as_bytes());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_limited_and_come_free_again() {
        let slots = Slots::new(&Limits { watchers: 3, watchers_per_token: 2, ..Limits::default() });
        let (ada, bob) = (TokenHash::of("ada"), TokenHash::of("bob"));
        let refusal = |token| slots.take(token).err().map(|problem| problem.code());
        let first = slots.take(ada).ok();
        let second = slots.take(ada).ok();
        assert_eq!(refusal(ada), Some("rate_limited"));
        let third = slots.take(bob).ok();
        assert!(first.is_some() && second.is_some() && third.is_some());
        assert_eq!(refusal(bob), Some("overloaded"));
        drop(first);
        assert_eq!(refusal(ada), None, "taken and given back");
        drop((second, third));
        assert!(slots.taken().by_token.is_empty() && slots.taken().all == 0);
    }
}
