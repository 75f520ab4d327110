//! Runs.

use directory_core::Counts;
use http_api::model::{ListView, PreviewView, RunView};
use store::ModeReason;

use crate::table::{Table, time};

/// How the directory was read, and why.
fn mode(run: &RunView) -> String {
    let why = run.mode_reason.map(|reason| match reason {
        ModeReason::Requested => "as asked",
        ModeReason::NoContinuation => "there is no earlier run to go on from under the same rules",
        ModeReason::ScopeChanged => "scope or policy changed",
        ModeReason::ReconcileDue => "it was time to read everybody again",
        ModeReason::ContinuationExpired => "the directory tells no changes from so long ago",
        ModeReason::NotFollowed => "the directory does not tell the changes of this scope",
        ModeReason::ScopeUnclear => "only that tells whether somebody who changed is in scope",
        ModeReason::ManyOpenCases => "too many users wait for a decision",
        ModeReason::Continued => "what changed since the last run",
    });
    why.map_or_else(|| run.mode.as_str().to_owned(), |why| format!("{} ({why})", run.mode.as_str()))
}

pub(crate) fn one(run: &RunView) -> Table {
    let mut table = Table::facts();
    table
        .fact("Run", run.id.to_string())
        .fact("Connection", run.connection_id.to_string())
        .fact("Status", run.status.as_str().to_owned())
        .fact("Phase", run.phase.filter(|_| run.status.is_active()).map(|phase| phase.as_str().to_owned()))
        .fact("Mode", mode(run))
        .fact("Dry run", run.dry_run.then(|| "yes: nothing was written".to_owned()))
        .fact("Preview", run.preview.as_ref().map(preview))
        .fact("Trigger", run.trigger.as_str().to_owned())
        .fact("Queued", time(run.created_at))
        .fact("Waits until", run.not_before.map(time))
        .fact("Started", run.started_at.map(time))
        .fact("Finished", run.finished_at.map(time))
        .fact("Plan", run.plan_digest.clone())
        .fact("Planned changes", run.planned_changes.map(|changes| changes.to_string()))
        .fact("Applied changes", applied(run).map(|changes| changes.to_string()))
        .fact("Changes deleted", run.changes_deleted_at.map(time));
    for (name, count) in named(&run.counts) {
        table.fact(name, count.to_string());
    }
    for reason in run.hold.iter().flat_map(|hold| &hold.reasons) {
        table.fact(if run.dry_run { "Would be held" } else { "Held because" }, reason.message.clone());
    }
    if let Some(error) = &run.error {
        table
            .fact("Error", format!("{}: {}", error.code.as_str(), error.message))
            .fact("Next step", error.hint.clone())
            .fact("Request id", error.request_id.clone());
    }
    table
}

/// What a preview goes by, less its rules.
fn preview(draft: &PreviewView) -> String {
    let scope =
        draft.group_id.as_ref().map_or_else(|| "the whole directory".to_owned(), |group| format!("group {group}"));
    format!("{scope}, role {}", draft.default_role)
}

/// Where there was anything to apply.
fn applied(run: &RunView) -> Option<u64> {
    let applies = !run.dry_run && run.planned_changes.is_some();
    applies.then_some(run.applied_changes)
}

/// Every count by the name to show, in the interface's order.
fn named(counts: &Counts) -> [(&'static str, u64); 10] {
    [
        ("Seen", counts.seen),
        ("Created", counts.created),
        ("Updated", counts.updated),
        ("Linked", counts.linked),
        ("Deactivated", counts.deactivated),
        ("Reactivated", counts.reactivated),
        ("Unchanged", counts.unchanged),
        ("Excluded", counts.excluded),
        ("Protected", counts.protected),
        ("Conflicts", counts.conflicts),
    ]
}

pub(crate) fn list(runs: &ListView<RunView>) -> Table {
    let mut table = Table::list(["ID", "STATUS", "MODE", "DRY", "QUEUED", "SEEN", "CHANGED", "CONFLICTS"]);
    for run in &runs.items {
        table.row([
            run.id.to_string(),
            run.status.as_str().to_owned(),
            run.mode.as_str().to_owned(),
            if run.dry_run { "yes" } else { "-" }.to_owned(),
            time(run.created_at),
            run.counts.seen.to_string(),
            changed(&run.counts).to_string(),
            run.counts.conflicts.to_string(),
        ]);
    }
    table
}

/// Things that a run did to users; a user to whom two happened counts twice.
pub(crate) fn changed(counts: &Counts) -> u64 {
    counts.created + counts.updated + counts.linked + counts.deactivated + counts.reactivated
}
