//! What a webhook is sent: its secret, a message to try it with, and the messages that did not arrive.

use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Payload},
};
use chrono::Utc;
use store::{DeliveryState, EventFilter, Feed, IdPage, Replay};
use uuid::Uuid;

use super::{BASE, path};
use crate::{
    app::App,
    auth::{Admin, Reader},
    body::{self, Nothing},
    cursor::List,
    model::{DeliveryView, ListView, ReplayInput, ReplayedView, WebhookSecretView, WebhookTestView},
    openapi::{Absent, Any, Body, DeliveriesOf, Page},
    problem::Problem,
    query::Query,
};

#[utoipa::path(
    post, path = "/webhooks/{id}/secret", context_path = BASE, operation_id = "rotateWebhookSecret", tag = "Webhooks", summary = "Give a webhook another secret",
    description = "It is shown this once. For 24 hours messages are signed with the old one as well.",
    params(("id" = Uuid, Path, description = "The webhook")),
    request_body = Option<Nothing>,
    responses(
        (status = 200, description = "The webhook and its new secret", body = WebhookSecretView),
        Any, Absent, Body,
    ),
)]
pub(crate) async fn rotate_secret(
    admin: Admin,
    request: HttpRequest,
    payload: Payload,
    app: Data<App>,
) -> Result<HttpResponse, Problem> {
    let id = path::id(&request)?;
    Query::of(&request).finish()?;
    body::none(&request, payload).await?;
    let rotated = app.work(move |app| async move {
        Ok(app.engine().rotate_webhook_secret(&admin.by, admin.tenant, id, Utc::now()).await?)
    });
    let (webhook, secret) = rotated.await?.ok_or_else(Problem::not_found)?;
    Ok(HttpResponse::Ok().json(WebhookSecretView::new(webhook, &secret)))
}

#[utoipa::path(
    post, path = "/webhooks/{id}/test", context_path = BASE, operation_id = "testWebhook", tag = "Webhooks", summary = "Try a webhook",
    description = "Sends a message of the type `webhook.test` at once, and tells what came of it.",
    params(("id" = Uuid, Path, description = "The webhook")),
    request_body = Option<Nothing>,
    responses(
        (status = 200, description = "What came of it", body = WebhookTestView),
        Any, Absent, Body,
    ),
)]
pub(crate) async fn test(
    admin: Admin,
    request: HttpRequest,
    payload: Payload,
    app: Data<App>,
) -> Result<HttpResponse, Problem> {
    let id = path::id(&request)?;
    Query::of(&request).finish()?;
    body::none(&request, payload).await?;
    let visit = app.visit(admin.tenant)?;
    let outcome = app.work(move |app| async move {
        let outcome = app.engine().test_webhook(admin.tenant, id, Utc::now()).await;
        drop(visit);
        Ok(outcome?)
    });
    let outcome = outcome.await?.ok_or_else(Problem::not_found)?;
    Ok(HttpResponse::Ok().json(WebhookTestView::from(outcome)))
}

#[utoipa::path(
    get, path = "/webhooks/{id}/deliveries", context_path = BASE, operation_id = "listDeliveries", tag = "Webhooks", summary = "List the messages that did not arrive",
    description = "Oldest first. What arrives, be it later, is not in the list.",
    params(("id" = Uuid, Path, description = "The webhook"), DeliveriesOf, Page),
    responses(
        (status = 200, description = "A page of messages", body = ListView<DeliveryView>),
        Any, Absent,
    ),
)]
pub(crate) async fn list(reader: Reader, request: HttpRequest, app: Data<App>) -> Result<HttpResponse, Problem> {
    let id: Uuid = path::id(&request)?;
    let mut query = Query::of(&request);
    let state = query.take("state", "must be pending or dead", DeliveryState::parse);
    let paging = query.paging(List::Deliveries(id));
    query.finish()?;
    let page = IdPage { after: paging.after, limit: paging.read_limit() };
    let found = app.work(move |app| async move {
        app.store().webhook(reader.tenant, id).await?.ok_or_else(Problem::not_found)?;
        Ok(app.store().deliveries(reader.tenant, id, state, page).await?)
    });
    Ok(HttpResponse::Ok().json(paging.page(found.await?, |delivery| delivery.id, DeliveryView::from)))
}

#[utoipa::path(
    post, path = "/webhooks/{id}/deliveries/{deliveryId}/replay", context_path = BASE, operation_id = "replayDelivery", tag = "Webhooks", summary = "Send a message again",
    description = "Soon, by the id that it had, and as often as a new one where it fails.",
    params(("id" = Uuid, Path, description = "The webhook"), ("deliveryId" = Uuid, Path, description = "The message")),
    request_body = Option<Nothing>,
    responses(
        (status = 202, description = "It is sent again", body = ReplayedView),
        Any, Absent, Body,
    ),
)]
pub(crate) async fn replay_one(
    admin: Admin,
    request: HttpRequest,
    payload: Payload,
    app: Data<App>,
) -> Result<HttpResponse, Problem> {
    let (id, delivery) = (path::id(&request)?, path::second_id(&request, "deliveryId")?);
    Query::of(&request).finish()?;
    body::none(&request, payload).await?;
    replay(admin, app, id, Replay::One(delivery)).await
}

#[utoipa::path(
    post, path = "/webhooks/{id}/replay", context_path = BASE, operation_id = "replayWebhook", tag = "Webhooks", summary = "Send messages again",
    description = "Every one that was given up; or, with `after`, every event after that one, whether it arrived or not. An event that is not kept any more is answered with 404.",
    params(("id" = Uuid, Path, description = "The webhook")),
    request_body = Option<ReplayInput>,
    responses(
        (status = 202, description = "They are sent again", body = ReplayedView),
        Any, Absent, Body,
    ),
)]
pub(crate) async fn replay_many(
    admin: Admin,
    request: HttpRequest,
    payload: Payload,
    app: Data<App>,
) -> Result<HttpResponse, Problem> {
    let id = path::id(&request)?;
    Query::of(&request).finish()?;
    let input = body::json::<ReplayInput>(&request, payload).await?.unwrap_or_default();
    replay(admin, app, id, input.into_replay().map_err(Problem::bad_input)?).await
}

async fn replay(admin: Admin, app: Data<App>, id: Uuid, what: Replay) -> Result<HttpResponse, Problem> {
    let asked = app.work(move |app| async move {
        if let Replay::After(event) = what {
            // One that is not there any more would make the webhook lose what comes after it.
            let seen = app.store().events(admin.tenant, Some(event), &EventFilter::default(), 1).await?;
            if matches!(seen, Feed::Gone) {
                return Err(Problem::not_found());
            }
        }
        Ok(app.store().replay_webhook(&admin.by, admin.tenant, id, what, Utc::now()).await?)
    });
    let deliveries = asked.await?.ok_or_else(Problem::not_found)?;
    Ok(HttpResponse::Accepted().json(ReplayedView { deliveries }))
}
