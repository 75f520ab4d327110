//! `tenant create`, `tenant list`

use anyhow::bail;
use directory_core::TenantId;
use http_api::model::ListView;
use store::{NewTenant, StoreError, UniqueKey};
use uuid::Uuid;

use crate::{
    session::Invocation,
    show::tenant::{self, TenantView},
    words,
};

/// What to do with tenants.
#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Make a tenant
    Create(CreateArgs),
    /// Show every tenant
    List,
}

/// A tenant to make.
#[derive(clap::Args)]
pub(crate) struct CreateArgs {
    /// Short name, which is also the tenant's part of a host name
    #[arg(value_parser = words::slug)]
    slug: String,
    /// Name to show [default: the slug]
    #[arg(long, value_parser = words::name)]
    name: Option<String>,
}

pub(crate) async fn run(command: Command, invocation: Invocation) -> anyhow::Result<()> {
    match command {
        Command::Create(args) => create(args, invocation).await,
        Command::List => list(invocation).await,
    }
}

async fn create(args: CreateArgs, invocation: Invocation) -> anyhow::Result<()> {
    let session = invocation.open().await?;
    let name = args.name.unwrap_or_else(|| args.slug.clone());
    let new = NewTenant { id: TenantId(Uuid::now_v7()), slug: args.slug, name };
    let tenant = match session.store.create_tenant(&session.by, &new).await {
        Err(StoreError::Conflict(UniqueKey::TenantSlug)) => bail!("there is a tenant `{}` already", new.slug),
        created => created?,
    };
    session.format.show(&TenantView::from(tenant), tenant::one)
}

async fn list(invocation: Invocation) -> anyhow::Result<()> {
    let session = invocation.open().await?;
    let items = session.store.tenants().await?.into_iter().map(TenantView::from).collect();
    session.format.show(&ListView { items, next_cursor: None }, tenant::list)
}
