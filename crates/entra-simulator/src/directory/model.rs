//! The state of a directory: generated users, what was edited since, and groups.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Value, json};
use uuid::Uuid;

use super::changes::{Change, ChangeLog};
use super::edit::EditError;
use super::groups::Groups;
use super::key::{Ids, Key, Kind};
use super::person::{Person, Profile};
use super::property::{PropertySet, UserProperty};

/// What a directory holds. Memory grows with the edits, not with the users.
pub(crate) struct Model {
    pub(super) ids: Ids,
    profile: Profile,
    pub(super) generated: u32,
    pub(super) added: u32,
    edits: HashMap<Key, Edit>,
    pub(super) groups: Groups,
    pub(super) groups_made: u32,
    pub(super) devices: u32,
    /// What delta queries look back on.
    pub(crate) changes: ChangeLog,
}

/// What differs from the generated user, or all there is of an added one.
struct Edit {
    presence: Presence,
    values: BTreeMap<UserProperty, Value>,
}

/// Whether a user is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Presence {
    Live,
    SoftDeleted,
    Purged,
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
            groups: Groups::new(),
            groups_made: 0,
            devices: 0,
            changes: ChangeLog::new(0),
        }
    }

    pub(crate) fn id(&self, key: Key) -> Uuid {
        self.ids.id(key)
    }

    pub(crate) fn user_key(&self, id: Uuid) -> Option<Key> {
        self.ids.key(id).filter(|key| self.is_live(*key))
    }

    pub(super) fn is_live(&self, key: Key) -> bool {
        self.presence(key) == Some(Presence::Live)
    }

    /// `None` for a user that never was.
    pub(crate) fn presence(&self, key: Key) -> Option<Presence> {
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
        let first = self.generated;
        self.generated = first.checked_add(count).ok_or(EditError::Full)?;
        self.changes.push(Change::Generated { first, count });
        Ok(())
    }

    pub(super) fn add_user(&mut self, properties: &Value) -> Result<Uuid, EditError> {
        let given = read_properties(properties)?;
        let number = self.added;
        let mut values = self.added_defaults(number, &given);
        values.extend(given);
        // What is given as nothing was never set; but no addresses are not those that follow the mail.
        values
            .retain(|property, value| *property == UserProperty::ProxyAddresses || *value != property.shape().blank());
        self.added = number.checked_add(1).ok_or(EditError::Full)?;
        let key = Key::new(Kind::Added, number);
        self.edits.insert(key, Edit { presence: Presence::Live, values });
        self.changes.push(Change::User(key));
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

    /// Only what gets another value is an edit.
    pub(super) fn update_user(&mut self, id: Uuid, properties: &Value) -> Result<(), EditError> {
        const DERIVED: [UserProperty; 2] = [UserProperty::ProxyAddresses, UserProperty::Identities];
        let unknown = || EditError::UnknownUser(id);
        let key = self.user_key(id).ok_or_else(unknown)?;
        let mut values = read_properties(properties)?;
        let user = self.user(key).ok_or_else(unknown)?;
        values.retain(|property, value| user.value(*property) != *value);
        let derived = DERIVED.map(|property| (property, user.value(property)));
        let mut changed: PropertySet = values.keys().copied().collect();
        self.edit(key).values.extend(values);
        let user = self.user(key).ok_or_else(unknown)?;
        let followed = derived.into_iter().filter(|(property, before)| user.value(*property) != *before);
        changed.add(followed.map(|(property, _)| property).collect());
        if !changed.is_empty() {
            self.changes.push(Change::Properties(key, changed));
        }
        Ok(())
    }

    pub(super) fn delete_user(&mut self, id: Uuid) -> Result<(), EditError> {
        let key = self.user_key(id).ok_or(EditError::UnknownUser(id))?;
        self.set_presence(key, Presence::SoftDeleted);
        Ok(())
    }

    pub(super) fn restore_user(&mut self, id: Uuid) -> Result<(), EditError> {
        let key = self.ids.key(id).ok_or(EditError::UnknownUser(id))?;
        match self.presence(key) {
            Some(Presence::SoftDeleted) => {
                self.set_presence(key, Presence::Live);
                Ok(())
            }
            Some(Presence::Live | Presence::Purged) | None => Err(EditError::UnknownUser(id)),
        }
    }

    fn set_presence(&mut self, key: Key, presence: Presence) {
        self.edit(key).presence = presence;
        self.changes.push(Change::User(key));
        self.note_memberships(key);
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
        self.changes.push(Change::User(key));
        self.forget_member(key);
        Ok(())
    }

    fn edit(&mut self, key: Key) -> &mut Edit {
        self.edits.entry(key).or_insert_with(|| Edit { presence: Presence::Live, values: BTreeMap::new() })
    }
}

impl User<'_> {
    /// The value of `property`; unset ones are null or an empty list.
    pub(crate) fn value(&self, property: UserProperty) -> Value {
        self.recorded(property).unwrap_or_else(|| property.shape().blank())
    }

    /// The value of `property`, or `None` if it was never set: a cleared one is null or an empty list here.
    pub(crate) fn recorded(&self, property: UserProperty) -> Option<Value> {
        if property == UserProperty::Id {
            return Some(json!(self.id));
        }
        if let Some(value) = self.edit.and_then(|edit| edit.values.get(&property)) {
            return Some(value.clone());
        }
        match property {
            UserProperty::ProxyAddresses => self.proxy_addresses(),
            UserProperty::Identities => Some(self.identities()),
            _ => {
                let value = self.person.as_ref()?.value(&self.model.profile, property)?;
                (value != property.shape().blank()).then_some(value)
            }
        }
    }

    /// Follows `mail`, as in Entra.
    fn proxy_addresses(&self) -> Option<Value> {
        let mail = self.recorded(UserProperty::Mail)?;
        Some(mail.as_str().map_or_else(|| json!([]), |mail| json!([format!("SMTP:{mail}")])))
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
