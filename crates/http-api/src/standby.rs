//! What those hear who ask without a token whether, and how, the server is: each answer is shared for a moment.

use std::{sync::Arc, time::Duration};

use store::{StoreError, chain};
use sync_engine::EngineError;
use tokio::time::timeout;

use crate::{app::App, shared::Shared};

/// How long an answer about readiness is good for.
const FRESH: Duration = Duration::from_secs(1);
/// How long the numbers over all tenants are good for: they cost more than most requests.
const CENSUS_FRESH: Duration = Duration::from_secs(5);
/// How long who asks waits for the database: less than Prometheus waits for its answer (10 seconds).
const PATIENCE: Duration = Duration::from_secs(5);

/// Whether the server can serve.
#[derive(Clone, Debug)]
pub(crate) enum Standing {
    Ready,
    Down(Down),
}

/// Which check failed, and the log's word for why.
#[derive(Clone, Debug)]
pub(crate) enum Down {
    Database(Arc<str>),
    Migrations(Arc<str>),
    Keys(Arc<str>),
}

impl Down {
    fn of(error: &EngineError) -> Self {
        let cause = chain(error).to_string().into();
        match error {
            EngineError::Store(StoreError::Schema(_)) => Self::Migrations(cause),
            EngineError::Seal(_) | EngineError::Open(_) => Self::Keys(cause),
            EngineError::Store(_) | EngineError::Provider(_) | EngineError::UnknownProvider(_) => Self::Database(cause),
        }
    }

    /// For whoever asked: nothing of the cause.
    pub(crate) fn detail(&self) -> &'static str {
        match self {
            Self::Database(_) => "The check `database` failed: the database cannot be used at the moment.",
            Self::Migrations(_) => "The check `migrations` failed: the database's schema is not this program's.",
            Self::Keys(_) => "The check `keys` failed: the encryption keys do not open what they seal.",
        }
    }

    /// For the log.
    pub(crate) fn cause(&self) -> String {
        let (Self::Database(cause) | Self::Migrations(cause) | Self::Keys(cause)) = self;
        cause.to_string()
    }
}

/// The shared answers.
pub(crate) struct Standby {
    standing: Shared<Standing>,
    census: Shared<()>,
}

impl Default for Standby {
    fn default() -> Self {
        Self { standing: Shared::fresh_for(FRESH), census: Shared::fresh_for(CENSUS_FRESH) }
    }
}

impl Standby {
    /// Whether the server can serve. Takes no place among the requests that use the store: a server that is busy is ready.
    pub(crate) async fn standing(&self, app: &App) -> Standing {
        let engine = app.engine().clone();
        let check = || async move {
            match timeout(PATIENCE, engine.check()).await {
                Ok(Ok(())) => Standing::Ready,
                Ok(Err(error)) => Standing::Down(Down::of(&error)),
                Err(_) => Standing::Down(Down::Database("the database did not answer in time".into())),
            }
        };
        let standing = self.standing.get(app.runtime(), check).await;
        standing.unwrap_or_else(|| Standing::Down(Down::Database("the check ended unexpectedly".into())))
    }

    /// Brings the numbers over all tenants up to date, or gives up on it for now.
    pub(crate) async fn take_census(&self, app: &App) {
        let engine = app.engine().clone();
        let take = || async move {
            if timeout(PATIENCE, engine.take_census()).await.is_err() {
                sync_engine::metrics::take_census(None);
            }
        };
        // A look that panics is followed by another with the next request.
        let _ = self.census.get(app.runtime(), take).await;
    }
}
