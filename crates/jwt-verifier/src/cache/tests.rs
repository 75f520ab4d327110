use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use jsonwebtoken::Algorithm;
use tokio::time::{advance, sleep, timeout};

use super::*;
use crate::{KeysFault, source::FetchError};

/// What the issuer does, and how often it was asked.
#[derive(Default)]
struct Script {
    /// The ids of its keys; `None` is an issuer out of order.
    ids: Mutex<Option<Vec<&'static str>>>,
    takes: Mutex<Duration>,
    asked: AtomicUsize,
}

impl Script {
    fn has(&self, ids: &[&'static str]) {
        *self.ids.lock().unwrap() = Some(ids.to_vec());
    }

    fn is_out_of_order(&self) {
        *self.ids.lock().unwrap() = None;
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl KeySource for Arc<Script> {
    async fn fetch(&self) -> Result<Keys, FetchError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let takes = *self.takes.lock().unwrap();
        sleep(takes).await;
        let ids = self.ids.lock().unwrap().clone().ok_or(FetchError::Keys(KeysFault::NotKeys))?;
        let x = "A".repeat(43);
        let keys: Vec<String> =
            ids.iter().map(|id| format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{x}","kid":"{id}"}}"#)).collect();
        Ok(Keys::parse(format!(r#"{{"keys":[{}]}}"#, keys.join(",")).as_bytes()).unwrap())
    }
}

fn issuer(ids: &[&'static str]) -> (Arc<Script>, Arc<KeyCache>) {
    let script = Arc::new(Script::default());
    script.has(ids);
    let cache = KeyCache::new(Arc::clone(&script));
    (script, cache)
}

fn has(keys: &Keys, id: &str) -> bool {
    keys.find(Some(id), Algorithm::EdDSA).is_ok()
}

#[tokio::test(start_paused = true)]
async fn whoever_comes_while_keys_are_fetched_waits_for_them() {
    let (script, cache) = issuer(&["a"]);
    *script.takes.lock().unwrap() = Duration::from_secs(3);
    let (first, second, third) = tokio::join!(cache.current(), cache.current(), cache.newest());
    assert!(has(&first.unwrap(), "a") && has(&second.unwrap(), "a") && has(&third.unwrap(), "a"));
    assert_eq!(script.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn unknown_keys_cause_one_fetch_in_half_a_minute() {
    let (script, cache) = issuer(&["a"]);
    cache.current().await.unwrap();
    for _ in 0..29 {
        for _ in 0..100 {
            assert!(cache.newest().await.is_some());
        }
        advance(Duration::from_secs(1)).await;
    }
    assert_eq!(script.asked(), 2);
    script.has(&["a", "b"]);
    advance(Duration::from_secs(1)).await;
    assert!(has(&cache.newest().await.unwrap(), "b"));
    for _ in 0..100 {
        cache.newest().await.unwrap();
    }
    assert_eq!(script.asked(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_key_that_is_taken_back_is_gone_within_the_hour() {
    let (script, cache) = issuer(&["a", "b"]);
    cache.current().await.unwrap();
    script.has(&["b"]);
    advance(FRESH.saturating_sub(Duration::from_secs(1))).await;
    assert!(has(&cache.current().await.unwrap(), "a"));
    assert_eq!(script.asked(), 1);
    advance(Duration::from_secs(1)).await;
    let keys = cache.current().await.unwrap();
    assert!(!has(&keys, "a") && has(&keys, "b"));
    script.has(&[]);
    advance(FRESH).await;
    assert!(cache.current().await.unwrap().is_empty(), "an issuer may take all of them back");
}

#[tokio::test(start_paused = true)]
async fn known_keys_are_used_for_a_day_without_the_issuer() {
    let (script, cache) = issuer(&["a"]);
    cache.current().await.unwrap();
    script.is_out_of_order();
    for _ in 0..23 {
        advance(FRESH).await;
        assert!(has(&cache.current().await.unwrap(), "a"));
        assert!(cache.newest().await.is_none(), "there may be a newer one");
    }
    advance(FRESH).await;
    assert_eq!(cache.current().await.err(), Some(NoKeys));
    script.has(&["a"]);
    assert_eq!(cache.current().await.err(), Some(NoKeys), "asked a moment ago");
    advance(PAUSE_WHILE_FAILING).await;
    assert!(has(&cache.current().await.unwrap(), "a"));
}

#[tokio::test(start_paused = true)]
async fn an_issuer_that_hangs_is_waited_for_once() {
    let (script, cache) = issuer(&["a"]);
    cache.current().await.unwrap();
    script.is_out_of_order();
    *script.takes.lock().unwrap() = Duration::from_secs(5);
    advance(FRESH).await;
    let began = Instant::now();
    cache.current().await.unwrap();
    assert_eq!((began.elapsed(), script.asked()), (Duration::from_secs(5), 2));
    advance(PAUSE_WHILE_FAILING).await;
    let began = Instant::now();
    for _ in 0..100 {
        cache.current().await.unwrap();
    }
    assert_eq!(began.elapsed(), Duration::ZERO);
    // It is back, which is found out beside what is done.
    script.has(&["b"]);
    sleep(Duration::from_secs(6)).await;
    assert_eq!(script.asked(), 3);
    assert!(has(&cache.current().await.unwrap(), "b"));
}

#[tokio::test(start_paused = true)]
async fn without_any_keys_the_issuer_is_asked_now_and_then() {
    let (script, cache) = issuer(&[]);
    script.is_out_of_order();
    for _ in 0..100 {
        assert_eq!(cache.current().await.err(), Some(NoKeys));
    }
    assert_eq!(script.asked(), 1);
    advance(PAUSE_WHILE_FAILING).await;
    script.has(&["a"]);
    assert!(has(&cache.current().await.unwrap(), "a"));
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_given_up_does_not_take_its_fetch_with_it() {
    let (script, cache) = issuer(&["a"]);
    *script.takes.lock().unwrap() = Duration::from_secs(3);
    assert!(timeout(Duration::from_secs(1), cache.current()).await.is_err());
    assert!(has(&cache.current().await.unwrap(), "a"));
    assert_eq!(script.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn few_wait_for_newer_keys() {
    let (script, cache) = issuer(&["a"]);
    cache.current().await.unwrap();
    *script.takes.lock().unwrap() = Duration::from_secs(10);
    let all = (0..WAITING + 3).map(|_| {
        let cache = Arc::clone(&cache);
        tokio::spawn(async move { cache.newest().await.is_some() })
    });
    let all: Vec<_> = all.collect();
    let mut told = 0;
    for waiting in all {
        told += usize::from(waiting.await.unwrap());
    }
    assert_eq!(told, WAITING);
    assert!(cache.current().await.is_ok(), "known keys are there all the while");
}
