//! `/groups` (protocol/entra.md §3).

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::json;

use super::error::GraphError;
use super::page::{Items, Onward, Page, push_object};
use super::query::Query;
use super::select::{Selection, type_of};
use super::{Call, Reply, answer, read_id};
use crate::app::App;
use crate::directory::{Keep, Key, Model, Only, Slice};
use crate::requests::Route;

/// `GET /groups/{id}`.
pub(super) async fn get(app: Data<App>, request: HttpRequest, id: Path<String>) -> HttpResponse {
    let get = |call: &Call<'_>| {
        call.require_groups()?;
        let query = Query::of(call.request)?;
        let selection = Selection::new(query.select.as_deref(), Some(Only::Groups))?;
        let model = call.tenant.directory.read();
        let key = find_group(&model, &id)?;
        let context = call.context(&format!("groups{}/$entity", selection.shown()));
        let mut object = String::new();
        push_object(&mut object, [("@odata.context", json!(context))].into_iter().chain(selection.group(&model, key)));
        Ok(Reply::Object(object))
    };
    answer(&app, &request, Route::Group, get).await
}

/// `GET /groups/{id}/members` and `/transitiveMembers`: objects of any type.
pub(super) async fn members(app: Data<App>, request: HttpRequest, path: Path<(String, String)>) -> HttpResponse {
    let (id, relation) = path.into_inner();
    let list = |call: &Call<'_>| page(call, &id, &relation, None);
    answer(&app, &request, Route::GroupMembers, list).await
}

/// The same, cast to one type.
pub(super) async fn cast_members(
    app: Data<App>,
    request: HttpRequest,
    path: Path<(String, String, String)>,
) -> HttpResponse {
    let (id, relation, cast) = path.into_inner();
    let list = |call: &Call<'_>| page(call, &id, &relation, Some(&cast));
    answer(&app, &request, Route::GroupMembers, list).await
}

fn page(call: &Call<'_>, id: &str, relation: &str, cast: Option<&str>) -> Result<Reply, GraphError> {
    call.require_groups()?;
    let query = Query::of(call.request)?;
    let only = cast.map(|cast| read_cast(cast, &query)).transpose()?;
    if query.enabled.is_some() && only != Some(Only::Users) {
        return Err(GraphError::unsupported_query("Only a listing of users can be filtered by a user's property."));
    }
    let selection = Selection::new(query.select.as_deref(), only)?;
    let start = call.start(&query)?;
    let keep = Keep { only, enabled: query.enabled };
    let nested = relation == "transitiveMembers";
    let model = call.tenant.directory.read();
    let group = find_group(&model, id)?;
    let slice = model.members(group, nested, start, call.page_size(&query), keep);
    let set = match only {
        None => "directoryObjects",
        Some(Only::Users) => "users",
        Some(Only::Groups) => "groups",
    };
    Ok(Reply::Page(Page {
        context: call.context(&format!("{set}{}", selection.shown())),
        count: query.wants_count().then(|| model.count_members(group, nested, keep)),
        here: call.link(&query, start),
        onward: Onward::next(slice.next.map(|next| call.link(&query, next))),
        items: write_members(call, &model, &slice, &selection, only.is_none()),
    }))
}

/// Objects carry their type where the listing has more than one; one that may not be read carries it everywhere.
fn write_members(call: &Call<'_>, model: &Model, slice: &Slice, selection: &Selection, mixed: bool) -> Items {
    let mut items = Items::default();
    for key in &slice.keys {
        let kind = mixed.then(|| ("@odata.type", type_of(*key).into())).into_iter();
        match model.user(*key) {
            Some(user) if call.grant.users => items.push(kind.chain(selection.user(&user))),
            None if key.is_group() => items.push(kind.chain(selection.group(model, *key))),
            // No permission that the simulator knows is one for devices.
            Some(_) | None => items.push(selection.unreadable(model, *key)),
        }
    }
    items
}

/// A cast is answered by the advanced index only.
fn read_cast(cast: &str, query: &Query) -> Result<Only, GraphError> {
    let only = match cast {
        "microsoft.graph.user" => Only::Users,
        "microsoft.graph.group" => Only::Groups,
        _ => return Err(GraphError::unsupported_query(format!("A group's members cannot be cast to '{cast}'."))),
    };
    if query.is_advanced() {
        Ok(only)
    } else {
        let message = "A cast needs the header ConsistencyLevel: eventual and the option $count=true.";
        Err(GraphError::unsupported_query(message))
    }
}

fn find_group(model: &Model, id: &str) -> Result<Key, GraphError> {
    model.group_key(read_id(id)?).ok_or_else(|| GraphError::not_found(id))
}
