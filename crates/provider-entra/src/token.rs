//! The access token: read, kept, renewed before it ends (protocol reference §1.1, §1.2).

use std::{sync::Arc, time::Duration};

use secrecy::SecretString;
use serde::Deserialize;
use tokio::{sync::Mutex, time::Instant};

use crate::{json::Text, page::BodyFault};

/// How long before its end a token is no longer used, at most.
const MARGIN: Duration = Duration::from_mins(5);
/// Longer lives are as good as this one, and adding it to a time cannot overflow.
const LONGEST_LIFE: Duration = Duration::from_hours(7 * 24);

/// A token as it was issued.
pub(crate) struct Issued {
    pub(crate) token: SecretString,
    pub(crate) life: Duration,
}

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    access_token: Text<'a>,
    #[serde(borrow, default)]
    token_type: Option<Text<'a>>,
    expires_in: u64,
}

pub(crate) fn parse_token(body: &[u8]) -> Result<Issued, BodyFault> {
    let body: Body<'_> = serde_json::from_slice(body)
        .map_err(|error| if error.is_data() { BodyFault::NotAsked } else { BodyFault::NotJson })?;
    let bearer = body.token_type.is_none_or(|kind| kind.as_str().eq_ignore_ascii_case("bearer"));
    // The token goes into a header: whatever could not is none.
    let sound =
        !body.access_token.as_str().is_empty() && body.access_token.as_str().bytes().all(|b| b.is_ascii_graphic());
    if !(bearer && sound) {
        return Err(BodyFault::NotAsked);
    }
    let life = Duration::from_secs(body.expires_in).min(LONGEST_LIFE);
    Ok(Issued { token: SecretString::from(body.access_token.0.into_owned()), life })
}

/// How long a token is used.
fn use_for(life: Duration) -> Duration {
    life.saturating_sub(MARGIN.min(life / 10))
}

/// One connection's token.
#[derive(Default)]
pub(crate) struct TokenCache {
    kept: Mutex<Option<Kept>>,
}

struct Kept {
    token: Arc<SecretString>,
    renew_at: Instant,
}

impl TokenCache {
    /// The token that is kept, or a new one. Whoever comes while one is fetched waits for that one.
    pub(crate) async fn get<E, F>(&self, fetch: impl FnOnce() -> F) -> Result<Arc<SecretString>, E>
    where
        F: Future<Output = Result<Issued, E>>,
    {
        let mut kept = self.kept.lock().await;
        // Its life began before the answer arrived.
        let asked_at = Instant::now();
        if let Some(current) = kept.as_ref().filter(|current| asked_at < current.renew_at) {
            return Ok(Arc::clone(&current.token));
        }
        let issued = fetch().await?;
        let token = Arc::new(issued.token);
        *kept = Some(Kept { token: Arc::clone(&token), renew_at: asked_at + use_for(issued.life) });
        Ok(token)
    }

    /// Forgets this token, unless another has taken its place.
    pub(crate) async fn forget(&self, token: &Arc<SecretString>) {
        let mut kept = self.kept.lock().await;
        if kept.as_ref().is_some_and(|current| Arc::ptr_eq(&current.token, token)) {
            *kept = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        convert::Infallible,
        sync::atomic::{AtomicU32, Ordering},
    };

    use rstest::rstest;
    use secrecy::ExposeSecret;

    use super::*;

    #[rstest]
    #[case(3599, 3299)]
    #[case(86_400, 86_100)]
    #[case(300, 270)]
    #[case(0, 0)]
    fn tokens_are_not_used_to_the_end(#[case] life: u64, #[case] used: u64) {
        assert_eq!(use_for(Duration::from_secs(life)), Duration::from_secs(used));
    }

    #[rstest]
    #[case(r#"{"token_type":"Bearer","expires_in":3599,"ext_expires_in":3599,"access_token":"abc"}"#, Ok(3599))]
    #[case(r#"{"expires_in":18446744073709551615,"access_token":"abc"}"#, Ok(604_800))]
    #[case(r#"{"token_type":"pop","expires_in":3599,"access_token":"abc"}"#, Err(BodyFault::NotAsked))]
    #[case(r#"{"token_type":"Bearer","expires_in":3599}"#, Err(BodyFault::NotAsked))]
    #[case(r#"{"token_type":"Bearer","expires_in":3599,"access_token":""}"#, Err(BodyFault::NotAsked))]
    #[case(r#"{"expires_in":3599,"access_token":"a\r\nHost: evil"}"#, Err(BodyFault::NotAsked))]
    #[case(r#"{"token_type":"Bearer","access_token":"abc"}"#, Err(BodyFault::NotAsked))]
    #[case(r#"{"token_type":"Bearer","access_tok"#, Err(BodyFault::NotJson))]
    #[case("<html>", Err(BodyFault::NotJson))]
    fn bodies(#[case] body: &str, #[case] expected: Result<u64, BodyFault>) {
        let read = parse_token(body.as_bytes());
        assert!(read.as_ref().map_or(true, |issued| issued.token.expose_secret() == "abc"));
        assert_eq!(read.map(|issued| issued.life.as_secs()), expected);
    }

    struct Source {
        cache: TokenCache,
        issued: AtomicU32,
    }

    impl Source {
        fn new() -> Self {
            Self { cache: TokenCache::default(), issued: AtomicU32::new(0) }
        }

        async fn get(&self) -> Arc<SecretString> {
            let fetch = || async {
                tokio::time::sleep(Duration::from_secs(1)).await;
                let number = self.issued.fetch_add(1, Ordering::Relaxed);
                let token = SecretString::from(format!("token-{number}"));
                Ok::<_, Infallible>(Issued { token, life: Duration::from_hours(1) })
            };
            match self.cache.get(fetch).await {
                Ok(token) => token,
                Err(never) => match never {},
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn kept_until_shortly_before_its_end() {
        let source = Source::new();
        source.get().await;
        tokio::time::advance(Duration::from_secs(3298)).await;
        assert_eq!(source.get().await.expose_secret(), "token-0");
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(source.get().await.expose_secret(), "token-1");
    }

    #[tokio::test(start_paused = true)]
    async fn fetched_once_for_all_who_wait() {
        let source = Source::new();
        let (a, b) = tokio::join!(source.get(), source.get());
        assert_eq!((a.expose_secret(), b.expose_secret()), ("token-0", "token-0"));
    }

    #[tokio::test(start_paused = true)]
    async fn forgetting_spares_a_newer_token() {
        let source = Source::new();
        let old = source.get().await;
        source.cache.forget(&old).await;
        let new = source.get().await;
        source.cache.forget(&old).await;
        assert!(Arc::ptr_eq(&source.get().await, &new));
    }
}
