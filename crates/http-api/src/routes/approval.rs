//! `POST /runs/{id}/approve`: letting a held run apply its plan, or some of it.

use std::sync::Arc;

use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Payload},
};
use directory_core::{RunId, TenantId};
use store::{Actor, Approval, Run};

use super::{BASE, accepted, path, standing};
use crate::{
    app::App,
    auth::Admin,
    body,
    model::{ApprovalInput, ApprovedPlan, RunView},
    openapi::{Absent, Any, Approving, Body, Waiting},
    problem::{Kind, Problem},
    query::Query,
};

const OTHER_PLAN: &str = "The run's plan is not the one with this digest. Read the run and its changes again, and \
                          approve what you have read with its `planDigest`.";

/// About a hundred thousand positions.
const MAX_BYTES: usize = 1 << 20;

#[utoipa::path(
    post, path = "/runs/{id}/approve", context_path = BASE, operation_id = "approveRun", tag = "Runs", summary = "Approve a held run",
    description = "Exactly the plan with this digest, as a whole or in part.",
    params(("id" = Uuid, Path, description = "The run"), Waiting),
    request_body = ApprovalInput,
    responses(
        (status = 200, description = "The run, which has ended: only with `Prefer: wait`", body = RunView,
            headers(("location" = String, description = "The path of the run"), ("preference-applied" = String, description = "That, and how long, was waited; absent where nothing was"))),
        (status = 202, description = "The run, which a worker takes up", body = RunView,
            headers(("location" = String, description = "The path of the run"), ("preference-applied" = String, description = "That, and how long, was waited; absent where nothing was"))),
        Any, Absent, Body, Approving,
    ),
)]
pub(crate) async fn approve(
    admin: Admin,
    request: HttpRequest,
    payload: Payload,
    app: Data<App>,
) -> Result<HttpResponse, Problem> {
    let id = path::id(&request)?;
    Query::of(&request).finish()?;
    let input = body::json_up_to::<ApprovalInput>(MAX_BYTES, &request, payload).await?.unwrap_or_default();
    let plan = input.into_plan().map_err(Problem::bad_input)?;
    let run = app
        .work({
            let (by, tenant) = (admin.by.clone(), admin.tenant);
            move |app| async move { apply(app, &by, tenant, id, plan).await }
        })
        .await?;
    accepted::answer(admin, &request, app, run).await
}

async fn apply(app: Arc<App>, by: &Actor, tenant: TenantId, id: RunId, plan: ApprovedPlan) -> Result<Run, Problem> {
    match app.engine().approve(by, tenant, id, &plan.digest, &plan.choice).await? {
        Approval::Approved(run) => Ok(*run),
        Approval::NotHeld(status) => Err(standing::not_held(status)),
        Approval::OtherPlan => Err(Problem::new(Kind::PlanChanged, OTHER_PLAN)),
        Approval::NotInPlan(missing) => Err(Problem::bad_input(plan.not_in_plan(&missing))),
        Approval::NothingChosen => Err(Problem::bad_input(vec![plan.nothing_chosen()])),
        Approval::AlreadyActive(run) => Err(Problem::run_active(run)),
        Approval::NoRun => Err(Problem::not_found()),
    }
}
