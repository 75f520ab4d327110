//! The state of a directory: generated users, what was edited since, and groups.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::{Value, json};
use uuid::Uuid;

use super::edit::EditError;
use super::key::{Ids, Key, Kind};
use super::person::{Person, Profile};
use super::property::{GroupProperty, UserProperty};

/// What a directory holds. Memory grows with the edits, not with the users.
pub(crate) struct Model {
    pub(super) ids: Ids,
    profile: Profile,
    pub(super) generated: u32,
    pub(super) added: u32,
    edits: HashMap<Key, Edit>,
    groups: BTreeMap<Key, Group>,
    groups_made: u32,
}

/// What differs from the generated user, or all there is of an added one.
struct Edit {
    presence: Presence,
    values: BTreeMap<UserProperty, Value>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Presence {
    Live,
    SoftDeleted,
    Purged,
}

/// A security group.
pub(crate) struct Group {
    pub(super) name: String,
    pub(super) members: BTreeSet<Key>,
}

/// A live user, read property by property.
pub(crate) struct User<'a> {
    model: &'a Model,
    pub(crate) id: Uuid,
    person: Option<Person>,
    edit: Option<&'a Edit>,
}

impl Model {
    pub(super) fn new(profile: Profile, users: u32) -> Self {
        Self {
            ids: Ids::new(profile.seed),
            profile,
            generated: users,
            added: 0,
            edits: HashMap::new(),
            groups: BTreeMap::new(),
            groups_made: 0,
        }
    }

    pub(crate) fn id(&self, key: Key) -> Uuid {
        self.ids.id(key)
    }

    pub(crate) fn user_key(&self, id: Uuid) -> Option<Key> {
        self.ids.key(id).filter(|key| self.is_live(*key))
    }

    pub(crate) fn group_key(&self, id: Uuid) -> Option<Key> {
        self.ids.key(id).filter(|key| self.groups.contains_key(key))
    }

    pub(super) fn group(&self, key: Key) -> Option<&Group> {
        self.groups.get(&key)
    }

    pub(super) fn is_live(&self, key: Key) -> bool {
        self.presence(key) == Some(Presence::Live)
    }

    fn presence(&self, key: Key) -> Option<Presence> {
        match self.edits.get(&key) {
            Some(edit) => Some(edit.presence),
            None => (key < Key::new(Kind::Generated, self.generated)).then_some(Presence::Live),
        }
    }

    /// The live user at `key`.
    pub(crate) fn user(&self, key: Key) -> Option<User<'_>> {
        self.is_live(key).then(|| User {
            model: self,
            id: self.id(key),
            person: generated_index(key).map(|index| Person::new(&self.profile, index)),
            edit: self.edits.get(&key),
        })
    }

    pub(super) fn is_enabled(&self, key: Key) -> bool {
        let edited = self.edits.get(&key).and_then(|edit| edit.values.get(&UserProperty::AccountEnabled));
        match (edited, generated_index(key)) {
            (Some(value), _) => *value == Value::Bool(true),
            (None, Some(index)) => Person::is_enabled(&self.profile, index),
            (None, None) => false,
        }
    }

    /// How many users are neither deleted nor purged.
    pub(crate) fn live_users(&self) -> usize {
        let gone = self.edits.values().filter(|edit| edit.presence != Presence::Live).count();
        self.generated as usize + self.added as usize - gone
    }

    pub(super) fn generate(&mut self, count: u32) -> Result<(), EditError> {
        self.generated = self.generated.checked_add(count).ok_or(EditError::Full)?;
        Ok(())
    }

    pub(super) fn add_user(&mut self, properties: &Value) -> Result<Uuid, EditError> {
        let given = read_properties(properties)?;
        let number = self.added;
        let mut values = self.added_defaults(number, &given);
        values.extend(given);
        self.added = number.checked_add(1).ok_or(EditError::Full)?;
        let key = Key::new(Kind::Added, number);
        self.edits.insert(key, Edit { presence: Presence::Live, values });
        Ok(self.id(key))
    }

    /// What Entra requires at creation and the caller left out.
    fn added_defaults(&self, number: u32, given: &BTreeMap<UserProperty, Value>) -> BTreeMap<UserProperty, Value> {
        let principal_name = match given.get(&UserProperty::Mail) {
            Some(Value::String(mail)) => mail.clone(),
            _ => format!("added.{number}@{}", self.profile.domain),
        };
        let now = chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
        BTreeMap::from([
            (UserProperty::DisplayName, json!(format!("Added User {number}"))),
            (UserProperty::UserPrincipalName, Value::String(principal_name)),
            (UserProperty::AccountEnabled, Value::Bool(true)),
            (UserProperty::UserType, json!("Member")),
            (UserProperty::CreatedDateTime, Value::String(now)),
        ])
    }

    pub(super) fn update_user(&mut self, id: Uuid, properties: &Value) -> Result<(), EditError> {
        let key = self.user_key(id).ok_or(EditError::UnknownUser(id))?;
        let values = read_properties(properties)?;
        self.edit(key).values.extend(values);
        Ok(())
    }

    pub(super) fn delete_user(&mut self, id: Uuid) -> Result<(), EditError> {
        let key = self.user_key(id).ok_or(EditError::UnknownUser(id))?;
        self.edit(key).presence = Presence::SoftDeleted;
        Ok(())
    }

    pub(super) fn restore_user(&mut self, id: Uuid) -> Result<(), EditError> {
        let key = self.ids.key(id).ok_or(EditError::UnknownUser(id))?;
        match self.edits.get_mut(&key) {
            Some(edit) if edit.presence == Presence::SoftDeleted => {
                edit.presence = Presence::Live;
                Ok(())
            }
            _ => Err(EditError::UnknownUser(id)),
        }
    }

    /// Deletes for good, from the live users or from the deleted ones; memberships go too.
    pub(super) fn purge_user(&mut self, id: Uuid) -> Result<(), EditError> {
        let key = self.ids.key(id).ok_or(EditError::UnknownUser(id))?;
        match self.presence(key) {
            Some(Presence::Live | Presence::SoftDeleted) => {}
            Some(Presence::Purged) | None => return Err(EditError::UnknownUser(id)),
        }
        let edit = self.edit(key);
        edit.presence = Presence::Purged;
        edit.values.clear();
        self.forget_member(key);
        Ok(())
    }

    fn edit(&mut self, key: Key) -> &mut Edit {
        self.edits.entry(key).or_insert_with(|| Edit { presence: Presence::Live, values: BTreeMap::new() })
    }

    pub(super) fn add_group(&mut self, name: &str) -> Uuid {
        let key = Key::new(Kind::Group, self.groups_made);
        self.groups_made += 1;
        let group = Group { name: name.to_owned(), members: BTreeSet::new() };
        self.groups.insert(key, group);
        self.id(key)
    }

    pub(super) fn delete_group(&mut self, id: Uuid) -> Result<(), EditError> {
        let key = self.group_key(id).ok_or(EditError::UnknownGroup(id))?;
        self.groups.remove(&key);
        self.forget_member(key);
        Ok(())
    }

    pub(super) fn add_member(&mut self, group: Uuid, member: Uuid) -> Result<(), EditError> {
        let found = self.user_key(member).or_else(|| self.group_key(member));
        let member = found.ok_or(EditError::UnknownMember(member))?;
        self.group_mut(group)?.members.insert(member);
        Ok(())
    }

    pub(super) fn remove_member(&mut self, group: Uuid, member: Uuid) -> Result<(), EditError> {
        let key = self.ids.key(member).ok_or(EditError::UnknownMember(member))?;
        let removed = self.group_mut(group)?.members.remove(&key);
        removed.then_some(()).ok_or(EditError::UnknownMember(member))
    }

    fn group_mut(&mut self, id: Uuid) -> Result<&mut Group, EditError> {
        let key = self.ids.key(id).ok_or(EditError::UnknownGroup(id))?;
        self.groups.get_mut(&key).ok_or(EditError::UnknownGroup(id))
    }

    fn forget_member(&mut self, key: Key) {
        for group in self.groups.values_mut() {
            group.members.remove(&key);
        }
    }

    /// The value of a group's property.
    pub(crate) fn group_value(&self, key: Key, property: GroupProperty) -> Value {
        let name = self.group(key).map_or("", |group| &group.name);
        match property {
            GroupProperty::Id => json!(self.id(key)),
            GroupProperty::DisplayName => json!(name),
            GroupProperty::MailEnabled => json!(false),
            GroupProperty::SecurityEnabled => json!(true),
            GroupProperty::CreatedDateTime => json!("2020-01-15T10:00:00Z"),
            GroupProperty::MailNickname => json!(self.id(key).simple().to_string()),
            GroupProperty::Description
            | GroupProperty::GroupTypes
            | GroupProperty::Mail
            | GroupProperty::Visibility => property.shape().blank(),
        }
    }
}

impl User<'_> {
    /// The value of `property`; unset ones are null or an empty list.
    pub(crate) fn value(&self, property: UserProperty) -> Value {
        if property == UserProperty::Id {
            return json!(self.id);
        }
        if let Some(value) = self.edit.and_then(|edit| edit.values.get(&property)) {
            return value.clone();
        }
        match property {
            UserProperty::ProxyAddresses => self.proxy_addresses(),
            UserProperty::Identities => self.identities(),
            _ => self
                .person
                .as_ref()
                .and_then(|person| person.value(&self.model.profile, property))
                .unwrap_or_else(|| property.shape().blank()),
        }
    }

    /// Follows `mail`, as in Entra.
    fn proxy_addresses(&self) -> Value {
        match self.value(UserProperty::Mail) {
            Value::String(mail) => json!([format!("SMTP:{mail}")]),
            _ => json!([]),
        }
    }

    fn identities(&self) -> Value {
        json!([{
            "signInType": "userPrincipalName",
            "issuer": self.model.profile.domain,
            "issuerAssignedId": self.value(UserProperty::UserPrincipalName),
        }])
    }
}

fn generated_index(key: Key) -> Option<u32> {
    (key < Key::new(Kind::Added, 0)).then(|| key.numbers_before(Kind::Generated))
}

fn read_properties(properties: &Value) -> Result<BTreeMap<UserProperty, Value>, EditError> {
    let object = properties.as_object().ok_or(EditError::NotAnObject)?;
    let read = |(name, value): (&String, &Value)| {
        let property = UserProperty::from_name(name).ok_or_else(|| EditError::UnknownProperty(name.clone()))?;
        let accepted = property.shape().accepts(value).then(|| (property, value.clone()));
        accepted.ok_or_else(|| EditError::WrongValue(name.clone()))
    };
    object.iter().map(read).collect()
}
