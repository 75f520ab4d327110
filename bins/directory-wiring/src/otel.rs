//! Traces to an OpenTelemetry collector: OTLP over HTTP. Only with the feature `otel`.
//!
//! The standard's own variables hold for everything but the address: `OTEL_EXPORTER_OTLP_HEADERS`, `OTEL_RESOURCE_ATTRIBUTES`,
//! `OTEL_SERVICE_NAME`, `OTEL_TRACES_SAMPLER`, `OTEL_BSP_*`.

use std::{collections::HashMap, env, time::Duration};

use anyhow::Context;
use opentelemetry::{
    propagation::TextMapPropagator,
    trace::{TraceContextExt, TracerProvider},
};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig};
use opentelemetry_sdk::{Resource, propagation::TraceContextPropagator, trace::SdkTracerProvider};
use tracing::{Span, Subscriber, level_filters::LevelFilter};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::{Layer, filter::Targets, registry::LookupSpan};
use url::Url;

/// How long the end of a process waits for the last traces to be sent.
const FLUSH: Duration = Duration::from_secs(5);

/// Whose spans are sent. Libraries' own are not: what they hold is not ours to promise.
const OURS: [&str; 4] = ["http_api", "sync_engine", "provider_entra", "directory_server"];

/// Sends spans in batches, from a thread of its own.
pub(crate) struct Sender {
    provider: SdkTracerProvider,
}

impl Sender {
    pub(crate) fn to(endpoint: &Url) -> anyhow::Result<Self> {
        let exporter = SpanExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(format!("{}/v1/traces", endpoint.as_str().trim_end_matches('/')))
            .build()
            .context("cannot set up the sending of traces")?;
        let resource = Resource::builder();
        let resource = match env::var_os("OTEL_SERVICE_NAME") {
            Some(_) => resource,
            None => resource.with_service_name("directory-server"),
        };
        let provider =
            SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource.build()).build();
        Ok(Self { provider })
    }

    pub(crate) fn layer<S>(&self) -> impl Layer<S> + Send + Sync + use<S>
    where
        S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
    {
        tracing_opentelemetry::layer()
            .with_tracer(self.provider.tracer("directory-sync"))
            // Places in the source and threads are noise on every span.
            .with_location(false)
            .with_threads(false)
            .with_tracked_inactivity(false)
            .with_filter(Targets::new().with_targets(OURS.map(|target| (target, LevelFilter::INFO))))
    }

    /// Blocks while it sends what is left.
    pub(crate) fn finish(self) {
        if let Err(error) = self.provider.shutdown_with_timeout(FLUSH) {
            tracing::warn!(%error, "the last traces could not be sent");
        }
    }
}

/// Makes the span a part of the caller's trace. Values that are none, anybody can send; they leave it the root of its own.
pub(crate) fn adopt(span: &Span, traceparent: &str) {
    let header = HashMap::from([("traceparent".to_owned(), traceparent.to_owned())]);
    let caller = TraceContextPropagator::new().extract(&header);
    if caller.span().span_context().is_valid() {
        // Fails only where the span is not recorded, or has begun already.
        let _ = span.set_parent(caller);
    }
}
