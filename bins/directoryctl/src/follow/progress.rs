//! How far a run is, for whoever waits at a terminal.

use std::{
    io::{self, IsTerminal},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use store::{Run, RunPhase};

const TURN_EVERY: Duration = Duration::from_millis(120);

/// A line on standard error; nothing where that is no terminal.
pub(super) struct Progress {
    bar: Option<ProgressBar>,
}

impl Progress {
    pub(super) fn on_terminal() -> Self {
        let bar = io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr())
                .with_style(ProgressStyle::default_spinner());
            bar.set_message("waiting for a worker");
            bar.enable_steady_tick(TURN_EVERY);
            bar
        });
        Self { bar }
    }

    pub(super) fn show(&self, run: &Run) {
        let Some(bar) = &self.bar else { return };
        match (run.phase, run.planned_changes) {
            (Some(RunPhase::Applying), Some(planned)) => {
                if let (None, Ok(style)) = (bar.length(), ProgressStyle::with_template("{bar:40} {pos}/{len} {msg}")) {
                    bar.set_style(style);
                }
                bar.set_length(planned);
                bar.set_position((run.applied_changes + run.exceptions).min(planned));
                bar.set_message("changes applied");
            }
            (Some(RunPhase::Pulling), _) => {
                bar.set_message(format!("reading the directory: {} users so far", run.counts.seen));
            }
            (Some(RunPhase::Planning | RunPhase::Applying), _) => bar.set_message("planning"),
            (None, _) => {}
        }
    }

    pub(super) fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
