//! `webhook …`

use std::str::FromStr;

use anyhow::{Context, bail};
use chrono::Utc;
use http_api::model::{DeliveryView, ListView, ReplayedView, WebhookSecretView, WebhookTestView, WebhookView};
use secrecy::SecretString;
use store::{DeliveryState, EventId, EventKind, IdPage, Replay, UpdatedWebhook, Webhook, WebhookState, WebhookUpdate};
use sync_engine::webhooks::{MOST_WEBHOOKS, WebhookRegistration};
use uuid::Uuid;

use crate::{
    exit::{BadUsage, Exit},
    output::note,
    paging::PageArgs,
    session::{Invocation, Session},
    show::webhook as show,
    words,
};

/// What to do with webhooks.
#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Have events sent to an address; the secret that signs them is shown this once
    Add(AddArgs),
    /// Show the tenant's webhooks
    List,
    /// Show one webhook, never its secret
    Show(Named),
    /// Change a webhook, or stop and start sending to it
    Update(UpdateArgs),
    /// Delete a webhook, with the messages that did not arrive
    Delete(Named),
    /// Send a message of the type webhook.test now
    Test(Named),
    /// Make another secret; it is shown this once, and the old one signs along for 24 hours
    RotateSecret(Named),
    /// Show the messages that did not arrive
    Deliveries(DeliveriesArgs),
    /// Send messages again: one, all that were given up, or everything after an event
    Replay(ReplayArgs),
}

/// A webhook to make.
#[derive(clap::Args)]
pub(crate) struct AddArgs {
    /// Where messages go: an https address on the public internet
    url: String,
    /// What it is for
    #[arg(long, value_name = "TEXT", value_parser = words::name)]
    description: Option<String>,
    /// Send events of this type, user.created say; may be repeated [default: all]
    #[arg(long = "event", value_name = "TYPE", value_parser = words::word_of(&EventKind::ALL, EventKind::as_str))]
    events: Vec<EventKind>,
}

/// A webhook.
#[derive(clap::Args)]
pub(crate) struct Named {
    /// The webhook's id, as `webhook list` shows it
    webhook: Uuid,
}

/// Changes of a webhook.
#[derive(clap::Args)]
pub(crate) struct UpdateArgs {
    #[command(flatten)]
    named: Named,
    /// Where messages go
    #[arg(long)]
    url: Option<String>,
    /// What it is for
    #[arg(long, value_name = "TEXT", value_parser = words::name)]
    description: Option<String>,
    /// Send events of this type; may be repeated
    #[arg(long = "event", value_name = "TYPE", value_parser = words::word_of(&EventKind::ALL, EventKind::as_str))]
    events: Vec<EventKind>,
    /// Send all events
    #[arg(long, conflicts_with = "events")]
    all_events: bool,
    /// Send to it, what happened meanwhile too
    #[arg(long, conflicts_with = "disable")]
    enable: bool,
    /// Send nothing to it for now
    #[arg(long)]
    disable: bool,
}

/// Which messages to show.
#[derive(clap::Args)]
pub(crate) struct DeliveriesArgs {
    #[command(flatten)]
    named: Named,
    /// Only those that are tried again, or were given up
    #[arg(long, value_parser = words::word_of(&[DeliveryState::Pending, DeliveryState::Dead], DeliveryState::as_str))]
    state: Option<DeliveryState>,
    #[command(flatten)]
    page: PageArgs<Uuid>,
}

/// What to send again.
#[derive(clap::Args)]
pub(crate) struct ReplayArgs {
    #[command(flatten)]
    named: Named,
    /// Only this message, as `webhook deliveries` shows it
    #[arg(long, value_name = "ID", conflicts_with = "after")]
    delivery: Option<Uuid>,
    /// Everything after this event, whether it arrived or not
    #[arg(long, value_name = "EVENT", value_parser = EventId::from_str)]
    after: Option<EventId>,
}

pub(crate) async fn run(command: Command, invocation: Invocation) -> anyhow::Result<Exit> {
    match command {
        Command::Test(named) => return test(&named, invocation).await,
        Command::Add(args) => add(args, invocation).await,
        Command::List => list(invocation).await,
        Command::Show(named) => show_one(&named, invocation).await,
        Command::Update(args) => update(args, invocation).await,
        Command::Delete(named) => delete(&named, invocation).await,
        Command::RotateSecret(named) => rotate_secret(&named, invocation).await,
        Command::Deliveries(args) => deliveries(&args, invocation).await,
        Command::Replay(args) => replay(&args, invocation).await,
    }?;
    Ok(Exit::Done)
}

async fn add(args: AddArgs, invocation: Invocation) -> anyhow::Result<()> {
    let session = invocation.open().await?;
    let tenant = session.tenant().await?;
    let engine = session.engine_with_webhooks()?;
    refuse_address(engine.webhook_address_fault(&args.url))?;
    let kinds = (!args.events.is_empty()).then_some(args.events);
    let registration = WebhookRegistration { tenant: tenant.id, url: args.url, description: args.description, kinds };
    let made = engine.create_webhook(&session.by, registration).await.context("the webhook was not made")?;
    let Some((webhook, secret)) = made else {
        bail!("tenant `{}` has {MOST_WEBHOOKS} webhooks, which is as many as it may have", tenant.slug);
    };
    show_secret(&session, webhook, &secret)
}

async fn list(invocation: Invocation) -> anyhow::Result<()> {
    let session = invocation.open().await?;
    let tenant = session.tenant().await?;
    let all = session.store.webhooks(tenant.id, IdPage { after: None, limit: MOST_WEBHOOKS }).await?;
    let items = all.into_iter().map(WebhookView::from).collect();
    session.format.show(&ListView { items, next_cursor: None }, show::list)
}

async fn show_one(named: &Named, invocation: Invocation) -> anyhow::Result<()> {
    let session = invocation.open().await?;
    let webhook = find(&session, named).await?;
    session.format.show(&WebhookView::from(webhook), show::one)
}

async fn update(args: UpdateArgs, invocation: Invocation) -> anyhow::Result<()> {
    let session = invocation.open().await?;
    let current = find(&session, &args.named).await?;
    if let Some(url) = &args.url {
        refuse_address(session.engine_with_webhooks()?.webhook_address_fault(url))?;
    }
    let kinds = if args.events.is_empty() { current.kinds.clone() } else { Some(args.events) };
    let update = WebhookUpdate {
        url: args.url.unwrap_or_else(|| current.url.clone()),
        description: args.description.or_else(|| current.description.clone()),
        kinds: if args.all_events { None } else { kinds },
        enabled: args.enable || (current.state == WebhookState::Enabled && !args.disable),
    };
    let (tenant, id, seen) = (current.tenant, current.id, current.updated_at);
    match session.store.update_webhook(&session.by, tenant, id, seen, &update).await? {
        UpdatedWebhook::Done(webhook) => session.format.show(&WebhookView::from(*webhook), show::one),
        UpdatedWebhook::Moved => bail!("somebody else has just changed the webhook; look at it and try again"),
        UpdatedWebhook::NoWebhook => bail!("somebody else has just deleted the webhook"),
    }
}

async fn delete(named: &Named, invocation: Invocation) -> anyhow::Result<()> {
    let session = invocation.open().await?;
    let webhook = find(&session, named).await?;
    session.store.delete_webhook(&session.by, webhook.tenant, webhook.id).await?;
    note("the webhook is deleted");
    Ok(())
}

async fn test(named: &Named, invocation: Invocation) -> anyhow::Result<Exit> {
    let session = invocation.open().await?;
    let webhook = find(&session, named).await?;
    let outcome = session.engine_with_webhooks()?.test_webhook(webhook.tenant, webhook.id, Utc::now()).await?;
    let test = WebhookTestView::from(outcome.context("somebody else has just deleted the webhook")?);
    session.format.show(&test, show::test)?;
    Ok(if test.ok { Exit::Done } else { Exit::Failed })
}

async fn rotate_secret(named: &Named, invocation: Invocation) -> anyhow::Result<()> {
    let session = invocation.open().await?;
    let webhook = find(&session, named).await?;
    let rotated = session
        .engine_with_webhooks()?
        .rotate_webhook_secret(&session.by, webhook.tenant, webhook.id, Utc::now())
        .await?;
    let (webhook, secret) = rotated.context("somebody else has just deleted the webhook")?;
    show_secret(&session, webhook, &secret)
}

async fn deliveries(args: &DeliveriesArgs, invocation: Invocation) -> anyhow::Result<()> {
    let session = invocation.open().await?;
    let webhook = find(&session, &args.named).await?;
    let page = IdPage { after: args.page.cursor, limit: args.page.to_read() };
    let found = session.store.deliveries(webhook.tenant, webhook.id, args.state, page).await?;
    args.page.show::<_, DeliveryView>(session.format, found, |delivery| delivery.id.to_string(), show::deliveries)
}

async fn replay(args: &ReplayArgs, invocation: Invocation) -> anyhow::Result<()> {
    let session = invocation.open().await?;
    let webhook = find(&session, &args.named).await?;
    let what = match (args.delivery, args.after) {
        (Some(delivery), _) => Replay::One(delivery),
        (None, Some(event)) => Replay::After(event),
        (None, None) => Replay::Dead,
    };
    let asked = session.store.replay_webhook(&session.by, webhook.tenant, webhook.id, what, Utc::now()).await?;
    let deliveries = asked.context("there is no such message; `directoryctl webhook deliveries` shows them")?;
    session.format.show(&ReplayedView { deliveries }, |view| show::replayed(*view))
}

async fn find(session: &Session, named: &Named) -> anyhow::Result<Webhook> {
    let tenant = session.tenant().await?;
    let found = session.store.webhook(tenant.id, named.webhook).await?;
    found.with_context(|| {
        format!("tenant `{}` has no webhook {}; `directoryctl webhook list` shows them", tenant.slug, named.webhook)
    })
}

fn refuse_address(fault: Option<String>) -> anyhow::Result<()> {
    fault.map_or(Ok(()), |fault| Err(BadUsage(format!("the address {fault}")).into()))
}

fn show_secret(session: &Session, webhook: Webhook, secret: &SecretString) -> anyhow::Result<()> {
    session.format.show(&WebhookSecretView::new(webhook, secret), show::with_secret)?;
    note("keep the secret now: it is not shown again");
    Ok(())
}
