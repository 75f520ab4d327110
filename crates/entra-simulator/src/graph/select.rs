//! `$select`: which members the objects of a response have.

use serde_json::Value;
use uuid::Uuid;

use super::error::GraphError;
use crate::directory::{GroupProperty, Key, Model, Only, User, UserProperty};

/// The properties to return of users and of groups.
pub(crate) struct Selection {
    users: Vec<UserProperty>,
    groups: Vec<GroupProperty>,
    /// The selected names as they are shown in `@odata.context`.
    shown: String,
}

pub(crate) const USER_TYPE: &str = "#microsoft.graph.user";
pub(crate) const GROUP_TYPE: &str = "#microsoft.graph.group";

impl Selection {
    /// For a listing of one kind of object, or with `None` of directory objects in general: there each object has those
    /// of the selected properties that its type knows.
    pub(crate) fn new(select: Option<&[String]>, only: Option<Only>) -> Result<Self, GraphError> {
        let Some(names) = select else {
            return Ok(Self { users: UserProperty::listed(), groups: GroupProperty::listed(), shown: String::new() });
        };
        let (mut users, mut groups) = (Vec::new(), Vec::new());
        for name in names {
            let user = UserProperty::from_name(name).filter(|_| only != Some(Only::Groups));
            let group = GroupProperty::from_name(name).filter(|_| only != Some(Only::Users));
            if user.is_none() && group.is_none() {
                return Err(unknown_property(name, only));
            }
            users.extend(user.filter(|property| !users.contains(property)));
            groups.extend(group.filter(|property| !groups.contains(property)));
        }
        Ok(Self { users, groups, shown: format!("({})", names.join(",")) })
    }

    pub(crate) fn shown(&self) -> &str {
        &self.shown
    }

    pub(crate) fn user<'a>(&'a self, user: &'a User<'_>) -> impl Iterator<Item = (&'static str, Value)> + 'a {
        self.users.iter().map(|property| (property.name(), user.value(*property)))
    }

    /// A user that the caller may not read: its id, and nothing else is told (protocol/entra.md §3).
    pub(crate) fn unreadable_user(&self, id: Uuid) -> impl Iterator<Item = (&'static str, Value)> {
        let others = self.users.iter().filter(|property| **property != UserProperty::Id);
        let nothing = others.map(|property| (property.name(), Value::Null));
        [("@odata.type", USER_TYPE.into()), ("id", id.to_string().into())].into_iter().chain(nothing)
    }

    pub(crate) fn group<'a>(&'a self, model: &'a Model, key: Key) -> impl Iterator<Item = (&'static str, Value)> + 'a {
        self.groups.iter().map(move |property| (property.name(), model.group_value(key, *property)))
    }
}

fn unknown_property(name: &str, only: Option<Only>) -> GraphError {
    let kind = match only {
        Some(Only::Users) => "user",
        Some(Only::Groups) => "group",
        None => "directoryObject",
    };
    GraphError::bad_request(format!("Could not find a property named '{name}' on type 'microsoft.graph.{kind}'."))
}
