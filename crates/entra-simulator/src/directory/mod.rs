//! A directory and the handle that changes it.

mod changed_groups;
mod changed_users;
mod changes;
mod edit;
mod groups;
mod key;
mod listing;
mod model;
mod names;
mod person;
mod property;
mod refusal;
#[cfg(test)]
mod tests;

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use serde_json::{Map, Value};
use uuid::Uuid;

pub(crate) use changed_groups::{GroupPart, GroupPlace, GroupRoom};
pub(crate) use changed_users::Touch;
use changes::ChangeLog;
pub(crate) use changes::Stretch;
pub use edit::EditError;
pub(crate) use key::{Key, Kind};
pub(crate) use listing::{Keep, Only, Slice};
pub(crate) use model::{Model, Presence, User};
pub use person::Mix;
pub(crate) use person::Profile;
pub(crate) use property::{GroupProperty, OUTSIDE_DIRECTORY, PropertySet, UserProperty};
pub use refusal::DeltaRefusal;

/// How many generated users are in the [`Directory::engineering`] group.
pub const ENGINEERING_USERS: u32 = 25;
/// How many generated users are in the [`Directory::research`] group itself, besides the nested one.
pub const RESEARCH_USERS: u32 = 5;

/// A directory that is being served. Clones are handles to the same directory; every change is visible to the next
/// request.
#[derive(Clone)]
pub struct Directory {
    model: Arc<RwLock<Model>>,
}

impl Directory {
    /// `edits_kept` is how many edits delta queries look back on.
    pub(crate) fn new(profile: Profile, users: u32, edits_kept: usize) -> Self {
        let mut model = Model::new(profile, users);
        model.add_starting_groups(users);
        model.changes = ChangeLog::new(edits_kept);
        Self { model: Arc::new(RwLock::new(model)) }
    }

    pub(crate) fn read(&self) -> RwLockReadGuard<'_, Model> {
        self.model.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Model> {
        self.model.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The id of the generated user with this index. Computed, so that it says nothing about whether the user is there.
    #[must_use]
    pub fn generated_user(&self, index: u32) -> Uuid {
        self.read().id(Key::new(Kind::Generated, index))
    }

    /// The group "Engineering", which exists from the start: the first 25 generated users.
    #[must_use]
    pub fn engineering(&self) -> Uuid {
        self.read().id(Key::new(Kind::Group, 0))
    }

    /// The group "Everyone in R&D", which exists from the start: the group "Engineering" nested, and the next 5 users.
    #[must_use]
    pub fn research(&self) -> Uuid {
        self.read().id(Key::new(Kind::Group, 1))
    }

    /// How many users a full listing has.
    #[must_use]
    pub fn user_count(&self) -> usize {
        self.read().live_users()
    }

    /// Ids of live users in listing order: at most `limit` after the first `skip`.
    #[must_use]
    pub fn user_ids(&self, skip: usize, limit: usize) -> Vec<Uuid> {
        let model = self.read();
        let slice = model.users(Key::FIRST, skip.saturating_add(limit), Keep::default());
        slice.keys.iter().skip(skip).map(|key| model.id(*key)).collect()
    }

    /// All properties of a live user.
    #[must_use]
    pub fn user(&self, id: Uuid) -> Option<Map<String, Value>> {
        let model = self.read();
        let user = model.user(model.user_key(id)?)?;
        let all = UserProperty::ALL.iter();
        Some(all.map(|property| (property.name().to_owned(), user.value(*property))).collect())
    }

    /// Adds a user with these properties (a JSON object in Graph's names) and returns its id. What Entra requires and the
    /// object leaves out is filled in: display name, user principal name (the mail, if there is one), enabled, member.
    pub fn add_user(&self, properties: &Value) -> Result<Uuid, EditError> {
        self.write().add_user(properties)
    }

    /// Sets properties of a live user (a JSON object in Graph's names; null clears).
    pub fn update_user(&self, id: Uuid, properties: &Value) -> Result<(), EditError> {
        self.write().update_user(id, properties)
    }

    /// Soft-deletes a user: it leaves every listing, keeps its memberships, and can be restored.
    pub fn delete_user(&self, id: Uuid) -> Result<(), EditError> {
        self.write().delete_user(id)
    }

    /// Brings a soft-deleted user back with the same id, properties and memberships.
    pub fn restore_user(&self, id: Uuid) -> Result<(), EditError> {
        self.write().restore_user(id)
    }

    /// Deletes a live or soft-deleted user for good.
    pub fn purge_user(&self, id: Uuid) -> Result<(), EditError> {
        self.write().purge_user(id)
    }

    /// Appends generated users; their indexes follow the ones there are.
    pub fn generate_users(&self, count: u32) -> Result<(), EditError> {
        self.write().generate(count)
    }

    /// Makes an empty security group and returns its id.
    #[must_use]
    pub fn add_group(&self, name: &str) -> Uuid {
        self.write().add_group(name)
    }

    /// Deletes a group for good, as Entra does with security groups.
    pub fn delete_group(&self, id: Uuid) -> Result<(), EditError> {
        self.write().delete_group(id)
    }

    /// Makes a device, which is nothing but a possible member of groups, and returns its id.
    #[must_use]
    pub fn add_device(&self) -> Uuid {
        self.write().add_device()
    }

    /// Makes a user, a group or a device a direct member; a second time changes nothing.
    pub fn add_member(&self, group: Uuid, member: Uuid) -> Result<(), EditError> {
        self.write().add_member(group, member)
    }

    /// Takes a direct member out of a group.
    pub fn remove_member(&self, group: Uuid, member: Uuid) -> Result<(), EditError> {
        self.write().remove_member(group, member)
    }

    /// Ends every delta token that was given out: from now on they are refused like this.
    pub fn expire_delta_tokens(&self, refusal: DeltaRefusal) {
        self.write().changes.forget(refusal);
    }
}

impl Model {
    fn add_starting_groups(&mut self, users: u32) {
        let engineering = self.add_group("Engineering");
        let research = self.add_group("Everyone in R&D");
        let members = (0..users.min(ENGINEERING_USERS + RESEARCH_USERS)).map(|index| {
            let group = if index < ENGINEERING_USERS { engineering } else { research };
            (group, self.id(Key::new(Kind::Generated, index)))
        });
        for (group, member) in members.collect::<Vec<_>>().into_iter().chain([(research, engineering)]) {
            // Both exist: they were made here.
            let _ = self.add_member(group, member);
        }
    }
}
