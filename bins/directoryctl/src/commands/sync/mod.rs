//! `sync`

mod follow;
mod progress;
mod report;
mod stop;

use anyhow::{Context, bail};
use directory_core::RunId;
use http_api::model::RunView;
use store::{Connection, CreatedRun, IdPage, RunMode, Tenant, Trigger};
use sync_engine::{RunRequest, SyncEngine};

use crate::{
    exit::Exit,
    output::note,
    session::{Invocation, Session},
    show::run as show_run,
};

/// An active run is among a connection's newest: no run can be queued while there is one.
const NEWEST: u32 = 50;

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
    let engine = session.engine()?;
    let id = match args.intent() {
        Intent::Queue { mode, dry_run } => {
            let id = queue(&engine, &connection, mode, dry_run).await?;
            return show_queued(&session, &tenant, id).await;
        }
        Intent::Run { mode, dry_run } => queue(&engine, &connection, mode, dry_run).await?,
        Intent::Resume => waiting(&session, &connection).await?,
    };
    let run = follow::to_the_end(&engine, tenant.id, id, &stop::on_signal()?).await?;
    report::report(session.format, run)
}

async fn queue(engine: &SyncEngine, connection: &Connection, mode: RunMode, dry_run: bool) -> anyhow::Result<RunId> {
    let request =
        RunRequest { tenant: connection.tenant, connection: connection.id, mode, trigger: Trigger::Manual, dry_run };
    match engine.request_run(request).await.context("the run could not be queued")? {
        CreatedRun::Queued(run) => Ok(run.id),
        CreatedRun::AlreadyActive(id) => bail!(
            "run {id} of this connection is not finished: `directoryctl run show {id}` shows where it stands; if no \
             server is there to carry it out, `directoryctl sync {} --resume` does",
            connection.id
        ),
        CreatedRun::NoConnection => bail!("the connection is gone"),
    }
}

/// The connection's unfinished run.
async fn waiting(session: &Session, connection: &Connection) -> anyhow::Result<RunId> {
    let newest = IdPage { after: None, limit: NEWEST };
    let runs = session.store.runs(connection.tenant, connection.id, newest).await?;
    let active = runs.into_iter().find(|run| run.status.is_active());
    Ok(active.context("no run of this connection is waiting")?.id)
}

async fn show_queued(session: &Session, tenant: &Tenant, id: RunId) -> anyhow::Result<Exit> {
    let run = session.store.run(tenant.id, id).await?.context("the run is gone")?;
    session.format.show(&RunView::from(run), show_run::one)?;
    note(&format!("queued; `directoryctl run show {id}` shows where it stands"));
    Ok(Exit::Done)
}
