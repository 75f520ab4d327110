//! Hearing that a run was queued: `LISTEN`, on a session of its own. The trigger of migration 12 is who tells.
//!
//! Whatever goes wrong here costs time and nothing else, since workers also look by themselves. Behind a pooler that
//! hands sessions out by the transaction, listening looks as if it worked and nothing is ever heard.

use std::time::Duration;

use async_trait::async_trait;
use sqlx::postgres::PgListener;
use store::{QueueWatch, StoreError, chain};
use tokio::time::{sleep, timeout};

use crate::{access::Access, error::failed};

/// The one that the trigger names.
const CHANNEL: &str = "directory_queue";

/// After so long a silence the server is asked whether it is still there, and given so long to answer: a connection that
/// was lost without a word looks like a quiet one.
const SILENCE: Duration = Duration::from_mins(1);
const ANSWER: Duration = Duration::from_secs(10);

/// Between two attempts to connect.
const PAUSE: Duration = Duration::from_secs(5);

pub(crate) struct PostgresQueueWatch {
    access: Access,
    listener: Option<PgListener>,
    /// An outage is told once.
    told: bool,
}

impl PostgresQueueWatch {
    pub(crate) fn new(access: Access) -> Self {
        Self { access, listener: None, told: false }
    }

    /// Connects until it works. What was queued meanwhile was not heard.
    async fn connect(&mut self) -> PgListener {
        loop {
            match self.access.listener(CHANNEL).await {
                Ok(listener) => {
                    if self.told {
                        tracing::info!("the database tells of queued runs again");
                        self.told = false;
                    }
                    return listener;
                }
                Err(error) => self.tell(error),
            }
            sleep(PAUSE).await;
        }
    }

    fn tell(&mut self, error: sqlx::Error) {
        if !self.told {
            let error: StoreError = failed(error);
            tracing::warn!(error = %chain(&error), "queued runs are found by looking only: the database cannot be listened to");
            self.told = true;
        }
    }
}

#[async_trait]
impl QueueWatch for PostgresQueueWatch {
    async fn queued(&mut self) {
        loop {
            let Some(listener) = self.listener.as_mut() else {
                self.listener = Some(self.connect().await);
                // There may be runs from before.
                return;
            };
            match timeout(SILENCE, listener.try_recv()).await {
                Ok(Ok(Some(_))) => {
                    // One look at the queue is enough for all of them.
                    while listener.next_buffered().is_some() {}
                    return;
                }
                Err(_) if is_there(listener).await => {}
                _ => self.listener = None,
            }
        }
    }
}

/// Whether the server answers. What it tells meanwhile is kept.
async fn is_there(listener: &mut PgListener) -> bool {
    matches!(timeout(ANSWER, sqlx::query("SELECT 1").execute(listener)).await, Ok(Ok(_)))
}
