//! `/groups/delta` (protocol/entra.md §4.5).

use std::collections::BTreeSet;

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Value, json};

use super::round::Visit;
use super::token::{Place, Round};
use crate::app::App;
use crate::directory::{GroupPart, GroupPlace, GroupRoom, Key, Model, Only};
use crate::graph::error::GraphError;
use crate::graph::page::Items;
use crate::graph::select::{Selection, type_of};
use crate::graph::{Call, Reply, answer};
use crate::requests::Route;

/// The name of the members in `$select`.
const MEMBERS: &str = "members";
/// How many members a group has that was not asked for.
const FEW: usize = 3;

/// `GET /groups/delta`.
pub(in crate::graph) async fn groups(app: Data<App>, request: HttpRequest) -> HttpResponse {
    answer(&app, &request, Route::GroupDelta, page).await
}

fn page(call: &Call<'_>) -> Result<Reply, GraphError> {
    call.require_groups()?;
    let model = call.tenant.directory.read();
    let visit = Visit::begin(call, &model)?;
    let (selection, with_members) = select(visit.options.select.as_deref())?;
    let chosen = visit.chosen(&model);
    let paging = call.app.delta();
    let members = with_members.then_some(paging.members.max(1));
    let room = GroupRoom { groups: paging.objects.max(1), members };
    let start =
        GroupPlace { group: Key::from_cursor(visit.place.object), member: Key::from_cursor(visit.place.member) };
    let (parts, next) = match visit.round {
        Round::Everything { .. } => model.all_groups(chosen.as_ref(), start, room),
        Round::Changes(stretch) => model.changed_groups(stretch, chosen.as_ref(), start, room),
    };
    let mut items = Items::default();
    let other = chosen.filter(|_| paging.other_groups).and_then(|chosen| other(&model, &chosen, members));
    for part in other.iter().chain(&parts) {
        write(&mut items, &model, &selection, visit.minimal && !part.whole, part);
    }
    let place = |next: GroupPlace| Place { object: next.group.cursor(), member: next.member.cursor() };
    Ok(visit.page("groups", items, next.map(place)))
}

/// Members are a relation and not a property, but selected like one; without a selection they are there.
fn select(names: Option<&[String]>) -> Result<(Selection, bool), GraphError> {
    let Some(names) = names else {
        return Ok((Selection::new(None, Some(Only::Groups))?, true));
    };
    let properties: Vec<String> = names.iter().filter(|name| *name != MEMBERS).cloned().collect();
    Ok((Selection::new(Some(&properties), Some(Only::Groups))?, properties.len() < names.len()))
}

/// A part of a group that nobody asked for: such ones come in between.
fn other(model: &Model, chosen: &BTreeSet<Key>, members: Option<usize>) -> Option<GroupPart> {
    let group = model.other_group(chosen)?;
    let room = GroupRoom { groups: 1, members: members.map(|_| FEW) };
    model.all_groups(None, GroupPlace { group, member: Key::FIRST }, room).0.pop()
}

fn write(items: &mut Items, model: &Model, selection: &Selection, only_members: bool, part: &GroupPart) {
    let id = ("id", json!(model.id(part.key)));
    if model.group(part.key).is_none() {
        items.push([id, ("@removed", json!({"reason": "deleted"}))].into_iter());
        return;
    }
    let properties = selection.group_delta(model, part.key).filter(|_| !only_members);
    let members: Vec<Value> = part.members.iter().map(|member| entry(model, part.key, *member)).collect();
    let members = (!members.is_empty()).then_some(("members@delta", Value::Array(members)));
    items.push([id].into_iter().chain(properties).chain(members));
}

/// A member that came or went: what it is, and nothing about it.
fn entry(model: &Model, group: Key, member: Key) -> Value {
    let (kind, id) = (type_of(member), model.id(member));
    if model.has_member(group, member) {
        json!({"@odata.type": kind, "id": id})
    } else {
        json!({"@odata.type": kind, "id": id, "@removed": {"reason": "deleted"}})
    }
}
