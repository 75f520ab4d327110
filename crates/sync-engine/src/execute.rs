//! A claimed run, from the claim to its end.

use std::time::Duration;

use store::{Claim, ConnectionEffect, Run, RunEnd, RunPhase, RunStatus, StoreError, chain};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::{
    SyncEngine,
    failure::RunFailure,
    heartbeat::{Pulse, while_beating},
    plan,
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
    /// Nothing: it was sent on already, somebody else has it, or it is to be taken up once its lease has passed.
    Silence,
}

impl SyncEngine {
    /// Executes a claimed run. When `stop` is cancelled the run is given back, with what was done so far. Whatever
    /// happens is on the run in the store; a run about which the store cannot be told is taken up again once its lease
    /// has passed.
    pub async fn execute(&self, claim: Claim, stop: &CancellationToken) {
        let span = tracing::info_span!(
            "run",
            run = %claim.run.id,
            tenant = %claim.run.tenant,
            connection = %claim.run.connection
        );
        self.work_to_the_end(claim, stop).instrument(span).await;
    }

    async fn work_to_the_end(&self, claim: Claim, stop: &CancellationToken) {
        // Work that is over is over, even if it is told to stop at that moment.
        let word = tokio::select! {
            biased;
            done = self.work(&claim) => last_word(&claim.run, done),
            () = stop.cancelled() => LastWord::GiveBack,
        };
        self.say(&claim, word).await;
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
                if !plan::plan(provider.as_ref(), store, &self.options, claim, &pulse).await? {
                    return Ok(None);
                }
            }
            pulse.enter(RunPhase::Applying);
            while store.apply_batch(&claim.lease, self.options.batch).await?.more {}
            self.applied(claim).await.map(Some)
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
        self.say(claim, LastWord::End(RunFailure::Panicked.into_end(&claim.run))).await;
    }

    async fn say(&self, claim: &Claim, word: LastWord) {
        for _ in 0..LAST_WORD_TRIES {
            let said = match &word {
                LastWord::End(end) => self.store().finish_run(&claim.lease, end).await.map(drop),
                LastWord::GiveBack => self.store().release(&claim.lease).await,
                LastWord::Silence => Ok(()),
            };
            match said {
                Ok(()) => return log(&word),
                Err(StoreError::Unavailable(_)) => tokio::time::sleep(LAST_WORD_PAUSE).await,
                Err(StoreError::LeaseLost) => break,
                Err(error) => {
                    tracing::error!(error = %chain(&error), "the run's end could not be written");
                    return;
                }
            }
        }
        tracing::warn!("the run is left to whoever takes it up next");
    }
}

fn last_word(run: &Run, done: Result<Option<RunEnd>, RunFailure>) -> LastWord {
    match done {
        Ok(Some(end)) => LastWord::End(end),
        Ok(None) | Err(RunFailure::Store(StoreError::LeaseLost)) => LastWord::Silence,
        Err(RunFailure::Store(StoreError::Unavailable(source))) => {
            // To be taken up at once would only meet the same trouble: the lease's rest is the pause.
            tracing::warn!(error = %chain(source.as_ref()), "the database failed; the run waits for its lease to pass");
            LastWord::Silence
        }
        Err(failure) => {
            tracing::warn!(error = %chain(&failure), "the run failed");
            LastWord::End(failure.into_end(run))
        }
    }
}

fn log(word: &LastWord) {
    match word {
        LastWord::End(end) => tracing::info!(status = end.status.as_str(), "the run has ended"),
        LastWord::GiveBack => tracing::info!("the run was given back"),
        LastWord::Silence => {}
    }
}
