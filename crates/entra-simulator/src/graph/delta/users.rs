//! `/users/delta` (protocol/entra.md §4.1, §4.2).

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde_json::json;

use super::round::Visit;
use super::token::{Place, Round};
use crate::app::App;
use crate::directory::{Key, Model, Only, Presence, Touch};
use crate::graph::error::GraphError;
use crate::graph::page::Items;
use crate::graph::select::Selection;
use crate::graph::{Call, Reply, answer};
use crate::requests::Route;

/// `GET /users/delta`.
pub(in crate::graph) async fn users(app: Data<App>, request: HttpRequest) -> HttpResponse {
    answer(&app, &request, Route::UserDelta, page).await
}

fn page(call: &Call<'_>) -> Result<Reply, GraphError> {
    call.require_users()?;
    let model = call.tenant.directory.read();
    let visit = Visit::begin(call, &model)?;
    let selection = Selection::new(visit.options.select.as_deref(), Some(Only::Users))?;
    let chosen = visit.chosen(&model);
    let (start, size) = (Key::from_cursor(visit.place.object), call.app.delta().objects.max(1));
    let (found, next) = match visit.round {
        Round::Everything { .. } => model.all_users(chosen.as_ref(), start, size),
        Round::Changes(stretch) => {
            model.changed_users(stretch, selection.user_properties(), chosen.as_ref(), start, size)
        }
    };
    let mut items = Items::default();
    for (key, touch) in found {
        write(&mut items, &model, &selection, visit.minimal, key, touch);
    }
    Ok(visit.page("users", items, next.map(|key| Place { object: key.cursor(), member: 0 })))
}

/// A user that came to be or came back is told as a whole, also to those who want only what changed.
fn write(items: &mut Items, model: &Model, selection: &Selection, minimal: bool, key: Key, touch: Touch) {
    if let Some(user) = model.user(key) {
        let told = (minimal && !touch.whole).then_some(touch.properties);
        items.push(selection.user_delta(&user, told));
        return;
    }
    let reason = if model.presence(key) == Some(Presence::SoftDeleted) { "changed" } else { "deleted" };
    items.push([("id", json!(model.id(key))), ("@removed", json!({"reason": reason}))].into_iter());
}
