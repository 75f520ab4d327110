//! What every handler sees.

use std::sync::Arc;

use store::Store;
use sync_engine::SyncEngine;
use tokio::runtime::Handle;
use tracing::Instrument;

use crate::problem::Problem;

/// How the API is served.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ApiConfig {
    /// Where set, the request's host must be a tenant's slug, a dot and this, and the token must be that tenant's.
    pub base_domain: Option<String>,
}

/// The API's state.
pub struct App {
    engine: SyncEngine,
    config: ApiConfig,
    runtime: Handle,
}

impl App {
    /// An API over `engine`. All work of its handlers happens on `runtime`.
    #[must_use]
    pub fn new(engine: SyncEngine, config: ApiConfig, runtime: Handle) -> Self {
        Self { engine, config, runtime }
    }

    pub(crate) fn engine(&self) -> &SyncEngine {
        &self.engine
    }

    pub(crate) fn store(&self) -> &dyn Store {
        self.engine.store().as_ref()
    }

    pub(crate) fn config(&self) -> &ApiConfig {
        &self.config
    }

    /// Does the part of a request that needs the store.
    ///
    /// The HTTP server's threads each have a runtime of their own, and a database connection depends on the runtime
    /// that opened it. Pooled connections outlive those threads at shutdown, when runs are still being given back, so
    /// they are only ever opened on ours. It also means that work goes on when the client hangs up, and that a panic
    /// is a problem response.
    pub(crate) async fn work<T, F, W>(self: &Arc<Self>, work: W) -> Result<T, Problem>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Problem>> + Send + 'static,
        W: FnOnce(Arc<Self>) -> F,
    {
        let task = self.runtime.spawn(work(Arc::clone(self)).in_current_span());
        task.await.map_err(Problem::internal)?
    }
}
