//! What the engine needs of whoever sends messages: an HTTP client is the program's to choose.

use std::{fmt, time::Duration};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use secrecy::SecretString;
use serde_json::Value;

/// One message, as it is to be sent now.
#[derive(Clone, Copy)]
pub struct WebhookMessage<'a> {
    /// Where to.
    pub url: &'a str,
    /// What it is signed with, `whsec_…` each.
    pub secrets: &'a [SecretString],
    /// The same for each attempt.
    pub id: &'a str,
    /// What happened.
    pub kind: &'a str,
    /// When it happened.
    pub happened: DateTime<Utc>,
    /// What there is to tell.
    pub data: &'a Value,
    /// When it is sent.
    pub at: DateTime<Utc>,
}

impl fmt::Debug for WebhookMessage<'_> {
    /// Leaves out address, secrets and what is told.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookMessage")
            .field("id", &self.id)
            .field("kind", &self.kind)
            .field("at", &self.at)
            .finish_non_exhaustive()
    }
}

/// What came of sending a message once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WebhookOutcome {
    /// The receiver has it.
    Delivered {
        /// 2xx.
        status: u16,
    },
    /// The receiver answered 410: it wants no more of them.
    Gone,
    /// The receiver may not have it.
    Failed {
        /// Its answer, if there was one.
        status: Option<u16>,
        /// A word for what went wrong.
        code: String,
        /// A sentence about it, without anything of the address.
        message: String,
        /// How long the receiver asks to be left alone.
        retry_after: Option<Duration>,
    },
}

/// Signs messages and sends them, once each.
#[async_trait]
pub trait WebhookSender: Send + Sync {
    /// Why messages may not go to an address, going on from its name; `None` where they may.
    fn fault_of(&self, url: &str) -> Option<String>;

    /// Sends a message. Ends by itself within half of [`crate::EngineOptions::lease`].
    async fn send(&self, message: WebhookMessage<'_>) -> WebhookOutcome;
}
