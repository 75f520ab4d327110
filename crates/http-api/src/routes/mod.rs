//! The table of routes. Each module below it is one resource or one thing that is done to it.

mod accepted;
pub(crate) mod approval;
pub(crate) mod audit;
pub(crate) mod changes;
pub(crate) mod connections;
pub(crate) mod credential;
pub(crate) mod deletion;
pub(crate) mod deliveries;
pub(crate) mod document;
pub(crate) mod ending;
pub(crate) mod events;
pub(crate) mod feed;
pub(crate) mod health;
pub(crate) mod ignored;
pub(crate) mod links;
mod path;
pub(crate) mod preview;
pub(crate) mod register;
mod route;
pub(crate) mod runs;
mod standing;
pub(crate) mod sync;
pub(crate) mod update;
pub(crate) mod users;
pub(crate) mod webhooks;

use std::sync::Arc;

use actix_web::{
    HttpResponse,
    middleware::from_fn,
    web::{self, Data, ServiceConfig},
};

use crate::{app::App, observe::observe, problem::Problem};
pub(crate) use route::Route;

/// What the paths of the API begin with.
pub(crate) const BASE: &str = "/api/directory";

/// Adds the API below `/api/directory` to a server, and beside it the probes `/healthz` and `/readyz`, `/metrics`, and
/// `/openapi.json` with its page `/docs`.
pub fn configure(config: &mut ServiceConfig, app: Arc<App>) {
    // For the middleware too, which is outside of what it wraps.
    config.app_data(Data::from(app));
    let api = web::scope(BASE);
    let api = below_base().into_iter().fold(api, |api, route| api.service(route.into_resource()));
    config.service(api.wrap(from_fn(observe)));
    for route in beside_base() {
        config.service(route.into_resource().wrap(from_fn(observe)));
    }
}

/// One line a path, so that a path's methods stand together: another method on it is answered with 405.
pub(crate) fn below_base() -> Vec<Route> {
    vec![
        Route::at("/entra").post(register::register),
        Route::at("/audit").read(audit::list),
        Route::at("/connections").read(connections::list),
        Route::at("/connections/{id}").read(connections::show).patch(update::update).delete(deletion::delete),
        Route::at("/connections/{id}/credential").put(credential::set),
        Route::at("/connections/{id}/ignored").read(ignored::list),
        Route::at("/connections/{id}/ignored/{externalId}").put(ignored::ignore).delete(ignored::heed),
        Route::at("/connections/{id}/preview").post(preview::start),
        Route::at("/connections/{id}/sync").post(sync::start),
        Route::at("/connections/{id}/test").post(credential::test),
        Route::at("/connections/{id}/runs").read(runs::list),
        Route::at("/events").read(feed::list),
        Route::at("/runs/{id}").read(runs::show),
        Route::at("/runs/{id}/approve").post(approval::approve),
        Route::at("/runs/{id}/cancel").post(ending::cancel),
        Route::at("/runs/{id}/changes").read(changes::list),
        Route::at("/runs/{id}/events").read(events::stream),
        Route::at("/runs/{id}/reject").post(ending::reject),
        Route::at("/users").read(users::list),
        Route::at("/users/{id}").read(users::show),
        Route::at("/users/{id}/link").post(links::link).delete(links::unlink),
        Route::at("/webhooks").read(webhooks::list).post(webhooks::create),
        Route::at("/webhooks/{id}").read(webhooks::show).patch(webhooks::update).delete(webhooks::delete),
        Route::at("/webhooks/{id}/deliveries").read(deliveries::list),
        Route::at("/webhooks/{id}/deliveries/{deliveryId}/replay").post(deliveries::replay_one),
        Route::at("/webhooks/{id}/replay").post(deliveries::replay_many),
        Route::at("/webhooks/{id}/secret").post(deliveries::rotate_secret),
        Route::at("/webhooks/{id}/test").post(deliveries::test),
    ]
}

/// What is not the API itself.
pub(crate) fn beside_base() -> Vec<Route> {
    vec![
        Route::at("/healthz").read(health::alive),
        Route::at("/readyz").read(health::ready),
        Route::at("/metrics").read(health::metrics),
        Route::at("/openapi.json").read(document::openapi),
        Route::at("/docs").read(document::page),
        // The page itself has no name.
        Route::at("/docs/{file}").matching("/docs/{file:.*}").read(document::file),
    ]
}

/// The answer to a write that leaves nothing to show, if what it is about was there.
fn no_content(found: bool) -> Result<HttpResponse, Problem> {
    if found { Ok(HttpResponse::NoContent().finish()) } else { Err(Problem::not_found()) }
}

fn connection_path(id: directory_core::ConnectionId) -> String {
    format!("{BASE}/connections/{id}")
}

fn run_path(id: directory_core::RunId) -> String {
    format!("{BASE}/runs/{id}")
}
