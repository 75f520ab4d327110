//! What every handler sees.

use std::{sync::Arc, time::Instant};

use directory_core::TenantId;
use secrecy::{ExposeSecret, SecretString};
use store::{Store, Token};
use sync_engine::SyncEngine;
use tokio::{runtime::Handle, sync::Semaphore, time::timeout};
use tracing::Instrument;

use crate::{
    config::ApiConfig,
    problem::Problem,
    rates::Rates,
    sign_in::{SignIn, SignInError, SignedIn},
    standby::Standby,
    telemetry::Telemetry,
    uses::Uses,
    visits::{Visit, Visits},
    watch::Watches,
};

const BUSY_RETRY_SECONDS: u64 = 1;

/// The API's state.
pub struct App {
    engine: SyncEngine,
    config: ApiConfig,
    runtime: Handle,
    sign_in: Option<Arc<dyn SignIn>>,
    rates: Rates,
    uses: Arc<Uses>,
    watches: Watches,
    /// One for each request that uses the store.
    room: Arc<Semaphore>,
    /// One for each token of a platform that is being verified.
    verifying: Arc<Semaphore>,
    visits: Arc<Visits>,
    standby: Standby,
    telemetry: Telemetry,
}

impl App {
    /// An API over `engine`. All work of its handlers happens on `runtime`.
    #[must_use]
    pub fn new(engine: SyncEngine, config: ApiConfig, runtime: Handle) -> Self {
        let limits = &config.limits;
        let places = || Arc::new(Semaphore::new(limits.concurrent_requests.min(Semaphore::MAX_PERMITS)));
        let (room, verifying) = (places(), places());
        let (rates, watches) = (Rates::new(limits), Watches::new(limits));
        let (uses, visits) = (Arc::default(), Arc::default());
        let (standby, telemetry) = (Standby::default(), Telemetry::default());
        Self {
            engine,
            config,
            runtime,
            sign_in: None,
            rates,
            uses,
            watches,
            room,
            verifying,
            visits,
            standby,
            telemetry,
        }
    }

    /// The same API, watched in this way.
    #[must_use]
    pub fn with_telemetry(self, telemetry: Telemetry) -> Self {
        Self { telemetry, ..self }
    }

    /// Takes, beside API tokens, the tokens of a platform that signs its users in itself.
    #[must_use]
    pub fn with_sign_in(self, sign_in: Arc<dyn SignIn>) -> Self {
        Self { sign_in: Some(sign_in), ..self }
    }

    /// Ends event streams and waits, so that a server can stop in good order. [`Server`](crate::Server) does it by
    /// itself.
    pub fn close(&self) {
        self.watches.close();
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

    pub(crate) fn runtime(&self) -> &Handle {
        &self.runtime
    }

    pub(crate) fn sign_in(&self) -> Option<&Arc<dyn SignIn>> {
        self.sign_in.as_ref()
    }

    pub(crate) fn rates(&self) -> &Rates {
        &self.rates
    }

    /// Has it noted that a token is in use, behind the request that uses it.
    pub(crate) fn note_use(&self, token: &Token) {
        if self.uses.is_news(token.id, Instant::now()) {
            let (uses, store) = (Arc::clone(&self.uses), Arc::clone(self.engine.store()));
            let (tenant, id) = (token.tenant, token.id);
            self.runtime.spawn(async move { uses.note(&*store, tenant, id).await });
        }
    }

    pub(crate) fn watches(&self) -> &Watches {
        &self.watches
    }

    pub(crate) fn standby(&self) -> &Standby {
        &self.standby
    }

    pub(crate) fn telemetry(&self) -> &Telemetry {
        &self.telemetry
    }

    /// Room for a request that goes out to a directory, until it is dropped.
    pub(crate) fn visit(&self, tenant: TenantId) -> Result<Visit, Problem> {
        self.visits.begin(tenant).ok_or_else(|| Problem::too_many_visits(BUSY_RETRY_SECONDS))
    }

    /// Asks whose a platform's token is. It has places of its own: an issuer that hangs keeps those waiting who come with
    /// its tokens, and nobody else.
    pub(crate) async fn verify(
        &self,
        token: SecretString,
        sign_in: Arc<dyn SignIn>,
    ) -> Result<Result<SignedIn, SignInError>, Problem> {
        let Ok(place) = Arc::clone(&self.verifying).try_acquire_owned() else {
            return Ok(Err(SignInError::Unavailable));
        };
        let verifying = async move {
            let verified = sign_in.verify(token.expose_secret()).await;
            drop(place);
            verified
        };
        let task = self.runtime.spawn(verifying.in_current_span());
        let ended = timeout(self.config.limits.request_time, task).await.map_err(|_| Problem::timeout())?;
        ended.map_err(Problem::internal)
    }

    /// Does the part of a request that needs the store.
    ///
    /// The HTTP server's threads each have a runtime of their own, and a database connection depends on the runtime
    /// that opened it. Pooled connections outlive those threads at shutdown, when runs are still being given back, so
    /// they are only ever opened on ours. It also means that work goes on when the client hangs up, or has waited for
    /// too long, and that a panic is a problem response.
    ///
    /// There is room for so many at a time, and one beyond is refused: a queue would only let everybody wait for what
    /// nobody waits for any more. The work itself holds the place, since it can outlast its request.
    pub(crate) async fn work<T, F, W>(self: &Arc<Self>, work: W) -> Result<T, Problem>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Problem>> + Send + 'static,
        W: FnOnce(Arc<Self>) -> F,
    {
        let place = Arc::clone(&self.room).try_acquire_owned();
        let place = place.map_err(|_| Problem::overloaded(BUSY_RETRY_SECONDS))?;
        let work = work(Arc::clone(self)).in_current_span();
        let task = self.runtime.spawn(async move {
            let done = work.await;
            drop(place);
            done
        });
        let ended = timeout(self.config.limits.request_time, task).await.map_err(|_| Problem::timeout())?;
        ended.map_err(Problem::internal)?
    }
}
