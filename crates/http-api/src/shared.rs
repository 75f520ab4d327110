//! An answer that everybody who asks within a while shares, so that asking often costs nothing.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{
    runtime::Handle,
    sync::{Mutex, OwnedMutexGuard},
};

/// The last answer, and when it was given.
pub(crate) struct Shared<T> {
    last: Arc<Mutex<Option<(Instant, T)>>>,
    fresh: Duration,
}

impl<T: Clone + Send + 'static> Shared<T> {
    /// An answer is good for so long.
    pub(crate) fn fresh_for(fresh: Duration) -> Self {
        Self { last: Arc::default(), fresh }
    }

    /// The last answer while it is fresh, else a new one. Whoever comes while it is found waits for that one. It is found
    /// in a task on `runtime`, so that clients who hang up begin no second one.
    pub(crate) async fn get<F>(&self, runtime: &Handle, find: impl FnOnce() -> F) -> Option<T>
    where
        F: Future<Output = T> + Send + 'static,
    {
        let mut last: OwnedMutexGuard<_> = Arc::clone(&self.last).lock_owned().await;
        if let Some((_, answer)) = last.as_ref().filter(|(at, _)| at.elapsed() < self.fresh) {
            return Some(answer.clone());
        }
        let find = find();
        let found = runtime.spawn(async move {
            let answer = find.await;
            *last = Some((Instant::now(), answer.clone()));
            answer
        });
        // Fails only if finding it has panicked, and then the next one tries again.
        found.await.ok()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    async fn ask(shared: &Shared<u32>, asked: &Arc<AtomicU32>) -> Option<u32> {
        let asked = Arc::clone(asked);
        let find = || async move {
            tokio::task::yield_now().await;
            asked.fetch_add(1, Ordering::SeqCst) + 1
        };
        shared.get(&Handle::current(), find).await
    }

    async fn fails() -> u32 {
        panic!("as it should")
    }

    #[tokio::test]
    async fn who_asks_meanwhile_and_shortly_after_shares_the_answer() {
        let (shared, asked) = (Shared::fresh_for(Duration::from_hours(1)), Arc::default());
        let all = futures_util::future::join_all((0..50).map(|_| ask(&shared, &asked))).await;
        assert_eq!(all, vec![Some(1); 50]);
        assert_eq!(ask(&shared, &asked).await, Some(1));
    }

    #[tokio::test]
    async fn an_old_answer_is_found_anew() {
        let (shared, asked) = (Shared::fresh_for(Duration::ZERO), Arc::default());
        assert_eq!((ask(&shared, &asked).await, ask(&shared, &asked).await), (Some(1), Some(2)));
    }

    #[tokio::test]
    async fn who_leaves_leaves_the_question_to_the_others() {
        let (shared, asked) = (Shared::fresh_for(Duration::from_hours(1)), Arc::default());
        for _ in 0..5 {
            // Polled once, and dropped.
            assert_eq!(futures_util::FutureExt::now_or_never(ask(&shared, &asked)), None);
        }
        assert_eq!(ask(&shared, &asked).await, Some(1));
    }

    #[tokio::test]
    async fn a_panic_is_no_answer_and_no_end() {
        let (shared, asked) = (Shared::fresh_for(Duration::from_hours(1)), Arc::default());
        assert_eq!(shared.get(&Handle::current(), fails).await, None);
        assert_eq!(ask(&shared, &asked).await, Some(1));
    }
}
