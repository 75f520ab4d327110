//! Sending a message once.

use std::{
    error::Error,
    fmt, io,
    sync::Arc,
    time::{Duration, SystemTime},
};

use reqwest::{Client, Response, header::HeaderMap, redirect};
use url::Url;

use crate::{
    Failure, Message, Names, Outcome, Reach, Secret, SystemNames,
    address::{AddressFault, check_address},
    answer::judge,
    names::{Guarded, NameFault},
    sign,
};

/// Of an answer, read so that its connection can be used again. What it says is of no interest.
const MOST_BYTES: usize = 16 * 1024;
/// How long a connection without work is kept: names are looked up for new ones.
const IDLE_TIME: Duration = Duration::from_secs(20);

/// How messages are sent.
#[derive(Clone)]
pub struct Options {
    /// How far they may go.
    pub reach: Reach,
    /// How long a connection may take to be made.
    pub connect_time: Duration,
    /// How long all of it may take.
    pub time: Duration,
    /// Where names lead.
    pub names: Arc<dyn Names>,
}

impl Options {
    /// The usual times, and the system's names.
    #[must_use]
    pub fn new(reach: Reach) -> Self {
        let (connect_time, time) = (Duration::from_secs(5), Duration::from_secs(15));
        Self { reach, connect_time, time, names: Arc::new(SystemNames) }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("reach", &self.reach)
            .field("connect_time", &self.connect_time)
            .field("time", &self.time)
            .finish_non_exhaustive()
    }
}

/// Why a sender cannot be made: typically, the system has no CA certificates.
#[derive(Debug, thiserror::Error)]
#[error("the HTTP client cannot be made")]
pub struct SetupError(#[source] reqwest::Error);

/// Sends messages. Cheap to clone; clones share connections.
#[derive(Clone, Debug)]
pub struct Sender {
    client: Client,
    reach: Reach,
}

impl Sender {
    /// A sender with these options.
    pub fn new(options: &Options) -> Result<Self, SetupError> {
        // Without a provider, making a client panics. A program that chose one keeps it.
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            let _ = rustls::crypto::ring::default_provider().install_default();
        }
        let client = Client::builder()
            .user_agent(concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .referer(false)
            .no_gzip()
            // A proxy would look the name up itself, and connect to wherever that leads.
            .no_proxy()
            .dns_resolver(Guarded::new(Arc::clone(&options.names), options.reach))
            .https_only(options.reach == Reach::Public)
            .pool_idle_timeout(IDLE_TIME)
            .connect_timeout(options.connect_time)
            .timeout(options.time)
            .build()
            .map_err(SetupError)?;
        Ok(Self { client, reach: options.reach })
    }

    /// Judges an address as it is judged before each message.
    pub fn check(&self, url: &Url) -> Result<(), AddressFault> {
        check_address(url, self.reach)
    }

    /// Sends a message once, signed with each of the secrets.
    pub async fn send(&self, url: &Url, secrets: &[Secret], message: Message<'_>) -> Outcome {
        if self.check(url).is_err() {
            return failed(Failure::Address);
        }
        let timestamp = message.at.timestamp();
        let request = self
            .client
            .post(url.clone())
            .header("content-type", "application/json")
            .header("webhook-id", message.id)
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", sign(message.id, timestamp, message.body, secrets))
            .body(message.body.to_vec());
        match request.send().await {
            Ok(response) => {
                let outcome = judge_head(&response);
                read_to_the_end(response).await;
                outcome
            }
            Err(error) => failed(failure_of(&error)),
        }
    }
}

fn failed(failure: Failure) -> Outcome {
    Outcome::Failed { failure, retry_after: None }
}

fn judge_head(response: &Response) -> Outcome {
    let headers = response.headers();
    let now = text(headers, "date").and_then(|date| httpdate::parse_http_date(date).ok());
    judge(response.status().as_u16(), text(headers, "retry-after"), now.unwrap_or_else(SystemTime::now))
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// The status has said it all: an answer that is too long or breaks off costs its connection and nothing else.
async fn read_to_the_end(mut response: Response) {
    let mut read = 0;
    while let Ok(Some(chunk)) = response.chunk().await {
        read += chunk.len();
        if read > MOST_BYTES {
            return;
        }
    }
}

fn failure_of(error: &reqwest::Error) -> Failure {
    match NameFault::behind(error) {
        Some(NameFault::Refused) => Failure::Address,
        Some(NameFault::Nowhere) => Failure::Name,
        None if is_of_tls(error) => Failure::Tls,
        None if error.is_timeout() => Failure::Timeout,
        None if error.is_connect() => Failure::Connect,
        None => Failure::Cut,
    }
}

fn is_of_tls(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if error.is::<rustls::Error>() {
            return true;
        }
        // An I/O error gives the source of what it wraps as its own.
        let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = wrapped.map(|wrapped| wrapped as &(dyn Error + 'static)).or_else(|| error.source());
    }
    false
}
