//! Logging to standard error: standard output is for data.

use tracing_subscriber::EnvFilter;

use crate::{LogFormat, LogSettings};

/// Starts logging. `usual` is the filter where none is set: `info` for a server, less for a tool that a person runs.
///
/// Does nothing when the process logs already.
pub fn init_logging(settings: &LogSettings, usual: &str) {
    let filter = EnvFilter::new(settings.filter.as_deref().unwrap_or(usual));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // The list of spans has the current one already. Fails only when the process logs already.
    let _ = match settings.format {
        LogFormat::Pretty => builder.try_init(),
        LogFormat::Json => builder.json().flatten_event(true).with_current_span(false).try_init(),
    };
}
