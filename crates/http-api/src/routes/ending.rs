//! `POST /runs/{id}/reject` and `POST /runs/{id}/cancel`: ending a run by hand.

use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Payload},
};
use store::{Ending, RunStatus};

use super::{path, standing};
use crate::{app::App, auth::Admin, body, model::RunView, problem::Problem, query::Query};

pub(super) async fn reject(
    admin: Admin,
    request: HttpRequest,
    payload: Payload,
    app: Data<App>,
) -> Result<HttpResponse, Problem> {
    let id = path::id(&request)?;
    Query::of(&request).finish()?;
    body::none(&request, payload).await?;
    let ending = app.work(move |app| async move { Ok(app.store().reject_run(admin.tenant, id).await?) }).await?;
    answer(ending, standing::not_held)
}

pub(super) async fn cancel(
    admin: Admin,
    request: HttpRequest,
    payload: Payload,
    app: Data<App>,
) -> Result<HttpResponse, Problem> {
    let id = path::id(&request)?;
    Query::of(&request).finish()?;
    body::none(&request, payload).await?;
    let ending = app.work(move |app| async move { Ok(app.store().cancel_run(admin.tenant, id).await?) }).await?;
    answer(ending, standing::not_active)
}

fn answer(ending: Ending, refusal: fn(RunStatus) -> Problem) -> Result<HttpResponse, Problem> {
    match ending {
        Ending::Ended(run) => Ok(HttpResponse::Ok().json(RunView::from(*run))),
        Ending::NotPossible(status) => Err(refusal(status)),
        Ending::NoRun => Err(Problem::not_found()),
    }
}
