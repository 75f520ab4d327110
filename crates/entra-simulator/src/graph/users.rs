//! `/users` (protocol/entra.md §2).

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::json;

use super::error::GraphError;
use super::page::{Items, Onward, Page, push_object};
use super::query::Query;
use super::select::Selection;
use super::{Call, Reply, answer, read_id};
use crate::app::App;
use crate::directory::{Keep, Only};
use crate::requests::Route;

/// `GET /users`.
pub(super) async fn list(app: Data<App>, request: HttpRequest) -> HttpResponse {
    answer(&app, &request, Route::Users, page).await
}

fn page(call: &Call<'_>) -> Result<Reply, GraphError> {
    call.require_users()?;
    let query = Query::of(call.request)?;
    let selection = Selection::new(query.select.as_deref(), Some(Only::Users))?;
    let start = call.start(&query)?;
    let keep = keep(&query);
    let model = call.tenant.directory.read();
    let slice = match &query.ids {
        Some(ids) => model.users_of(ids, keep),
        None => model.users(start, call.page_size(&query), keep),
    };
    let mut items = Items::default();
    for user in slice.keys.iter().filter_map(|key| model.user(*key)) {
        items.push(selection.user(&user));
    }
    Ok(Reply::Page(Page {
        context: call.context(&format!("users{}", selection.shown())),
        count: query
            .wants_count()
            .then(|| query.ids.as_ref().map_or_else(|| model.count_users(keep), |_| slice.keys.len())),
        here: call.link(&query, start),
        onward: Onward::next(slice.next.map(|next| call.link(&query, next))),
        items,
    }))
}

/// `GET /users/$count`.
pub(super) async fn count(app: Data<App>, request: HttpRequest) -> HttpResponse {
    let count = |call: &Call<'_>| {
        call.require_users()?;
        let query = Query::of(call.request)?;
        if !query.eventual {
            return Err(GraphError::bad_request("$count needs the header ConsistencyLevel: eventual."));
        }
        let count = call.tenant.directory.read().count_users(keep(&query));
        Ok(Reply::Text(count.to_string()))
    };
    answer(&app, &request, Route::UserCount, count).await
}

/// `GET /users/{id}`.
pub(super) async fn get(app: Data<App>, request: HttpRequest, id: Path<String>) -> HttpResponse {
    let get = |call: &Call<'_>| {
        call.require_users()?;
        let query = Query::of(call.request)?;
        let selection = Selection::new(query.select.as_deref(), Some(Only::Users))?;
        let model = call.tenant.directory.read();
        let found = model.user_key(read_id(&id)?).and_then(|key| model.user(key));
        let user = found.ok_or_else(|| GraphError::not_found(&id))?;
        let context = call.context(&format!("users{}/$entity", selection.shown()));
        let mut object = String::new();
        push_object(&mut object, [("@odata.context", json!(context))].into_iter().chain(selection.user(&user)));
        Ok(Reply::Object(object))
    };
    answer(&app, &request, Route::User, get).await
}

fn keep(query: &Query) -> Keep {
    Keep { only: Some(Only::Users), enabled: query.enabled }
}
