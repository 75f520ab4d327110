//! What came of asking for a run.

use anyhow::{Context, bail};
use directory_core::{ConnectionId, RunId};
use store::{CreatedRun, StoreError};

/// The run, where it could be queued.
pub(crate) fn queued(created: Result<CreatedRun, StoreError>, connection: ConnectionId) -> anyhow::Result<RunId> {
    match created.context("the run could not be queued")? {
        CreatedRun::Queued(run) => Ok(run.id),
        CreatedRun::AlreadyActive(id) => bail!(unfinished(id, connection)),
        CreatedRun::NoConnection => bail!("the connection is gone"),
    }
}

/// What to do about a run that is in another one's way.
pub(crate) fn unfinished(id: RunId, connection: ConnectionId) -> String {
    format!(
        "run {id} of this connection is not finished: `directoryctl run show {id}` shows where it stands; if no server \
         is there to carry it out, `directoryctl sync {connection} --resume` does"
    )
}
