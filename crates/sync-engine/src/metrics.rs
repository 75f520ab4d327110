//! What the engine counts, for whichever recorder the program has installed; without one it costs next to nothing.
//!
//! Labels have few and fixed values: no tenant, no connection, no user.

use std::time::Instant;

use directory_core::{Action, Counts};
use metrics::{Counter, Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use store::{Census, Claim, ConnectionState, Run, RunPhase, RunStatus, Trigger};

/// Runs that this process has worked on, by what came of it.
pub const RUNS: &str = "directory_runs_total";
/// How long it worked on them.
pub const RUN_DURATION: &str = "directory_run_duration_seconds";
/// Runs that it works on now.
pub const RUNS_RUNNING: &str = "directory_runs_running";
/// Runs that wait for a worker, of all processes.
pub const RUNS_QUEUED: &str = "directory_runs_queued";
/// How long the oldest of them has waited.
pub const QUEUE_AGE: &str = "directory_run_queue_age_seconds";
/// Users changed.
pub const CHANGES: &str = "directory_changes_total";
/// Changes that were not made.
pub const CHANGES_REFUSED: &str = "directory_changes_refused_total";
/// Connections by state.
pub const CONNECTIONS: &str = "directory_connections";
/// Connections whose credential has ended or ends within the time that the label `within` says, each counted once, under
/// the nearest of `expired`, `1d`, `7d` and `30d`. Of all tenants, as of the last look.
pub const CREDENTIALS_EXPIRING: &str = "directory_credentials_expiring";
/// Credentials that no key of this process opens.
pub const KEYLESS: &str = "directory_credentials_without_key";
/// Messages to webhooks, by what came of an attempt: `delivered`, `failed`, or `dead`, which is given up.
pub const WEBHOOK_MESSAGES: &str = "directory_webhook_messages_total";
/// Whether the database answered the last question for these numbers.
pub const DATABASE_UP: &str = "directory_database_up";

/// What the work on a run can come to, and whether that is a dry run.
const ENDS: [(RunStatus, bool); 8] = [
    (RunStatus::Held, false),
    (RunStatus::Succeeded, false),
    (RunStatus::CompletedWithErrors, false),
    (RunStatus::Failed, false),
    (RunStatus::Cancelled, false),
    (RunStatus::Planned, true),
    (RunStatus::Failed, true),
    (RunStatus::Cancelled, true),
];

/// Tells the recorder what the metrics mean, and begins each counter at 0, so that the first event is seen as one.
pub fn describe() {
    describe_counter!(
        RUNS,
        "Runs that this process worked on, by what came of it; one that is held and approved counts twice"
    );
    describe_histogram!(RUN_DURATION, Unit::Seconds, "Time that this process worked on a run, from its claim on");
    describe_gauge!(RUNS_RUNNING, "Runs that this process works on");
    describe_gauge!(RUNS_QUEUED, "Runs that wait for a worker, of all tenants; NaN while the database is away");
    describe_gauge!(
        QUEUE_AGE,
        Unit::Seconds,
        "Wait of the oldest queued run that nobody has begun; 0 without one, NaN while the database is away"
    );
    describe_counter!(CHANGES, "Users changed, by what was done");
    describe_counter!(
        CHANGES_REFUSED,
        "Changes not made: in conflict, protected, or stale since the user had moved on"
    );
    describe_gauge!(CONNECTIONS, "Connections of all tenants by state; NaN while the database is away");
    describe_gauge!(
        CREDENTIALS_EXPIRING,
        "Connections whose credential has ended or ends within so long, each counted once"
    );
    describe_gauge!(KEYLESS, "Stored credentials that no key of this process opens");
    describe_counter!(WEBHOOK_MESSAGES, "Attempts to send a message to a webhook, by what came of them");
    describe_gauge!(DATABASE_UP, "1 if the database answered when it was last asked for these numbers, else 0");

    for (status, dry_run) in ENDS {
        for trigger in [Trigger::Manual, Trigger::Schedule] {
            runs(status, trigger, dry_run).increment(0);
        }
    }
    for outcome in ["delivered", "failed", "dead"] {
        counter!(WEBHOOK_MESSAGES, "outcome" => outcome).increment(0);
    }
    count_changes(&Done::default(), &Done::default());
    gauge!(RUNS_RUNNING).increment(0.0);
}

/// The work of this process on a run, from its claim on.
pub(crate) struct Work {
    since: Instant,
}

impl Work {
    pub(crate) fn begin() -> Self {
        gauge!(RUNS_RUNNING).increment(1.0);
        Self { since: Instant::now() }
    }

    /// It came to what the run now is.
    pub(crate) fn came_to(&self, claim: &Claim, run: &Run) {
        histogram!(RUN_DURATION).record(self.since.elapsed());
        count_end(claim, run);
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        gauge!(RUNS_RUNNING).decrement(1.0);
    }
}

/// Counts what came of a claimed run, and what was done since the claim.
pub(crate) fn count_end(claim: &Claim, run: &Run) {
    runs(run.status, run.trigger, run.dry_run).increment(1);
    // Before it is applied, a plan's counts say what applying would do.
    let is_done = run.phase == Some(RunPhase::Applying) && !run.dry_run && run.status != RunStatus::Held;
    if is_done {
        let before = if claim.plan_complete { Done::by(&claim.run) } else { Done::default() };
        count_changes(&Done::by(run), &before);
    }
}

/// What the store was found to hold, or that it was not to be asked.
pub fn take_census(census: Option<&Census>) {
    gauge!(DATABASE_UP).set(if census.is_some() { 1.0 } else { 0.0 });
    // An old number would look like a fresh one.
    let number = |number: fn(&Census) -> f64| census.map_or(f64::NAN, number);
    gauge!(RUNS_QUEUED).set(number(|census| float(census.queued)));
    gauge!(QUEUE_AGE).set(number(|census| census.oldest_wait.unwrap_or_default().as_secs_f64()));
    gauge!(CONNECTIONS, "state" => ConnectionState::Active.as_str())
        .set(number(|census| float(census.connections.active)));
    gauge!(CONNECTIONS, "state" => ConnectionState::Paused.as_str())
        .set(number(|census| float(census.connections.paused)));
    gauge!(CONNECTIONS, "state" => ConnectionState::Quarantined.as_str())
        .set(number(|census| float(census.connections.quarantined)));
}

/// So many credentials have no key here.
pub(crate) fn keyless(credentials: u64) {
    gauge!(KEYLESS).set(float(credentials));
}

/// An attempt to send a message came to this.
pub(crate) fn webhook_message(outcome: &'static str) {
    counter!(WEBHOOK_MESSAGES, "outcome" => outcome).increment(1);
}

fn runs(status: RunStatus, trigger: Trigger, dry_run: bool) -> Counter {
    let dry_run = if dry_run { "true" } else { "false" };
    counter!(RUNS, "status" => status.as_str(), "trigger" => trigger.as_str(), "dry_run" => dry_run)
}

/// What a run has done so far.
#[derive(Default)]
struct Done {
    counts: Counts,
    exceptions: u64,
}

impl Done {
    fn by(run: &Run) -> Self {
        Self { counts: run.counts, exceptions: run.exceptions }
    }

    fn applied(&self) -> [(Action, u64); 5] {
        [
            (Action::Create, self.counts.created),
            (Action::Link, self.counts.linked),
            (Action::Update, self.counts.updated),
            (Action::Deactivate, self.counts.deactivated),
            (Action::Reactivate, self.counts.reactivated),
        ]
    }

    fn refused(&self) -> [(&'static str, u64); 3] {
        [
            (Action::Conflict.as_str(), self.counts.conflicts),
            (Action::Protected.as_str(), self.counts.protected),
            ("stale", self.exceptions),
        ]
    }
}

fn count_changes(now: &Done, before: &Done) {
    for ((action, now), (_, before)) in now.applied().into_iter().zip(before.applied()) {
        counter!(CHANGES, "action" => action.as_str()).increment(now.saturating_sub(before));
    }
    for ((reason, now), (_, before)) in now.refused().into_iter().zip(before.refused()) {
        counter!(CHANGES_REFUSED, "reason" => reason).increment(now.saturating_sub(before));
    }
}

/// Metrics are floating point; no real count is near the limit.
#[expect(clippy::cast_precision_loss, reason = "exact up to nine quadrillions")]
fn float(number: u64) -> f64 {
    number as f64
}
