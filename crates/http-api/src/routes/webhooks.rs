//! `/webhooks` and `/webhooks/{id}`: making, showing, changing and deleting webhooks.

use std::sync::Arc;

use actix_web::{
    HttpRequest, HttpResponse,
    http::header,
    web::{Data, Payload},
};
use store::{IdPage, UpdatedWebhook, Webhook};
use sync_engine::webhooks::MOST_WEBHOOKS;
use uuid::Uuid;

use super::{BASE, no_content, path};
use crate::{
    app::App,
    auth::{Admin, Reader},
    body,
    cursor::List,
    model::{ListView, WebhookInput, WebhookPatch, WebhookSecretView, WebhookView, as_it_is},
    openapi::{Absent, Any, Body, Page, TooMany},
    problem::{Kind, Problem},
    query::Query,
};

/// Each time somebody else was faster; nobody is, so often in a row.
const TRIES: u32 = 40;

#[utoipa::path(
    post, path = "/webhooks", context_path = BASE, operation_id = "createWebhook", tag = "Webhooks", summary = "Make a webhook",
    description = "It is sent what happens from now on, signed as Standard Webhooks has it. The secret is shown this once.",
    request_body = WebhookInput,
    responses(
        (status = 201, description = "The webhook and its secret", body = WebhookSecretView,
            headers(("location" = String, description = "The path of the webhook"))),
        Any, Body, TooMany,
    ),
)]
pub(crate) async fn create(
    admin: Admin,
    request: HttpRequest,
    payload: Payload,
    app: Data<App>,
) -> Result<HttpResponse, Problem> {
    Query::of(&request).finish()?;
    let input = body::json::<WebhookInput>(&request, payload).await?;
    let input =
        input.ok_or_else(|| Problem::new(Kind::BadRequest, "The webhook is missing: send it as a JSON body."))?;
    let registration = input
        .into_registration(admin.tenant, |url| app.engine().webhook_address_fault(url))
        .map_err(Problem::bad_input)?;
    let made =
        app.work(move |app| async move { Ok(app.engine().create_webhook(&admin.by, registration).await?) }).await?;
    let (webhook, secret) = made.ok_or_else(|| {
        Problem::new(
            Kind::TooManyWebhooks,
            format!("The tenant has {MOST_WEBHOOKS} webhooks, which is as many as it may have. Delete one first."),
        )
    })?;
    let location = (header::LOCATION, format!("{BASE}/webhooks/{}", webhook.id));
    Ok(HttpResponse::Created().insert_header(location).json(WebhookSecretView::new(webhook, &secret)))
}

#[utoipa::path(
    get, path = "/webhooks", context_path = BASE, operation_id = "listWebhooks", tag = "Webhooks", summary = "List the webhooks",
    description = "In the order in which they were made.",
    params(Page),
    responses(
        (status = 200, description = "A page of webhooks", body = ListView<WebhookView>),
        Any,
    ),
)]
pub(crate) async fn list(reader: Reader, request: HttpRequest, app: Data<App>) -> Result<HttpResponse, Problem> {
    let mut query = Query::of(&request);
    let paging = query.paging(List::Webhooks);
    query.finish()?;
    let page = IdPage { after: paging.after, limit: paging.read_limit() };
    let found = app.work(move |app| async move { Ok(app.store().webhooks(reader.tenant, page).await?) }).await?;
    Ok(HttpResponse::Ok().json(paging.page(
        found,
        |webhook| webhook.id,
        |webhook| WebhookView::for_role(webhook, reader.role),
    )))
}

#[utoipa::path(
    get, path = "/webhooks/{id}", context_path = BASE, operation_id = "getWebhook", tag = "Webhooks", summary = "Show a webhook",
    description = "Never with its secret.",
    params(("id" = Uuid, Path, description = "The webhook")),
    responses(
        (status = 200, description = "The webhook", body = WebhookView),
        Any, Absent,
    ),
)]
pub(crate) async fn show(reader: Reader, request: HttpRequest, app: Data<App>) -> Result<HttpResponse, Problem> {
    let id = path::id(&request)?;
    Query::of(&request).finish()?;
    let found = app.work(move |app| async move { Ok(app.store().webhook(reader.tenant, id).await?) }).await?;
    let found = found.ok_or_else(Problem::not_found)?;
    Ok(HttpResponse::Ok().json(WebhookView::for_role(found, reader.role)))
}

#[utoipa::path(
    patch, path = "/webhooks/{id}", context_path = BASE, operation_id = "updateWebhook", tag = "Webhooks", summary = "Change a webhook",
    description = "What is left out stays as it is. One that is enabled again is sent what happened meanwhile, as far as the feed still has it.",
    params(("id" = Uuid, Path, description = "The webhook")),
    request_body = WebhookPatch,
    responses(
        (status = 200, description = "The webhook as it is now", body = WebhookView),
        Any, Absent, Body,
    ),
)]
pub(crate) async fn update(
    admin: Admin,
    request: HttpRequest,
    payload: Payload,
    app: Data<App>,
) -> Result<HttpResponse, Problem> {
    let id = path::id(&request)?;
    Query::of(&request).finish()?;
    let patch = body::json::<WebhookPatch>(&request, payload).await?;
    let patch =
        patch.ok_or_else(|| Problem::new(Kind::BadRequest, "The changes are missing: send them as a JSON body."))?;
    let updated = app.work(move |app| async move { apply(&app, &admin, id, &patch).await }).await?;
    Ok(HttpResponse::Ok().json(WebhookView::from(updated)))
}

#[utoipa::path(
    delete, path = "/webhooks/{id}", context_path = BASE, operation_id = "deleteWebhook", tag = "Webhooks", summary = "Delete a webhook",
    description = "With its secret and the messages that did not arrive.",
    params(("id" = Uuid, Path, description = "The webhook")),
    responses(
        (status = 204, description = "It is gone"),
        Any, Absent,
    ),
)]
pub(crate) async fn delete(admin: Admin, request: HttpRequest, app: Data<App>) -> Result<HttpResponse, Problem> {
    let id = path::id(&request)?;
    Query::of(&request).finish()?;
    let deleted =
        move |app: Arc<App>| async move { Ok(app.store().delete_webhook(&admin.by, admin.tenant, id).await?) };
    no_content(app.work(deleted).await?)
}

/// The rest of the webhook stays as it is when it is written, not as it was when it was read.
async fn apply(app: &Arc<App>, admin: &Admin, id: Uuid, patch: &WebhookPatch) -> Result<Webhook, Problem> {
    for _ in 0..TRIES {
        let current = app.store().webhook(admin.tenant, id).await?.ok_or_else(Problem::not_found)?;
        let fault = |url: &str| app.engine().webhook_address_fault(url);
        let update = patch.resolve(&current, fault).map_err(Problem::bad_input)?;
        if update == as_it_is(&current) {
            return Ok(current);
        }
        match app.store().update_webhook(&admin.by, admin.tenant, id, current.updated_at, &update).await? {
            UpdatedWebhook::Done(webhook) => return Ok(*webhook),
            UpdatedWebhook::Moved => {}
            UpdatedWebhook::NoWebhook => return Err(Problem::not_found()),
        }
    }
    Err(Problem::new(Kind::Unavailable, "Others keep changing the webhook. Try again in a few seconds."))
}
