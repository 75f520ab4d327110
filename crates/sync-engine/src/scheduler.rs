//! Schedules: whoever is due gets a run. Every server with workers looks; the store sees to it that one of them starts it.

use directory_core::{ConnectionId, RunId, TenantId};
use store::{Due, DueStart, ScheduleError, StoreError, chain};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::SyncEngine;

/// Connections read at a time.
const PAGE: u32 = 100;

/// Starts what is due, until it is told to stop.
pub(crate) async fn keep_schedules(engine: &SyncEngine, stop: &CancellationToken) {
    let for_ever = async { tokio::join!(start(engine), plan(engine)) };
    // Stopping in the middle of a start undoes that start.
    tokio::select! {
        _ = for_ever => {}
        () = stop.cancelled() => {}
    }
}

async fn start(engine: &SyncEngine) {
    loop {
        if let Err(error) = engine.start_due_runs().await {
            tracing::warn!(error = %chain(&error), "schedules could not be followed; the next look tries again");
        }
        tokio::time::sleep(engine.options.schedule_look).await;
    }
}

async fn plan(engine: &SyncEngine) {
    loop {
        if let Err(error) = engine.plan_schedules().await {
            tracing::warn!(error = %chain(&error), "schedules could not be planned; the next look tries again");
        }
        tokio::time::sleep(engine.options.plan_look).await;
    }
}

impl SyncEngine {
    /// Queues a run for each connection whose schedule is due, the longest due first; how many. What a [`crate::Worker`]
    /// does by itself all the time.
    pub async fn start_due_runs(&self) -> Result<u64, StoreError> {
        let now = self.clock.now();
        let (mut started, mut after) = (0, None);
        loop {
            let page = self.store().due_connections(now, after.as_ref(), PAGE).await?;
            for due in &page {
                let start = self.store().start_due(due, RunId(Uuid::now_v7()), now).await;
                started += u64::from(self.is_start(due, start)?);
            }
            after = page.last().copied();
            if page.len() < PAGE as usize {
                return Ok(started);
            }
        }
    }

    /// Whether it came to a run. One connection that cannot be started is no reason to leave the others.
    fn is_start(&self, due: &Due, start: Result<DueStart, StoreError>) -> Result<bool, StoreError> {
        let Due { tenant, connection, at } = due;
        match start {
            Ok(DueStart::Queued(run)) => {
                self.shared.queued.notify_one();
                tracing::info!(%tenant, connection_id = %connection, run_id = %run.id, due = %at, "a scheduled run was queued");
                Ok(true)
            }
            Ok(DueStart::AlreadyActive(run)) => {
                tracing::info!(
                    %tenant, connection_id = %connection, run_id = %run,
                    "a scheduled run was left out, since another one of the connection is active"
                );
                Ok(false)
            }
            Ok(DueStart::Waits(run)) => {
                // Said at each look.
                tracing::debug!(%tenant, connection_id = %connection, run_id = %run, "a scheduled run waits for another one's end");
                Ok(false)
            }
            Ok(DueStart::Taken) => Ok(false),
            Ok(DueStart::Unreadable(error)) => {
                say_unreadable(due.tenant, due.connection, error);
                Ok(false)
            }
            Err(error @ StoreError::Unavailable(_)) => Err(error),
            Err(error) => {
                tracing::warn!(
                    %tenant, connection_id = %connection, error = %chain(&error), "a scheduled run could not be queued"
                );
                Ok(false)
            }
        }
    }

    /// Gives connections that have a schedule and no next time one. They were left by a program that did not follow
    /// schedules yet, or their schedule cannot be read; those are left alone.
    pub async fn plan_schedules(&self) -> Result<(), StoreError> {
        let mut after = None;
        loop {
            let page = self.store().unplanned_connections(after, PAGE).await?;
            for (tenant, connection) in &page {
                match self.store().plan_connection(*tenant, *connection, self.clock.now()).await {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => say_unreadable(*tenant, *connection, error),
                    Err(error @ StoreError::Unavailable(_)) => return Err(error),
                    Err(error) => tracing::warn!(
                        %tenant, connection_id = %connection, error = %chain(&error), "a schedule could not be planned"
                    ),
                }
            }
            after = page.last().copied();
            if page.len() < PAGE as usize {
                return Ok(());
            }
        }
    }
}

fn say_unreadable(tenant: TenantId, connection: ConnectionId, error: ScheduleError) {
    tracing::warn!(
        %tenant, connection_id = %connection, %error,
        "a connection's schedule cannot be followed: give it another one"
    );
}
