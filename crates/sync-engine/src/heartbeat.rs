//! The sign of life of a working run, and the progress that it notes along the way.

use std::{
    future::Future,
    sync::atomic::{AtomicU8, AtomicU64, Ordering},
};

use store::{Lease, Progress, RunPhase, Store, StoreError, chain};
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout_at};

use crate::{EngineOptions, failure::RunFailure};

/// How far a run is, shared between its work and its heartbeat.
pub(crate) struct Pulse {
    phase: AtomicU8,
    seen: AtomicU64,
}

impl Pulse {
    pub(crate) fn starting_in(phase: RunPhase) -> Self {
        Self { phase: AtomicU8::new(phase as u8), seen: AtomicU64::new(0) }
    }

    pub(crate) fn enter(&self, phase: RunPhase) {
        self.phase.store(phase as u8, Ordering::Relaxed);
    }

    pub(crate) fn has_seen(&self, users: u64) {
        self.seen.store(users, Ordering::Relaxed);
    }

    fn progress(&self) -> Progress {
        let phase = match self.phase.load(Ordering::Relaxed) {
            phase if phase == RunPhase::Pulling as u8 => RunPhase::Pulling,
            phase if phase == RunPhase::Planning as u8 => RunPhase::Planning,
            _ => RunPhase::Applying,
        };
        Progress { phase, seen: self.seen.load(Ordering::Relaxed) }
    }
}

/// Works, renewing the lease all the while. The work is dropped as soon as the lease is known to be lost, or could not
/// be renewed for as long as it lasts: from then on somebody else may have the run.
pub(crate) async fn while_beating<T>(
    store: &dyn Store,
    lease: &Lease,
    options: &EngineOptions,
    pulse: &Pulse,
    work: impl Future<Output = Result<T, RunFailure>>,
) -> Result<T, RunFailure> {
    tokio::select! {
        done = work => done,
        lost = beat(store, lease, options, pulse) => Err(lost.into()),
    }
}

async fn beat(store: &dyn Store, lease: &Lease, options: &EngineOptions, pulse: &Pulse) -> StoreError {
    let mut ticks = interval_at(Instant::now() + options.heartbeat, options.heartbeat);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut alive_until = Instant::now() + options.lease;
    loop {
        ticks.tick().await;
        let asked = Instant::now();
        let renewed = timeout_at(alive_until, store.renew(lease, options.lease, pulse.progress())).await;
        match renewed.unwrap_or(Err(StoreError::LeaseLost)) {
            Ok(()) => alive_until = asked + options.lease,
            Err(error @ StoreError::Unavailable(_)) if Instant::now() < alive_until => {
                tracing::warn!(run_id = %lease.run, error = %chain(&error), "the lease could not be renewed yet");
            }
            Err(error) => return error,
        }
    }
}
