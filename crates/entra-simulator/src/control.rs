//! The control API: changes the directory, the application and the weather. Not part of what is simulated.

use actix_web::http::StatusCode;
use actix_web::web::{self, Data, Json, Path, Query, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, ResponseError};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::time::Duration;
use uuid::Uuid;

use crate::app::{App, Tenant};
use crate::assertion::TrustError;
use crate::config::DeltaPaging;
use crate::directory::{DeltaRefusal, EditError};
use crate::fault::Fault;
use crate::permission::Permission;

/// The routes below `/control`.
pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .app_data(web::JsonConfig::default().error_handler(|error, _| Refusal::BadBody(error.to_string()).into()))
        .route("", web::get().to(overview))
        .route("/users", web::get().to(list_users))
        .route("/users", web::post().to(add_user))
        .route("/users/generate", web::post().to(generate_users))
        .route("/users/{id}", web::get().to(get_user))
        .route("/users/{id}", web::patch().to(update_user))
        .route("/users/{id}", web::delete().to(delete_user))
        .route("/users/{id}/restore", web::post().to(restore_user))
        .route("/users/{id}/purge", web::post().to(purge_user))
        .route("/groups", web::post().to(add_group))
        .route("/groups/{id}", web::delete().to(delete_group))
        .route("/groups/{id}/members/{member}", web::put().to(add_member))
        .route("/groups/{id}/members/{member}", web::delete().to(remove_member))
        .route("/devices", web::post().to(add_device))
        .route("/delta", web::get().to(get_delta))
        .route("/delta", web::put().to(set_delta))
        .route("/delta/expire", web::post().to(expire_delta))
        .route("/permissions", web::put().to(set_permissions))
        .route("/secret", web::put().to(set_secret))
        .route("/secret/expire", web::post().to(expire_secret))
        .route("/certificates", web::post().to(trust_certificate))
        .route("/federated-tokens", web::post().to(trust_federated_token))
        .route("/assertions", web::delete().to(distrust_assertions))
        .route("/tokens/revoke", web::post().to(revoke_tokens))
        .route("/faults", web::get().to(list_faults))
        .route("/faults", web::post().to(add_fault))
        .route("/faults", web::delete().to(clear_faults))
        .route("/latency", web::put().to(set_latency))
        .route("/requests", web::get().to(list_requests))
        .route("/requests", web::delete().to(reset_requests))
        .default_service(web::to(unknown));
}

/// Why a control request is refused.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error(transparent)]
    Edit(#[from] EditError),
    #[error(transparent)]
    Trust(#[from] TrustError),
    #[error("no tenant of this simulator has that directory id")]
    UnknownTenant,
    #[error("there is no such control; see the README")]
    UnknownControl,
    #[error("{0}")]
    BadBody(String),
}

impl ResponseError for Refusal {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::Edit(EditError::UnknownUser(_) | EditError::UnknownGroup(_) | EditError::UnknownMember(_))
            | Self::UnknownTenant
            | Self::UnknownControl => StatusCode::NOT_FOUND,
            Self::Edit(_) | Self::Trust(_) | Self::BadBody(_) => StatusCode::BAD_REQUEST,
        }
    }

    fn error_response(&self) -> HttpResponse {
        HttpResponse::build(self.status_code()).json(json!({"error": self.to_string()}))
    }
}

type Answer = Result<HttpResponse, Refusal>;

/// The tenant that a request is about: the one `?directoryId=` names, or the first.
#[derive(Deserialize)]
struct Target {
    #[serde(rename = "directoryId")]
    directory_id: Option<Uuid>,
}

impl Target {
    fn find<'a>(&self, app: &'a App) -> Result<&'a Tenant, Refusal> {
        let found = match self.directory_id {
            Some(id) => app.tenant(id),
            None => app.tenants.first(),
        };
        found.ok_or(Refusal::UnknownTenant)
    }
}

fn done() -> HttpResponse {
    HttpResponse::NoContent().finish()
}

async fn overview(app: Data<App>) -> HttpResponse {
    let tenants = app.tenants.iter().map(|tenant| {
        json!({
            "directoryId": tenant.directory_id,
            "domain": tenant.domain,
            "clientId": tenant.client_id,
            "users": tenant.directory.user_count(),
            "engineeringGroupId": tenant.directory.engineering(),
            "researchGroupId": tenant.directory.research(),
        })
    });
    HttpResponse::Ok().json(json!({"tenants": tenants.collect::<Vec<_>>()}))
}

#[derive(Deserialize)]
struct Window {
    #[serde(default)]
    skip: usize,
    #[serde(default = "ten")]
    limit: usize,
}

const fn ten() -> usize {
    10
}

async fn list_users(app: Data<App>, target: Query<Target>, window: Query<Window>) -> Answer {
    let directory = &target.find(&app)?.directory;
    let ids = directory.user_ids(window.skip, window.limit.min(1_000));
    let users: Vec<_> = ids.into_iter().filter_map(|id| directory.user(id)).collect();
    Ok(HttpResponse::Ok().json(json!({"users": users})))
}

async fn get_user(app: Data<App>, target: Query<Target>, id: Path<Uuid>) -> Answer {
    let user = target.find(&app)?.directory.user(*id).ok_or(EditError::UnknownUser(*id))?;
    Ok(HttpResponse::Ok().json(user))
}

async fn add_user(app: Data<App>, target: Query<Target>, properties: Json<Value>) -> Answer {
    let id = target.find(&app)?.directory.add_user(&properties)?;
    Ok(HttpResponse::Created().json(json!({"id": id})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Generate {
    count: u32,
}

async fn generate_users(app: Data<App>, target: Query<Target>, body: Json<Generate>) -> Answer {
    let directory = &target.find(&app)?.directory;
    directory.generate_users(body.count)?;
    Ok(HttpResponse::Ok().json(json!({"users": directory.user_count()})))
}

async fn update_user(app: Data<App>, target: Query<Target>, id: Path<Uuid>, properties: Json<Value>) -> Answer {
    target.find(&app)?.directory.update_user(*id, &properties)?;
    Ok(done())
}

async fn delete_user(app: Data<App>, target: Query<Target>, id: Path<Uuid>) -> Answer {
    target.find(&app)?.directory.delete_user(*id)?;
    Ok(done())
}

async fn restore_user(app: Data<App>, target: Query<Target>, id: Path<Uuid>) -> Answer {
    target.find(&app)?.directory.restore_user(*id)?;
    Ok(done())
}

async fn purge_user(app: Data<App>, target: Query<Target>, id: Path<Uuid>) -> Answer {
    target.find(&app)?.directory.purge_user(*id)?;
    Ok(done())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewGroup {
    display_name: String,
}

async fn add_group(app: Data<App>, target: Query<Target>, body: Json<NewGroup>) -> Answer {
    let id = target.find(&app)?.directory.add_group(&body.display_name);
    Ok(HttpResponse::Created().json(json!({"id": id})))
}

async fn delete_group(app: Data<App>, target: Query<Target>, id: Path<Uuid>) -> Answer {
    target.find(&app)?.directory.delete_group(*id)?;
    Ok(done())
}

async fn add_member(app: Data<App>, target: Query<Target>, path: Path<(Uuid, Uuid)>) -> Answer {
    target.find(&app)?.directory.add_member(path.0, path.1)?;
    Ok(done())
}

async fn remove_member(app: Data<App>, target: Query<Target>, path: Path<(Uuid, Uuid)>) -> Answer {
    target.find(&app)?.directory.remove_member(path.0, path.1)?;
    Ok(done())
}

async fn add_device(app: Data<App>, target: Query<Target>) -> Answer {
    let id = target.find(&app)?.directory.add_device();
    Ok(HttpResponse::Created().json(json!({"id": id})))
}

async fn get_delta(app: Data<App>) -> HttpResponse {
    HttpResponse::Ok().json(app.delta())
}

async fn set_delta(app: Data<App>, body: Json<DeltaPaging>) -> HttpResponse {
    app.set_delta(body.into_inner());
    done()
}

async fn expire_delta(app: Data<App>, target: Query<Target>, body: Json<DeltaRefusal>) -> Answer {
    target.find(&app)?.directory.expire_delta_tokens(body.into_inner());
    Ok(done())
}

async fn set_permissions(app: Data<App>, target: Query<Target>, body: Json<Vec<Permission>>) -> Answer {
    target.find(&app)?.registration.set_permissions(body.into_inner());
    Ok(done())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewSecret {
    secret: String,
}

async fn set_secret(app: Data<App>, target: Query<Target>, body: Json<NewSecret>) -> Answer {
    target.find(&app)?.registration.set_secret(&body.secret);
    Ok(done())
}

async fn expire_secret(app: Data<App>, target: Query<Target>) -> Answer {
    target.find(&app)?.registration.expire_secret();
    Ok(done())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewCertificate {
    pem: String,
}

async fn trust_certificate(app: Data<App>, target: Query<Target>, body: Json<NewCertificate>) -> Answer {
    target.find(&app)?.registration.trust_certificate(&body.pem)?;
    Ok(done())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewFederatedToken {
    token: String,
}

async fn trust_federated_token(app: Data<App>, target: Query<Target>, body: Json<NewFederatedToken>) -> Answer {
    target.find(&app)?.registration.trust_federated_token(&body.token);
    Ok(done())
}

async fn distrust_assertions(app: Data<App>, target: Query<Target>) -> Answer {
    target.find(&app)?.registration.distrust_assertions();
    Ok(done())
}

async fn revoke_tokens(app: Data<App>, target: Query<Target>) -> Answer {
    target.find(&app)?.registration.revoke_tokens();
    Ok(done())
}

async fn list_faults(app: Data<App>) -> HttpResponse {
    HttpResponse::Ok().json(json!({"faults": app.faults.pending()}))
}

async fn add_fault(app: Data<App>, body: Json<Fault>) -> HttpResponse {
    app.faults.add(body.into_inner());
    done()
}

async fn clear_faults(app: Data<App>) -> HttpResponse {
    app.faults.clear();
    done()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Latency {
    milliseconds: u64,
}

async fn set_latency(app: Data<App>, body: Json<Latency>) -> HttpResponse {
    app.set_latency(Duration::from_millis(body.milliseconds));
    done()
}

async fn list_requests(app: Data<App>) -> HttpResponse {
    let counts = app.requests.by_route().into_iter();
    let named = counts.filter_map(|(route, count)| Some((json!(route).as_str()?.to_owned(), json!(count))));
    HttpResponse::Ok().json(named.collect::<Map<_, _>>())
}

async fn reset_requests(app: Data<App>) -> HttpResponse {
    app.requests.reset();
    done()
}

async fn unknown(_: HttpRequest) -> Answer {
    Err(Refusal::UnknownControl)
}
