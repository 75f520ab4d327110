//! `token create`, `token list`, `token revoke`

use anyhow::{Context, bail};
use chrono::{TimeDelta, Utc};
use crypto::ApiToken;
use http_api::model::ListView;
use secrecy::ExposeSecret;
use store::{NewToken, TokenRole};
use uuid::Uuid;

use crate::{
    duration,
    output::note,
    session::Invocation,
    show::token::{self, CreatedTokenView, TokenView},
    words,
};

/// What to do with API tokens.
#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Make a token; it is shown this once
    Create(CreateArgs),
    /// Show the tenant's tokens, never what opens them
    List,
    /// Make a token useless
    Revoke(RevokeArgs),
}

/// A token to make.
#[derive(clap::Args)]
pub(crate) struct CreateArgs {
    /// What its bearer may do: everything in the tenant, or read
    #[arg(long, value_parser = words::word_of(&[TokenRole::Admin, TokenRole::Viewer], TokenRole::as_str))]
    role: TokenRole,
    /// A name to know it by
    #[arg(long, default_value = "directoryctl", value_parser = words::name)]
    name: String,
    /// Refuse it after this time: 90d, 12h, 30m [default: never]
    #[arg(long, value_name = "LENGTH", value_parser = duration::parse)]
    expires_in: Option<TimeDelta>,
}

/// A token to revoke.
#[derive(clap::Args)]
pub(crate) struct RevokeArgs {
    /// The token's id, as `token list` shows it
    #[arg(value_name = "ID")]
    id: Uuid,
}

pub(crate) async fn run(command: Command, invocation: Invocation) -> anyhow::Result<()> {
    match command {
        Command::Create(args) => create(args, invocation).await,
        Command::List => list(invocation).await,
        Command::Revoke(args) => revoke(&args, invocation).await,
    }
}

async fn create(args: CreateArgs, invocation: Invocation) -> anyhow::Result<()> {
    let session = invocation.open().await?;
    let tenant = session.tenant().await?;
    let (secret, hash) = ApiToken::generate()?;
    let new = NewToken {
        id: Uuid::now_v7(),
        tenant: tenant.id,
        name: args.name,
        role: args.role,
        hash: *hash.as_bytes(),
        expires_at: args.expires_in.map(|length| Utc::now() + length),
    };
    let stored = session.store.create_token(&session.by, &new).await.context("the token was not made")?;
    session.format.show(&CreatedTokenView::new(stored, secret.expose_secret()), token::created)?;
    note("keep the token now: it is not shown again");
    Ok(())
}

async fn list(invocation: Invocation) -> anyhow::Result<()> {
    let session = invocation.open().await?;
    let tenant = session.tenant().await?;
    let items = session.store.tokens(tenant.id).await?.into_iter().map(TokenView::from).collect();
    session.format.show(&ListView { items, next_cursor: None }, token::list)
}

async fn revoke(args: &RevokeArgs, invocation: Invocation) -> anyhow::Result<()> {
    let session = invocation.open().await?;
    let tenant = session.tenant().await?;
    if !session.store.revoke_token(&session.by, tenant.id, args.id).await? {
        bail!("tenant `{}` has no token {}", tenant.slug, args.id);
    }
    note("the token is revoked");
    Ok(())
}
