//! What every request handler sees.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use actix_web::{HttpRequest, http::header, rt::time};
use uuid::Uuid;

use crate::config::{Config, DeltaPaging, TenantConfig};
use crate::directory::{Directory, Profile};
use crate::fault::Faults;
use crate::graph::Sealer;
use crate::registration::Registration;
use crate::requests::Requests;

/// The state behind all workers.
pub(crate) struct App {
    pub(crate) tenants: Vec<Tenant>,
    pub(crate) faults: Faults,
    pub(crate) requests: Requests,
    pub(crate) sealer: Sealer,
    pub(crate) token_life: Duration,
    pub(crate) max_page_size: usize,
    delta: RwLock<DeltaPaging>,
    latency_micros: AtomicU64,
}

/// One tenant being served.
pub(crate) struct Tenant {
    pub(crate) directory_id: Uuid,
    pub(crate) domain: String,
    pub(crate) client_id: Uuid,
    pub(crate) registration: Registration,
    pub(crate) directory: Directory,
}

impl App {
    pub(crate) fn new(config: Config) -> Self {
        let app = Self {
            tenants: config.tenants.into_iter().map(|tenant| Tenant::new(tenant, config.edits_kept)).collect(),
            faults: Faults::default(),
            requests: Requests::default(),
            sealer: Sealer::new(),
            token_life: config.token_life,
            max_page_size: config.max_page_size.max(1),
            delta: RwLock::new(config.delta),
            latency_micros: AtomicU64::new(0),
        };
        app.set_latency(config.latency);
        app
    }

    pub(crate) fn set_latency(&self, latency: Duration) {
        let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        self.latency_micros.store(micros, Ordering::Relaxed);
    }

    pub(crate) fn delta(&self) -> DeltaPaging {
        *self.delta.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set_delta(&self, paging: DeltaPaging) {
        *self.delta.write().unwrap_or_else(PoisonError::into_inner) = paging;
    }

    /// Waits as long as Graph is set to take.
    pub(crate) async fn take_time(&self) {
        match self.latency_micros.load(Ordering::Relaxed) {
            0 => {}
            micros => time::sleep(Duration::from_micros(micros)).await,
        }
    }

    pub(crate) fn tenant(&self, directory_id: Uuid) -> Option<&Tenant> {
        self.tenants.iter().find(|tenant| tenant.directory_id == directory_id)
    }
}

impl Tenant {
    fn new(config: TenantConfig, edits_kept: usize) -> Self {
        let profile = Profile { seed: config.seed, domain: config.domain.clone(), mix: config.mix };
        Self {
            directory_id: config.directory_id,
            domain: config.domain,
            client_id: config.client_id,
            registration: Registration::new(config.client_secret, config.permissions),
            directory: Directory::new(profile, config.users, edits_kept),
        }
    }
}

/// The origin by which the client reached this server; links lead back to it.
pub(crate) fn origin(request: &HttpRequest) -> String {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    match host {
        Some(host) => format!("http://{host}"),
        None => format!("http://{}", request.app_config().local_addr()),
    }
}
