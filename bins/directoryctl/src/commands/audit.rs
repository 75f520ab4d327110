//! `audit list`

use directory_core::ExternalId;
use http_api::model::AuditEntryView;
use store::{AuditAction, AuditFilter, IdPage};
use uuid::Uuid;

use crate::{
    paging::PageArgs,
    session::Invocation,
    show::audit,
    words::{self, word_of},
};

/// What to do with the audit log.
#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Show who administrated what in the tenant, newest first
    List(ListArgs),
}

/// Which entries.
#[derive(clap::Args)]
pub(crate) struct ListArgs {
    /// Only this action
    #[arg(long, value_parser = word_of(&AuditAction::ALL, AuditAction::as_str))]
    action: Option<AuditAction>,
    /// Only what was done to the connection, run, user, directory user, token or tenant of this id
    #[arg(long, value_name = "ID", value_parser = words::external_id)]
    subject: Option<ExternalId>,
    /// Only what the token or person of this id did
    #[arg(long, value_name = "ID")]
    actor: Option<String>,
    #[command(flatten)]
    page: PageArgs<Uuid>,
}

pub(crate) async fn run(command: Command, invocation: Invocation) -> anyhow::Result<()> {
    match command {
        Command::List(args) => list(args, invocation).await,
    }
}

async fn list(args: ListArgs, invocation: Invocation) -> anyhow::Result<()> {
    let session = invocation.open().await?;
    let tenant = session.tenant().await?;
    let subject = args.subject.map(|id| id.to_string());
    let filter = AuditFilter { action: args.action, subject, actor: args.actor };
    let page = IdPage { after: args.page.cursor, limit: args.page.to_read() };
    let entries = session.store.audit_entries(tenant.id, &filter, page).await?;
    args.page.show::<_, AuditEntryView>(session.format, entries, |entry| entry.id.to_string(), audit::list)
}
