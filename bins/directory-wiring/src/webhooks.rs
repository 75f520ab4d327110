//! The sender of webhooks, as the engine asks it.

use std::sync::Arc;

use anyhow::Context;
use async_trait::async_trait;
use secrecy::ExposeSecret;
use sync_engine::webhooks::{WebhookMessage, WebhookOutcome, WebhookSender};
use url::Url;
use webhook_sender::{Message, Options, Outcome, Reach, Secret, Sender, body};

use crate::Settings;

struct HttpSender(Sender);

/// What sends messages to webhooks.
pub fn webhook_sender(settings: &Settings) -> anyhow::Result<Arc<dyn WebhookSender>> {
    let reach = if settings.webhook_private_hosts { Reach::Anywhere } else { Reach::Public };
    let sender = Sender::new(&Options::new(reach)).context("cannot set up sending to webhooks")?;
    Ok(Arc::new(HttpSender(sender)))
}

#[async_trait]
impl WebhookSender for HttpSender {
    fn fault_of(&self, url: &str) -> Option<String> {
        match Url::parse(url) {
            Ok(parsed) => self.0.check(&parsed).err().map(|fault| fault.to_string()),
            Err(_) => Some("must be an https:// address".to_owned()),
        }
    }

    async fn send(&self, message: WebhookMessage<'_>) -> WebhookOutcome {
        let secrets: Result<Vec<Secret>, _> =
            message.secrets.iter().map(|secret| Secret::parse(secret.expose_secret())).collect();
        let (Ok(url), Ok(secrets)) = (Url::parse(message.url), secrets) else {
            // Neither is ever stored so.
            return failed(None, "unusable", "its address or its secret cannot be used".to_owned(), None);
        };
        let body = body(message.kind, message.happened, message.data);
        match self.0.send(&url, &secrets, Message { id: message.id, at: message.at, body: &body }).await {
            Outcome::Delivered { status } => WebhookOutcome::Delivered { status },
            Outcome::Gone => WebhookOutcome::Gone,
            Outcome::Failed { failure, retry_after } => {
                let status = match failure {
                    webhook_sender::Failure::Status(status) => Some(status),
                    _ => None,
                };
                failed(status, failure.code(), failure.to_string(), retry_after)
            }
        }
    }
}

fn failed(
    status: Option<u16>,
    code: &str,
    message: String,
    retry_after: Option<std::time::Duration>,
) -> WebhookOutcome {
    WebhookOutcome::Failed { status, code: code.to_owned(), message, retry_after }
}
