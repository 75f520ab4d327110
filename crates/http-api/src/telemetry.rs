//! What the program brings along for those who watch it. Recorders and exporters are a process's own, so the API installs
//! none: it counts and opens spans, and is told how to show them.

use std::{fmt, sync::Arc};

use tracing::Span;

type Render = dyn Fn() -> String + Send + Sync;
type Adopt = dyn Fn(&Span, &str) + Send + Sync;

/// How the program shows what is measured and traced. By default not at all.
#[derive(Clone, Default)]
pub struct Telemetry {
    pub(crate) metrics: Option<Arc<Render>>,
    adopt: Option<Arc<Adopt>>,
}

impl Telemetry {
    /// Serves the text that this gives at `GET /metrics`, in Prometheus' format. Without it that is answered with 404.
    #[must_use]
    pub fn with_metrics(self, render: impl Fn() -> String + Send + Sync + 'static) -> Self {
        Self { metrics: Some(Arc::new(render)), ..self }
    }

    /// Has this make a request's span part of the caller's trace: it is given the span, and the value of the request's
    /// `traceparent` header (W3C Trace Context), which anybody can send.
    #[must_use]
    pub fn with_parents(self, adopt: impl Fn(&Span, &str) + Send + Sync + 'static) -> Self {
        Self { adopt: Some(Arc::new(adopt)), ..self }
    }

    pub(crate) fn adopt(&self, span: &Span, traceparent: Option<&str>) {
        if let (Some(adopt), Some(traceparent)) = (&self.adopt, traceparent) {
            adopt(span, traceparent);
        }
    }
}

impl fmt::Debug for Telemetry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (metrics, parents) = (self.metrics.is_some(), self.adopt.is_some());
        f.debug_struct("Telemetry").field("metrics", &metrics).field("parents", &parents).finish()
    }
}
