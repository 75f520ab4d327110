//! A claimed run, from the claim to its end.

use std::time::Duration;

use store::{Claim, ConnectionEffect, Run, RunEnd, RunPhase, RunStatus, StoreError, chain};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, Span, field::Empty};

use crate::{
    SyncEngine,
    failure::RunFailure,
    heartbeat::{Pulse, while_beating},
    metrics::{self, Work},
    plan::Planning,
};

/// How often, and how far apart, the last word about a run is tried when the database is away.
const LAST_WORD_TRIES: u32 = 5;
const LAST_WORD_PAUSE: Duration = Duration::from_millis(500);

/// What is to be said of a run when its work is over.
enum LastWord {
    /// It has ended.
    End(RunEnd),
    /// It goes back to the queue.
    GiveBack,
    /// Nothing: its plan was sent on, to a person or as a dry run's end.
    SentOn,
    /// Nothing: somebody else has it, or has cancelled it.
    Lost,
    /// Nothing: it is to be taken up once its lease has passed.
    Wait,
}

impl SyncEngine {
    /// Executes a claimed run. When `stop` is cancelled the run is given back, with what was done so far. Whatever
    /// happens is on the run in the store; a run about which the store cannot be told is taken up again once its lease
    /// has passed.
    pub async fn execute(&self, claim: Claim, stop: &CancellationToken) {
        let span = tracing::info_span!(
            "run",
            run_id = %claim.run.id,
            tenant = %claim.run.tenant,
            connection_id = %claim.run.connection,
            provider = claim.connection.provider,
            status = Empty,
        );
        self.work_to_the_end(claim, stop).instrument(span).await;
    }

    async fn work_to_the_end(&self, claim: Claim, stop: &CancellationToken) {
        let begun = Work::begin();
        // Work that is over is over, even if it is told to stop at that moment.
        let word = tokio::select! {
            biased;
            done = self.work(&claim) => last_word(&claim.run, done),
            () = stop.cancelled() => LastWord::GiveBack,
        };
        if let Some(run) = self.say(&claim, word).await {
            Span::current().record("status", run.status.as_str());
            begun.came_to(&claim, &run);
        }
    }

    /// `None` when the run waits for a person or ended as a dry run.
    async fn work(&self, claim: &Claim) -> Result<Option<RunEnd>, RunFailure> {
        if claim.attempt > self.options.attempts {
            return Err(RunFailure::Stuck(claim.attempt - 1));
        }
        let phase = if claim.plan_complete { RunPhase::Applying } else { RunPhase::Pulling };
        let pulse = Pulse::starting_in(phase);
        let store = self.store().as_ref();
        while_beating(store, &claim.lease, &self.options, &pulse, async {
            if !claim.plan_complete {
                let provider = self.connect(&claim.connection).await?.ok_or(RunFailure::ConnectionGone)?;
                let planning = Planning {
                    provider: provider.as_ref(),
                    store,
                    keyring: &self.shared.keyring,
                    options: &self.options,
                    claim,
                    pulse: &pulse,
                };
                if !planning.plan().instrument(tracing::info_span!("plan")).await? {
                    return Ok(None);
                }
            }
            pulse.enter(RunPhase::Applying);
            let apply = async {
                while store.apply_batch(&claim.lease, self.options.batch).await?.more {}
                self.applied(claim).await.map(Some)
            };
            apply.instrument(tracing::info_span!("apply")).await
        })
        .await
    }

    /// The end of a run whose changes were all applied or went stale.
    async fn applied(&self, claim: &Claim) -> Result<RunEnd, RunFailure> {
        let run = self.store().run(claim.lease.tenant, claim.lease.run).await?.ok_or(StoreError::LeaseLost)?;
        let clean = run.counts.conflicts == 0 && run.exceptions == 0;
        let status = if clean { RunStatus::Succeeded } else { RunStatus::CompletedWithErrors };
        // An approved run says nothing about the directory: it was read before the run was held.
        let connection = if run.hold.is_empty() { ConnectionEffect::Lift } else { ConnectionEffect::Keep };
        Ok(RunEnd { status, error: None, connection })
    }

    /// Ends a run whose task panicked.
    pub(crate) async fn bury(&self, claim: &Claim) {
        if let Some(run) = self.say(claim, LastWord::End(RunFailure::Panicked.into_end(&claim.run))).await {
            metrics::count_end(claim, &run);
        }
    }

    /// Gives the run where it has come to something.
    async fn say(&self, claim: &Claim, word: LastWord) -> Option<Run> {
        for _ in 0..LAST_WORD_TRIES {
            let said = match &word {
                LastWord::End(end) => self.store().finish_run(&claim.lease, end).await.map(Some),
                LastWord::GiveBack => self.store().release(&claim.lease).await.map(|()| None),
                LastWord::SentOn => return Some(sent_on(claim)),
                LastWord::Lost => return self.cancelled(claim).await,
                LastWord::Wait => return None,
            };
            match said {
                Ok(run) => {
                    log(&word);
                    return run;
                }
                Err(StoreError::Unavailable(_)) => tokio::time::sleep(LAST_WORD_PAUSE).await,
                Err(StoreError::LeaseLost) => break,
                Err(error) => {
                    tracing::error!(error = %chain(&error), "the run's end could not be written");
                    return None;
                }
            }
        }
        tracing::warn!("the run is left to whoever takes it up next");
        None
    }

    /// The run, if it was cancelled. Otherwise somebody else has it, and will say what came of it.
    async fn cancelled(&self, claim: &Claim) -> Option<Run> {
        let run = self.store().run(claim.lease.tenant, claim.lease.run).await.ok().flatten();
        run.filter(|run| run.status == RunStatus::Cancelled)
    }
}

/// The run as its plan sent it on. Whoever it was sent to may have done something with it already, so it is not read again.
fn sent_on(claim: &Claim) -> Run {
    let status = if claim.run.dry_run { RunStatus::Planned } else { RunStatus::Held };
    Run { status, ..claim.run.clone() }
}

fn last_word(run: &Run, done: Result<Option<RunEnd>, RunFailure>) -> LastWord {
    match done {
        Ok(Some(end)) => LastWord::End(end),
        Ok(None) => LastWord::SentOn,
        Err(RunFailure::Store(StoreError::LeaseLost)) => LastWord::Lost,
        Err(RunFailure::Store(StoreError::Unavailable(source))) => {
            // To be taken up at once would only meet the same trouble: the lease's rest is the pause.
            tracing::warn!(error = %chain(source.as_ref()), "the database failed; the run waits for its lease to pass");
            LastWord::Wait
        }
        Err(failure) => {
            let (code, provider_request_id) = (failure.code().as_str(), failure.provider_request_id());
            tracing::warn!(error = %chain(&failure), code, provider_request_id, "the run failed");
            LastWord::End(failure.into_end(run))
        }
    }
}

fn log(word: &LastWord) {
    match word {
        LastWord::End(end) => tracing::info!(status = end.status.as_str(), "the run has ended"),
        LastWord::GiveBack => tracing::info!("the run was given back"),
        LastWord::SentOn | LastWord::Lost | LastWord::Wait => {}
    }
}
