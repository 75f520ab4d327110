//! Listings: a slice of users or members from a place on, in the order of their places.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::groups::Group;
use super::key::{Key, Kind};
use super::model::Model;

/// One page's objects, and where the next page starts.
pub(crate) struct Slice {
    pub(crate) keys: Vec<Key>,
    pub(crate) next: Option<Key>,
}

/// Which objects a listing keeps.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Keep {
    /// Only users, or only groups.
    pub(crate) only: Option<Only>,
    /// Only users whose account is enabled (or disabled).
    pub(crate) enabled: Option<bool>,
}

/// The kind of object that a listing is cast to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Only {
    Users,
    Groups,
}

impl Slice {
    fn of(keys: impl Iterator<Item = Key>, size: usize) -> Self {
        let mut keys: Vec<Key> = keys.take(size.saturating_add(1)).collect();
        let next = keys.get(size).copied();
        keys.truncate(size);
        Self { keys, next }
    }
}

impl Model {
    /// At most `size` live users from `start` on.
    pub(crate) fn users(&self, start: Key, size: usize, keep: Keep) -> Slice {
        Slice::of(self.live_keys(start).filter(|key| self.keeps(keep, *key)), size)
    }

    /// The live ones of these users.
    pub(crate) fn users_of(&self, ids: &[Uuid], keep: Keep) -> Slice {
        let live = ids.iter().filter_map(|id| self.user_key(*id)).filter(|key| self.is_live(*key));
        Slice::of(live.filter(|key| self.keeps(keep, *key)), ids.len())
    }

    /// How many users a whole listing has.
    pub(crate) fn count_users(&self, keep: Keep) -> usize {
        match keep.enabled {
            None => self.live_users(),
            Some(_) => self.live_keys(Key::FIRST).filter(|key| self.keeps(keep, *key)).count(),
        }
    }

    fn live_keys(&self, start: Key) -> impl Iterator<Item = Key> {
        self.user_keys(start).filter(|key| self.is_live(*key))
    }

    /// The places of all users that ever were, from `start` on.
    pub(super) fn user_keys(&self, start: Key) -> impl Iterator<Item = Key> + use<> {
        let generated = start.numbers_before(Kind::Generated).min(self.generated)..self.generated;
        let added = start.numbers_before(Kind::Added).min(self.added)..self.added;
        let generated = generated.map(|number| Key::new(Kind::Generated, number));
        let added = added.map(|number| Key::new(Kind::Added, number));
        generated.chain(added)
    }

    /// At most `size` members of a group from `start` on: its own, or those of nested groups too.
    ///
    /// Each nested group contributes only what can appear on this page, so that a page costs its size and not the group's.
    pub(crate) fn members(&self, group: Key, nested: bool, start: Key, size: usize, keep: Keep) -> Slice {
        let mut found = BTreeSet::new();
        for part in self.parts(group, nested) {
            let fitting = part.members.range(start..).copied();
            let fitting = fitting.filter(|key| self.is_member(group, nested, keep, *key));
            found.extend(fitting.take(size.saturating_add(1)));
        }
        Slice::of(found.into_iter(), size)
    }

    /// How many members a whole listing has.
    pub(crate) fn count_members(&self, group: Key, nested: bool, keep: Keep) -> usize {
        let parts = self.parts(group, nested);
        let all: BTreeSet<Key> = parts.iter().flat_map(|part| part.members.iter().copied()).collect();
        all.into_iter().filter(|key| self.is_member(group, nested, keep, *key)).count()
    }

    /// A group nested in a circle is not its own member.
    fn is_member(&self, group: Key, nested: bool, keep: Keep, key: Key) -> bool {
        self.is_present(key) && !(nested && key == group) && self.keeps(keep, key)
    }

    /// The group, and with `nested` every group below it once.
    fn parts(&self, group: Key, nested: bool) -> Vec<&Group> {
        let mut seen = BTreeSet::from([group]);
        let mut waiting = vec![group];
        let mut parts = Vec::new();
        while let Some(part) = waiting.pop().and_then(|key| self.group(key)) {
            parts.push(part);
            if nested {
                let below = part.members.range(Key::new(Kind::Group, 0)..Key::new(Kind::Device, 0));
                waiting.extend(below.copied().filter(|key| seen.insert(*key)));
            }
        }
        parts
    }

    fn keeps(&self, keep: Keep, key: Key) -> bool {
        let kind = match keep.only {
            None => true,
            Some(Only::Users) => key.is_user(),
            Some(Only::Groups) => key.is_group(),
        };
        kind && keep.enabled.is_none_or(|enabled| self.is_enabled(key) == enabled)
    }
}
