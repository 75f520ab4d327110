//! Webhooks: the feed of events, sent to where tenants want it.

mod ladder;
mod manage;
mod outgoing;
mod port;
mod turn;
mod worker;

pub use self::{
    ladder::{LONGEST_WAIT, MOST_ATTEMPTS, next_attempt},
    manage::{MOST_WEBHOOKS, OLD_SECRET_TIME, WebhookRegistration},
    port::{WebhookMessage, WebhookOutcome, WebhookSender},
    turn::MOST_PENDING,
};
pub(crate) use self::{manage::open_secret, manage::reseal_secret, worker::send_webhooks};
