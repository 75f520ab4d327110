//! Logging to standard error: standard output is for data. And traces, where a collector takes them.

use tracing::{Span, Subscriber};
use tracing_subscriber::{
    EnvFilter, Layer, filter::Filtered, fmt, layer::SubscriberExt, registry::LookupSpan, util::SubscriberInitExt,
};
use url::Url;

use crate::{LogFormat, LogSettings};

/// Starts logging. `usual` is the filter where none is set: `info` for a server, less for a tool that a person runs.
///
/// Does nothing when the process logs already.
pub fn init_logging(settings: &LogSettings, usual: &str) {
    // Fails only when the process logs already.
    let _ = tracing_subscriber::registry().with(log(settings, usual)).try_init();
}

/// Starts logging, and sending traces to the collector at `endpoint`. [`Traces::finish`] sends the last of them.
pub fn init_logging_and_traces(settings: &LogSettings, usual: &str, endpoint: Option<&Url>) -> anyhow::Result<Traces> {
    #[cfg(feature = "otel")]
    if let Some(endpoint) = endpoint {
        let sender = crate::otel::Sender::to(endpoint)?;
        let _ = tracing_subscriber::registry().with(log(settings, usual)).with(sender.layer()).try_init();
        return Ok(Traces { sender: Some(sender) });
    }
    // No settings have an endpoint in a program without the feature.
    let _ = endpoint;
    init_logging(settings, usual);
    Ok(Traces::default())
}

fn log<S>(settings: &LogSettings, usual: &str) -> Filtered<Box<dyn Layer<S> + Send + Sync>, EnvFilter, S>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    let filter = EnvFilter::new(settings.filter.as_deref().unwrap_or(usual));
    let lines = fmt::layer().with_writer(std::io::stderr);
    let lines = match settings.format {
        LogFormat::Pretty => lines.boxed(),
        // The list of spans has the current one already.
        LogFormat::Json => lines.json().flatten_event(true).with_current_span(false).boxed(),
    };
    lines.with_filter(filter)
}

/// The traces that are being sent, if they are.
#[derive(Default)]
pub struct Traces {
    #[cfg(feature = "otel")]
    sender: Option<crate::otel::Sender>,
}

impl Traces {
    /// What makes a span part of the trace that a `traceparent` header names; `None` where no traces are sent.
    #[must_use]
    pub fn parents(&self) -> Option<fn(&Span, &str)> {
        #[cfg(feature = "otel")]
        if self.sender.is_some() {
            return Some(crate::otel::adopt);
        }
        None
    }

    /// Sends what is left, for five seconds at most. To be called outside of any asynchronous runtime's threads.
    pub fn finish(self) {
        #[cfg(feature = "otel")]
        if let Some(sender) = self.sender {
            sender.finish();
        }
    }
}
