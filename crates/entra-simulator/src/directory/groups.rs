//! Groups, their members, and the devices that can be members too.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use uuid::Uuid;

use super::changes::Change;
use super::edit::EditError;
use super::key::{Key, Kind};
use super::model::Model;
use super::property::GroupProperty;

/// A security group.
pub(crate) struct Group {
    pub(super) name: String,
    pub(super) members: BTreeSet<Key>,
}

/// The groups there are, by their places.
pub(super) type Groups = BTreeMap<Key, Group>;

impl Model {
    pub(crate) fn group_key(&self, id: Uuid) -> Option<Key> {
        self.ids.key(id).filter(|key| self.groups.contains_key(key))
    }

    /// The places of these ids; ids that this directory never gave have none.
    pub(crate) fn keys(&self, ids: &[Uuid]) -> BTreeSet<Key> {
        ids.iter().filter_map(|id| self.ids.key(*id)).collect()
    }

    pub(crate) fn group(&self, key: Key) -> Option<&Group> {
        self.groups.get(&key)
    }

    /// The first group that is none of these.
    pub(crate) fn other_group(&self, than: &BTreeSet<Key>) -> Option<Key> {
        self.groups.keys().copied().find(|key| !than.contains(key))
    }

    /// Whether the object at `key` is there, so that its memberships count.
    pub(crate) fn is_present(&self, key: Key) -> bool {
        match key.kind() {
            Kind::Generated | Kind::Added => self.is_live(key),
            Kind::Group => self.groups.contains_key(&key),
            Kind::Device => key < Key::new(Kind::Device, self.devices),
        }
    }

    /// Whether `member` is a direct member of `group` now.
    pub(crate) fn has_member(&self, group: Key, member: Key) -> bool {
        self.group(group).is_some_and(|group| group.members.contains(&member)) && self.is_present(member)
    }

    pub(super) fn add_device(&mut self) -> Uuid {
        let key = Key::new(Kind::Device, self.devices);
        self.devices += 1;
        self.id(key)
    }

    pub(super) fn add_group(&mut self, name: &str) -> Uuid {
        let key = Key::new(Kind::Group, self.groups_made);
        self.groups_made += 1;
        let group = Group { name: name.to_owned(), members: BTreeSet::new() };
        self.groups.insert(key, group);
        self.changes.push(Change::Group(key));
        self.id(key)
    }

    pub(super) fn delete_group(&mut self, id: Uuid) -> Result<(), EditError> {
        let key = self.group_key(id).ok_or(EditError::UnknownGroup(id))?;
        self.groups.remove(&key);
        self.changes.push(Change::Group(key));
        self.forget_member(key);
        Ok(())
    }

    pub(super) fn add_member(&mut self, group: Uuid, member: Uuid) -> Result<(), EditError> {
        let found = self.ids.key(member).filter(|key| self.is_present(*key));
        let member = found.ok_or(EditError::UnknownMember(member))?;
        let (group, members) = self.members_mut(group)?;
        if members.insert(member) {
            self.changes.push(Change::Member { group, member });
        }
        Ok(())
    }

    pub(super) fn remove_member(&mut self, group: Uuid, member: Uuid) -> Result<(), EditError> {
        let key = self.ids.key(member).ok_or(EditError::UnknownMember(member))?;
        let (group, members) = self.members_mut(group)?;
        if !members.remove(&key) {
            return Err(EditError::UnknownMember(member));
        }
        self.changes.push(Change::Member { group, member: key });
        Ok(())
    }

    fn members_mut(&mut self, id: Uuid) -> Result<(Key, &mut BTreeSet<Key>), EditError> {
        let key = self.ids.key(id).ok_or(EditError::UnknownGroup(id))?;
        let group = self.groups.get_mut(&key).ok_or(EditError::UnknownGroup(id))?;
        Ok((key, &mut group.members))
    }

    /// Takes an object that is gone for good out of every group.
    pub(super) fn forget_member(&mut self, member: Key) {
        self.note_memberships(member);
        for group in self.groups.values_mut() {
            group.members.remove(&member);
        }
    }

    /// Notes that an object which comes, goes or comes back does so in each of its groups.
    pub(super) fn note_memberships(&mut self, member: Key) {
        let has = |(key, group): (&Key, &Group)| group.members.contains(&member).then_some(*key);
        for group in self.groups.iter().filter_map(has) {
            self.changes.push(Change::Member { group, member });
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
