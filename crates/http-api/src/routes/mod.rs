//! The table of routes. Each module below it is one resource or one thing that is done to it.

mod accepted;
mod approval;
mod changes;
mod connections;
mod credential;
mod deletion;
mod ending;
mod events;
mod health;
mod ignored;
mod links;
mod path;
mod preview;
mod register;
mod runs;
mod standing;
mod sync;
mod update;
mod users;

use std::sync::Arc;

use actix_web::{
    FromRequest, Handler, HttpResponse, Resource, Responder,
    middleware::from_fn,
    web::{self, Data, ServiceConfig},
};

use crate::{app::App, observe::observe, problem::Problem};

const BASE: &str = "/api/directory";

/// Adds the API below `/api/directory`, the probes `/healthz` and `/readyz`, and `/metrics`, to a server.
pub fn configure(config: &mut ServiceConfig, app: Arc<App>) {
    // For the middleware too, which is outside of what it wraps.
    config.app_data(Data::from(app));
    let api = web::scope(BASE).configure(resources).wrap(from_fn(observe));
    config.service(api);
    let probes = [
        readable("/healthz", health::alive),
        readable("/readyz", health::ready),
        readable("/metrics", health::metrics),
    ];
    for probe in probes {
        config.service(probe.wrap(from_fn(observe)));
    }
}

/// One line a path, so that a path's methods stand together: another method on it is answered with 405.
fn resources(api: &mut ServiceConfig) {
    api.service(web::resource("/entra").post(register::register))
        .service(readable("/connections", connections::list))
        .service(readable("/connections/{id}", connections::show).patch(update::update).delete(deletion::delete))
        .service(web::resource("/connections/{id}/credential").put(credential::set))
        .service(readable("/connections/{id}/ignored", ignored::list))
        .service(web::resource("/connections/{id}/ignored/{externalId}").put(ignored::ignore).delete(ignored::heed))
        .service(web::resource("/connections/{id}/preview").post(preview::start))
        .service(web::resource("/connections/{id}/sync").post(sync::start))
        .service(web::resource("/connections/{id}/test").post(credential::test))
        .service(readable("/connections/{id}/runs", runs::list))
        .service(readable("/runs/{id}", runs::show))
        .service(web::resource("/runs/{id}/approve").post(approval::approve))
        .service(web::resource("/runs/{id}/cancel").post(ending::cancel))
        .service(readable("/runs/{id}/changes", changes::list))
        .service(readable("/runs/{id}/events", events::stream))
        .service(web::resource("/runs/{id}/reject").post(ending::reject))
        .service(readable("/users", users::list))
        .service(readable("/users/{id}", users::show))
        .service(web::resource("/users/{id}/link").post(links::link).delete(links::unlink));
}

/// Whatever has GET has HEAD (RFC 9110 §9.1); the server leaves the body out.
fn readable<F, Args>(path: &str, handler: F) -> Resource
where
    F: Handler<Args>,
    Args: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    web::resource(path).get(handler.clone()).head(handler)
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
