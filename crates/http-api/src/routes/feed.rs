//! `GET /events`: what changed, in order, for other services.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web::Data};
use directory_core::TenantId;
use store::{EventFilter, EventId, EventKind, EventPage, Feed};

use super::BASE;
use crate::{
    app::App,
    auth::Reader,
    model::EventPageView,
    openapi::{Any, EventsOf, Missed},
    problem::Problem,
    query::Query,
};

/// Where to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Oldest,
    After(EventId),
    Latest,
}

#[utoipa::path(
    get, path = "/events", context_path = BASE, operation_id = "listEvents", tag = "Events", summary = "List what changed",
    description = "Oldest first, from any place; events are kept for 30 days unless the server is told otherwise. \
        `nextCursor` is always there: go on from it at once while `hasMore`, else after a while. No event is skipped. \
        Keep the cursor together with what came of the events, and handle each by its `id` once.",
    params(EventsOf),
    responses(
        (status = 200, description = "A page of events", body = EventPageView),
        Missed,
        Any,
    ),
)]
pub(crate) async fn list(reader: Reader, request: HttpRequest, app: Data<App>) -> Result<HttpResponse, Problem> {
    let mut query = Query::of(&request);
    let limit = query.limit();
    let place = query.take("after", "must be `latest`, an event's id or the `nextCursor` of a page of events", place);
    let kinds = query.take("types", "must be types of events with commas between them, `user.created` say", kinds);
    query.finish()?;
    let (place, filter) = (place.unwrap_or(Place::Oldest), EventFilter { kinds: kinds.unwrap_or_default() });
    let page = app.work(move |app| read(app, reader.tenant, place, filter, limit)).await?;
    Ok(HttpResponse::Ok().json(EventPageView::from(page)))
}

async fn read(
    app: Arc<App>,
    tenant: TenantId,
    place: Place,
    filter: EventFilter,
    limit: u32,
) -> Result<EventPage, Problem> {
    let after = match place {
        Place::Oldest => None,
        Place::After(id) => Some(id),
        Place::Latest => {
            let next = app.store().latest_event(tenant).await?;
            return Ok(EventPage { events: Vec::new(), unknown: Vec::new(), next, more: false });
        }
    };
    match app.store().events(tenant, after, &filter, limit).await? {
        Feed::Page(page) => Ok(page),
        Feed::Gone => Err(Problem::events_gone()),
    }
}

fn place(text: &str) -> Option<Place> {
    if text == "latest" { Some(Place::Latest) } else { text.parse().ok().map(Place::After) }
}

fn kinds(text: &str) -> Option<Vec<EventKind>> {
    text.split(',').map(EventKind::parse).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_an_id_or_the_end() {
        assert_eq!(place("latest"), Some(Place::Latest));
        assert_eq!(place(&EventId::START.to_string()), Some(Place::After(EventId::START)));
        for text in ["", "oldest", "evt_7", "Latest"] {
            assert_eq!(place(text), None, "{text}");
        }
    }

    #[test]
    fn types_are_known_words() {
        assert_eq!(kinds("run.held,user.created"), Some(vec![EventKind::RunHeld, EventKind::UserCreated]));
        for text in ["", "run.held,", "run.held, user.created", "users", "run.*"] {
            assert_eq!(kinds(text), None, "{text}");
        }
    }
}
