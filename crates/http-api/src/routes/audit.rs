//! `GET /audit`: who administrated what, and when.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web::Data};
use directory_core::{ExternalId, TenantId};
use store::{AuditAction, AuditEntry, AuditFilter, IdPage};

use super::BASE;
use crate::{
    app::App,
    auth::Reader,
    cursor::List,
    model::{AuditEntryView, ListView, external_id},
    openapi::{Any, AuditOf, Page},
    problem::Problem,
    query::Query,
};

const ID: &str = "must be an id";

#[utoipa::path(
    get, path = "/audit", context_path = BASE, operation_id = "listAuditEntries", tag = "Audit", summary = "List who changed what",
    description = "Newest first. Each entry was written in the transaction of the change, and stays as it is.",
    params(Page, AuditOf),
    responses(
        (status = 200, description = "A page of entries", body = ListView<AuditEntryView>),
        Any,
    ),
)]
pub(crate) async fn list(reader: Reader, request: HttpRequest, app: Data<App>) -> Result<HttpResponse, Problem> {
    let mut query = Query::of(&request);
    let paging = query.paging(List::Audit);
    let filter = AuditFilter {
        action: query.take(
            "action",
            "must be an action of the audit log, `connection.updated` say",
            AuditAction::parse,
        ),
        // Ours and directory users': of any form.
        subject: query.take("subjectId", ID, external_id).map(|id| id.to_string()),
        // An issuer's own, which may have its GUIDs in any case.
        actor: query.take("actorId", ID, ExternalId::parse).map(|id| id.to_string()),
    };
    query.finish()?;
    let page = IdPage { after: paging.after, limit: paging.read_limit() };
    let found = app.work(move |app| read_page(app, reader.tenant, filter, page)).await?;
    Ok(HttpResponse::Ok().json(paging.page(found, |entry| entry.id, AuditEntryView::from)))
}

async fn read_page(
    app: Arc<App>,
    tenant: TenantId,
    filter: AuditFilter,
    page: IdPage,
) -> Result<Vec<AuditEntry>, Problem> {
    Ok(app.store().audit_entries(tenant, &filter, page).await?)
}
