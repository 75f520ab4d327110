//! The recorder of what the crates measure.

use std::time::Duration;

use anyhow::Context;
use metrics::{describe_gauge, gauge};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

/// The program's version, as a label.
const BUILD_INFO: &str = "directory_build_info";

/// Seconds that requests take, ours and those to directories.
const REQUESTS: [f64; 12] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0];
/// Seconds that runs and waits take.
const RUNS: [f64; 10] = [1.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1_800.0, 3_600.0];

/// How often what was measured is put together, so that it needs no memory while nobody asks for it.
const UPKEEP: Duration = Duration::from_secs(5);

/// The process's recorder.
#[derive(Clone, Debug)]
pub struct Metrics {
    handle: PrometheusHandle,
}

/// Records what this process measures from now on; fails when it does so already.
pub fn install_metrics() -> anyhow::Result<Metrics> {
    let of = |name: &str| Matcher::Full(name.to_owned());
    let handle = PrometheusBuilder::new()
        .set_buckets(&REQUESTS)
        .and_then(|builder| builder.set_buckets_for_metric(of(sync_engine::metrics::RUN_DURATION), &RUNS))
        .and_then(|builder| builder.set_buckets_for_metric(of(provider_entra::metrics::THROTTLED), &RUNS))
        .and_then(PrometheusBuilder::install_recorder)
        .context("cannot record metrics")?;
    describe_gauge!(BUILD_INFO, "1; the label says which version runs");
    gauge!(BUILD_INFO, "version" => env!("CARGO_PKG_VERSION")).set(1.0);
    sync_engine::metrics::describe();
    provider_entra::metrics::describe();
    Ok(Metrics { handle })
}

impl Metrics {
    /// Everything that was measured, in Prometheus' text format.
    #[must_use]
    pub fn render(&self) -> String {
        self.handle.render()
    }

    /// Keeps memory in bounds while nobody asks; never ends.
    pub async fn keep(self) {
        loop {
            tokio::time::sleep(UPKEEP).await;
            self.handle.run_upkeep();
        }
    }
}
