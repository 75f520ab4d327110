//! The answer to whoever asked for work: the run that does it, and its place. Who would like to wait for its end may.

use std::{sync::Arc, time::Instant};

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{self, ContentType},
    web::Data,
};
use store::{CreatedRun, Run};
use tokio::time::timeout;

use super::{path, run_path};
use crate::{
    app::App,
    auth::Admin,
    prefer::Wait,
    problem::Problem,
    watch::{Sighting, Watch},
};

pub(super) async fn answer(
    admin: Admin,
    request: &HttpRequest,
    app: Data<App>,
    run: Run,
) -> Result<HttpResponse, Problem> {
    let id = run.id;
    // The run's own lines have its id, this request's lines both.
    path::note(&id);
    let mut seen = Arc::new(Sighting::of(run, Instant::now()).map_err(Problem::internal)?);
    // A preference is not a right: where there is no room for waiting, the answer is that of who does not wait.
    let waiting = Wait::of(request.headers())
        .and_then(|wait| Some((wait, app.into_inner().watch(admin.tenant, admin.key, id, seen.since).ok()?)));
    let mut response = HttpResponse::Accepted();
    if let Some((wait, watch)) = waiting {
        // Whichever comes first: the run's end, that of the client's patience, that of the server.
        let _ = timeout(wait.time(), until_done(watch, &mut seen)).await;
        if seen.done {
            response = HttpResponse::Ok();
        }
        response.insert_header(wait.header());
    }
    response.insert_header((header::LOCATION, run_path(id)));
    Ok(response.content_type(ContentType::json()).body(seen.json.clone()))
}

/// Looks until there is nothing more to see.
async fn until_done(mut watch: Watch, seen: &mut Arc<Sighting>) {
    while let Some(next) = watch.next().await {
        *seen = next;
    }
}

/// The run that was queued, or why there is none.
pub(super) fn queued(created: CreatedRun) -> Result<Run, Problem> {
    match created {
        CreatedRun::Queued(run) => Ok(*run),
        CreatedRun::AlreadyActive(run) => Err(Problem::run_active(run)),
        CreatedRun::NoConnection => Err(Problem::not_found()),
    }
}
