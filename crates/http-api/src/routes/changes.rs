//! `GET /runs/{id}/changes`.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web::Data};
use directory_core::{RunId, TenantId};
use store::{ChangeFilter, ChangeRecord, SeqPage};

use super::{BASE, path};
use crate::{
    app::App,
    auth::Reader,
    cursor::List,
    model::{ChangeView, ListView},
    openapi::{Absent, Any, ChangesOf, Page},
    problem::Problem,
    query::{Query, word},
};

const ACTIONS: &str = "must be create, link, update, deactivate, reactivate, conflict or protected";
const OUTCOMES: &str = "must be planned, applied, rejected, stale or failed";

#[utoipa::path(
    get, path = "/runs/{id}/changes", context_path = BASE, operation_id = "listChanges", tag = "Runs", summary = "List a run's changes",
    description = "In the order of the plan: the history of each user, and what a person has to settle.",
    params(("id" = Uuid, Path, description = "The run"), Page, ChangesOf),
    responses(
        (status = 200, description = "A page of changes", body = ListView<ChangeView>),
        Any, Absent,
    ),
)]
pub(crate) async fn list(reader: Reader, request: HttpRequest, app: Data<App>) -> Result<HttpResponse, Problem> {
    let run: RunId = path::id(&request)?;
    let mut query = Query::of(&request);
    let paging = query.paging(List::Changes(run.0));
    let action = query.take("action", ACTIONS, word);
    let outcome = query.take("outcome", OUTCOMES, word);
    query.finish()?;
    let filter = ChangeFilter { action, outcome };
    let page = SeqPage { after: paging.after.unwrap_or(0), limit: paging.read_limit() };
    let found = app.work(move |app| read_page(app, reader.tenant, run, filter, page)).await?;
    Ok(HttpResponse::Ok().json(paging.page(found, |change| change.seq, ChangeView::from)))
}

async fn read_page(
    app: Arc<App>,
    tenant: TenantId,
    run: RunId,
    filter: ChangeFilter,
    page: SeqPage,
) -> Result<Vec<ChangeRecord>, Problem> {
    app.store().run(tenant, run).await?.ok_or_else(Problem::not_found)?;
    Ok(app.store().changes(tenant, run, filter, page).await?)
}
