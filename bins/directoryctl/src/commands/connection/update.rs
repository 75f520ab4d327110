//! `connection update`

use anyhow::{Context, bail};
use http_api::model::ConnectionPatch;
use store::{Connection, UpdatedConnection};

use super::{
    draft::{DraftArgs, value_or_none},
    problem::bad_usage,
};
use crate::{
    exit::BadUsage,
    output::note,
    session::{Invocation, Session},
    show::connection,
};

/// Each time somebody else was faster; nobody is, so often in a row.
const TRIES: u32 = 40;

/// What to change of which connection. The values' form is judged where the REST API judges it.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Its id or display name
    connection: String,
    /// Name to show
    #[arg(long, value_name = "NAME")]
    display_name: Option<String>,
    /// When to synchronise: `every 15m`, or a cron expression, with a time zone if need be (`0 3 * * * Europe/Berlin`)
    #[arg(long, conflicts_with = "no_schedule")]
    schedule: Option<String>,
    /// Synchronise by hand only
    #[arg(long)]
    no_schedule: bool,
    /// Stop the schedule for now
    #[arg(long, conflicts_with = "resume")]
    pause: bool,
    /// Go on with the schedule
    #[arg(long)]
    resume: bool,
    #[command(flatten)]
    draft: DraftArgs,
}

impl Args {
    fn into_patch(self) -> ConnectionPatch {
        ConnectionPatch {
            display_name: self.display_name,
            schedule: value_or_none(self.schedule, self.no_schedule),
            paused: (self.pause || self.resume).then_some(self.pause),
            ..self.draft.into_patch()
        }
    }
}

pub(super) async fn run(args: Args, invocation: Invocation) -> anyhow::Result<()> {
    let named = args.connection.clone();
    let patch = args.into_patch();
    if patch == ConnectionPatch::default() {
        return Err(BadUsage("there is nothing to change; `--help` shows what can be changed".to_owned()).into());
    }
    let session = invocation.open().await?;
    let tenant = session.tenant().await?;
    let current = session.connection(&tenant, &named).await?;
    let updated = update(&session, current, &patch).await?;
    let id = updated.id;
    for view in super::views(&session, vec![updated]).await? {
        session.format.show(&view, connection::one)?;
    }
    if patch.group_id.is_some() || patch.policy.is_some() {
        note(&format!("the next sync goes by this; `directoryctl sync {id} --dry-run` shows what it would do"));
    }
    Ok(())
}

/// The rest of the connection stays as it is when it is written, not as it was when it was read.
async fn update(session: &Session, mut current: Connection, patch: &ConnectionPatch) -> anyhow::Result<Connection> {
    let (tenant, id) = (current.tenant, current.id);
    for _ in 0..TRIES {
        let update = patch.resolve(&current).map_err(|errors| bad_usage(&errors))?;
        let updated = session.store.update_connection(&session.by, tenant, id, current.updated_at, &update).await;
        match updated.context("the connection was not changed")? {
            UpdatedConnection::Done(connection) => return Ok(*connection),
            UpdatedConnection::Moved => {}
            UpdatedConnection::NoConnection => bail!("the connection is gone"),
        }
        current = session.store.connection(tenant, id).await?.context("the connection is gone")?;
    }
    bail!("the connection was not changed, since others keep changing it; try again in a few seconds")
}
