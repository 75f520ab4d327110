//! `sync`

use anyhow::bail;
use directory_core::RunId;
use store::{Actor, Connection, IdPage, Run, RunMode, Trigger};
use sync_engine::{RunRequest, SyncEngine};

use crate::{
    exit::Exit,
    expiry, follow,
    session::{Invocation, Session},
};

/// Runs looked at in one go.
const RUN_PAGE: u32 = 50;

/// What to synchronise, and how.
#[derive(clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag; `Intent` is what they come down to")]
pub(crate) struct Args {
    /// The connection's id or display name
    connection: String,
    /// Plan and check only: write nothing, and show what would be done
    #[arg(long)]
    dry_run: bool,
    /// Read every user, even where the directory can say what changed
    #[arg(long)]
    full: bool,
    /// Only queue the run, for a server to carry out
    #[arg(long)]
    detach: bool,
    /// Carry out the connection's run that is waiting already, instead of queuing one
    #[arg(long, conflicts_with_all = ["dry_run", "full", "detach"])]
    resume: bool,
}

/// What the flags come down to.
enum Intent {
    /// Queue a run and leave it to a server.
    Queue { mode: RunMode, dry_run: bool },
    /// Queue a run and carry it out here.
    Run { mode: RunMode, dry_run: bool },
    /// Carry out the run that is waiting.
    Resume,
}

impl Args {
    fn intent(&self) -> Intent {
        let mode = if self.full { RunMode::Full } else { RunMode::Auto };
        match (self.resume, self.detach) {
            (true, _) => Intent::Resume,
            (false, true) => Intent::Queue { mode, dry_run: self.dry_run },
            (false, false) => Intent::Run { mode, dry_run: self.dry_run },
        }
    }
}

pub(crate) async fn run(args: Args, invocation: Invocation) -> anyhow::Result<Exit> {
    let session = invocation.open().await?;
    let tenant = session.tenant().await?;
    let connection = session.connection(&tenant, &args.connection).await?;
    expiry::warn(&connection);
    let engine = session.engine()?;
    let id = match args.intent() {
        Intent::Queue { mode, dry_run } => {
            let id = queue(&engine, &session.by, &connection, mode, dry_run).await?;
            return follow::detached(&session, tenant.id, id).await;
        }
        Intent::Run { mode, dry_run } => queue(&engine, &session.by, &connection, mode, dry_run).await?,
        Intent::Resume => waiting(&session, &connection).await?,
    };
    follow::to_the_end(&session, &engine, tenant.id, id).await
}

async fn queue(
    engine: &SyncEngine,
    by: &Actor,
    connection: &Connection,
    mode: RunMode,
    dry_run: bool,
) -> anyhow::Result<RunId> {
    let request =
        RunRequest { tenant: connection.tenant, connection: connection.id, mode, trigger: Trigger::Manual, dry_run };
    follow::queued(engine.request_run(by, request).await, connection.id)
}

/// The connection's unfinished run. Only dry runs can be newer: any other queued after it would have superseded it.
async fn waiting(session: &Session, connection: &Connection) -> anyhow::Result<RunId> {
    let mut after = None;
    loop {
        let page = IdPage { after, limit: RUN_PAGE };
        let runs = session.store.runs(connection.tenant, connection.id, page).await?;
        after = runs.last().map(|run| run.id.0);
        let decides = |run: &Run| run.status.is_active() || !run.dry_run;
        match runs.into_iter().find(decides) {
            Some(run) if run.status.is_active() => return Ok(run.id),
            None if after.is_some() => {}
            Some(_) | None => bail!("no run of this connection is waiting"),
        }
    }
}
