//! Refusals because of where a run stands, each with what to do instead.

use store::RunStatus;

use crate::problem::{Kind, Problem};

/// The run has no plan to decide about.
pub(super) fn not_held(status: RunStatus) -> Problem {
    let instead = match status {
        RunStatus::Queued | RunStatus::Running => {
            "Its plan is not complete, or is approved already: wait for the run's end, or cancel it."
        }
        RunStatus::Held => "It was not a moment ago: try again.",
        RunStatus::Planned => {
            "It was a dry run, which applies nothing: start a sync to have a plan that can be applied."
        }
        RunStatus::Superseded => "A newer run of the connection took its place: decide about that one.",
        RunStatus::Succeeded
        | RunStatus::CompletedWithErrors
        | RunStatus::Failed
        | RunStatus::Cancelled
        | RunStatus::Rejected => "It has ended, so there is nothing left to decide: start a new sync.",
    };
    refusal(Kind::RunNotHeld, status, instead)
}

/// The run cannot be stopped.
pub(super) fn not_active(status: RunStatus) -> Problem {
    let instead = match status {
        RunStatus::Queued | RunStatus::Running => "It was not a moment ago: try again.",
        RunStatus::Held => "It waits for a decision and applies nothing by itself: reject it.",
        RunStatus::Planned
        | RunStatus::Superseded
        | RunStatus::Succeeded
        | RunStatus::CompletedWithErrors
        | RunStatus::Failed
        | RunStatus::Cancelled
        | RunStatus::Rejected => "It has ended, so there is nothing left to stop.",
    };
    refusal(Kind::RunNotActive, status, instead)
}

fn refusal(kind: Kind, status: RunStatus, instead: &str) -> Problem {
    Problem::new(kind, format!("The run's status is `{}`. {instead}", status.as_str()))
}
