//! The table of routes. Each module below it is one resource or one thing that is done to it.

mod changes;
mod connections;
mod health;
mod path;
mod register;
mod runs;
mod sync;
mod users;

use std::sync::Arc;

use actix_web::{
    FromRequest, Handler, Resource, Responder,
    middleware::from_fn,
    web::{self, Data, ServiceConfig},
};

use crate::{app::App, observe::observe};

const BASE: &str = "/api/directory";

/// Adds the API below `/api/directory`, and the probes `/healthz` and `/readyz`, to a server.
pub fn configure(config: &mut ServiceConfig, app: Arc<App>) {
    let app = Data::from(app);
    let api = web::scope(BASE).app_data(Data::clone(&app)).configure(resources).wrap(from_fn(observe));
    config.service(api);
    for probe in [readable("/healthz", health::alive), readable("/readyz", health::ready)] {
        config.service(probe.app_data(Data::clone(&app)).wrap(from_fn(observe)));
    }
}

/// One line a path, so that a path's methods stand together: another method on it is answered with 405.
fn resources(api: &mut ServiceConfig) {
    api.service(web::resource("/entra").post(register::register))
        .service(readable("/connections", connections::list))
        .service(readable("/connections/{id}", connections::show))
        .service(web::resource("/connections/{id}/sync").post(sync::start))
        .service(readable("/connections/{id}/runs", runs::list))
        .service(readable("/runs/{id}", runs::show))
        .service(readable("/runs/{id}/changes", changes::list))
        .service(readable("/users", users::list))
        .service(readable("/users/{id}", users::show));
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

fn connection_path(id: directory_core::ConnectionId) -> String {
    format!("{BASE}/connections/{id}")
}

fn run_path(id: directory_core::RunId) -> String {
    format!("{BASE}/runs/{id}")
}
