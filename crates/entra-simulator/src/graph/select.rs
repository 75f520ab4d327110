//! `$select`: which members the objects of a response have.

use serde_json::Value;

use super::error::GraphError;
use crate::directory::{GroupProperty, Key, Kind, Model, Only, PropertySet, User, UserProperty};

/// The properties to return of users and of groups.
pub(crate) struct Selection {
    users: Vec<UserProperty>,
    groups: Vec<GroupProperty>,
    /// The selected names as they are shown in `@odata.context`.
    shown: String,
}

/// An object's `@odata.type`.
pub(crate) const fn type_of(key: Key) -> &'static str {
    match key.kind() {
        Kind::Generated | Kind::Added => "#microsoft.graph.user",
        Kind::Group => "#microsoft.graph.group",
        Kind::Device => "#microsoft.graph.device",
    }
}

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

    /// The user properties that are selected.
    pub(crate) fn user_properties(&self) -> PropertySet {
        self.users.iter().copied().collect()
    }

    /// What a delta query tells of a user: its id and, of the selected properties, those of `told` that were ever set.
    pub(crate) fn user_delta<'a>(
        &'a self,
        user: &'a User<'_>,
        told: Option<PropertySet>,
    ) -> impl Iterator<Item = (&'static str, Value)> + 'a {
        let others = self.users.iter().copied().filter(|property| *property != UserProperty::Id);
        let told = others.filter(move |property| told.is_none_or(|told| told.contains(*property)));
        let id = ("id", user.id.to_string().into());
        [id].into_iter().chain(told.filter_map(|property| Some((property.name(), user.recorded(property)?))))
    }

    /// What a delta query tells of a group besides its id: those of the selected properties that were ever set.
    pub(crate) fn group_delta<'a>(
        &'a self,
        model: &'a Model,
        key: Key,
    ) -> impl Iterator<Item = (&'static str, Value)> + 'a {
        self.group(model, key).filter(|(name, value)| *name != "id" && !value.is_null())
    }

    /// An object that the caller may not read: its type and id, and nothing else is told (protocol/entra.md §3).
    pub(crate) fn unreadable(&self, model: &Model, key: Key) -> impl Iterator<Item = (&'static str, Value)> {
        let others = self.users.iter().filter(|property| **property != UserProperty::Id);
        let nothing = others.map(|property| (property.name(), Value::Null));
        [("@odata.type", type_of(key).into()), ("id", model.id(key).to_string().into())].into_iter().chain(nothing)
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
