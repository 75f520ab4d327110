//! `GET /runs/{id}/events`: a run's progress as server-sent events.

use std::{convert::Infallible, future::ready, pin::pin, sync::Arc, time::Instant};

use actix_web::{
    HttpRequest, HttpResponse, HttpResponseBuilder,
    http::{
        Method,
        header::{CacheControl, CacheDirective, ContentEncoding, HeaderName},
    },
    web::{Bytes, Data},
};
use directory_core::{RunId, TenantId};
use futures_util::{
    StreamExt,
    future::{BoxFuture, FutureExt},
    stream::{once, unfold},
};
use tokio::time::sleep;

use super::{BASE, path};
use crate::{
    app::App,
    auth::Reader,
    openapi::{Absent, Any, LastEvent, RunEventShape},
    principal::Standing,
    problem::Problem,
    query::Query,
    watch::{Sighting, Watch},
};

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
const MEDIA_TYPE: &str = "text/event-stream";
/// Tells nginx, and those who copied it from there, to pass on what comes at once.
const UNBUFFERED: (&str, &str) = ("X-Accel-Buffering", "no");
/// How long a client that lost the stream waits before it comes back, in milliseconds.
const RETRY: &str = "retry: 2000\n\n";
const HEARTBEAT: Bytes = Bytes::from_static(b": heartbeat\n\n");

#[utoipa::path(
    get, path = "/runs/{id}/events", context_path = BASE, operation_id = "watchRun", tag = "Runs", summary = "Watch a run",
    description = "Server-sent events: `progress` whenever the run has changed, and at last `done`, each with the run as data. `done` also comes when the run is held.",
    params(("id" = Uuid, Path, description = "The run"), LastEvent),
    responses(
        (status = 200, description = "Events", body = RunEventShape, content_type = "text/event-stream"),
        (status = 204, description = "The client knows the last event already, and is to stay away"),
        Any, Absent,
    ),
)]
pub(crate) async fn stream(reader: Reader, request: HttpRequest, app: Data<App>) -> Result<HttpResponse, Problem> {
    let id = path::id(&request)?;
    Query::of(&request).finish()?;
    let app = app.into_inner();
    let seen = app.work(move |app| look(app, reader.tenant, id)).await?;
    let last = request.headers().get(LAST_EVENT_ID).and_then(|id| id.to_str().ok());
    let is_news = last != Some(seen.id.as_str());
    if seen.done && !is_news {
        // The client came back although it was told the end. This answer, and no other, makes it stay away.
        return Ok(HttpResponse::NoContent().finish());
    }
    if request.method() == Method::HEAD {
        return Ok(answer().finish());
    }
    let first = if is_news { format!("{RETRY}{}", frame(&seen)) } else { RETRY.to_owned() };
    let first = once(ready(Ok::<_, Infallible>(Bytes::from(first))));
    if seen.done {
        return Ok(answer().streaming(first));
    }
    let events = Events {
        watch: Some(app.watch(reader.tenant, reader.key, id, seen.since)?),
        sent: seen.id,
        refused: refused(Arc::clone(&app), reader.standing).boxed(),
        app,
    };
    Ok(answer().streaming(first.chain(unfold(events, Events::next))))
}

fn answer() -> HttpResponseBuilder {
    let mut response = HttpResponse::Ok();
    response
        .content_type(MEDIA_TYPE)
        .insert_header(CacheControl(vec![CacheDirective::NoCache]))
        .insert_header(UNBUFFERED)
        // Whoever would compress it would hold it back.
        .insert_header(ContentEncoding::Identity);
    response
}

async fn look(app: Arc<App>, tenant: TenantId, id: RunId) -> Result<Sighting, Problem> {
    let since = Instant::now();
    let run = app.store().run(tenant, id).await?.ok_or_else(Problem::not_found)?;
    Sighting::of(run, since).map_err(Problem::internal)
}

/// Ends when the token is of no use any more. If the store fails meanwhile, that is not the token's fault.
async fn refused(app: Arc<App>, standing: Standing) {
    loop {
        sleep(app.config().watching.recheck).await;
        if let Ok(false) = standing.holds(&app).await {
            return;
        }
    }
}

/// An open stream.
struct Events {
    app: Arc<App>,
    /// `None` once the last event is sent.
    watch: Option<Watch>,
    /// The id of the event that the client knows.
    sent: String,
    refused: BoxFuture<'static, ()>,
}

impl Events {
    /// What is to be sent next, as soon as there is something.
    async fn next(mut self) -> Option<(Result<Bytes, Infallible>, Self)> {
        let watch = self.watch.as_mut()?;
        let mut silent = pin!(sleep(self.app.config().watching.heartbeat));
        loop {
            tokio::select! {
                seen = watch.next() => {
                    let seen = seen?;
                    if seen.id == self.sent {
                        continue;
                    }
                    self.sent.clone_from(&seen.id);
                    if seen.done {
                        self.watch = None;
                    }
                    return Some((Ok(frame(&seen).into()), self));
                }
                () = &mut silent => return Some((Ok(HEARTBEAT), self)),
                () = &mut self.refused => return None,
            }
        }
    }
}

fn frame(seen: &Sighting) -> String {
    let event = if seen.done { "done" } else { "progress" };
    let Sighting { id, json, .. } = seen;
    // The view is JSON in one line, and so UTF-8.
    format!("id: {id}\nevent: {event}\ndata: {}\n\n", String::from_utf8_lossy(json))
}
