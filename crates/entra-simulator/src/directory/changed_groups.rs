//! Groups as a delta query tells of them: with the members that came and went (protocol/entra.md §4.5).

use std::collections::{BTreeMap, BTreeSet};

use super::changes::{Change, Stretch};
use super::key::Key;
use super::model::Model;

/// A group, or a part of one whose members fill more than a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GroupPart {
    pub(crate) key: Key,
    /// It came to be or went, and is not just one with other members.
    pub(crate) whole: bool,
    /// The members to tell about, whether they came or went.
    pub(crate) members: Vec<Key>,
}

/// Where a page starts: at this member of this group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct GroupPlace {
    pub(crate) group: Key,
    pub(crate) member: Key,
}

/// How much fits on a page.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GroupRoom {
    pub(crate) groups: usize,
    /// Of all its groups together; `None` if members are not asked for.
    pub(crate) members: Option<usize>,
}

/// One page's groups in the order of their places, and where the next page starts.
type Found = (Vec<GroupPart>, Option<GroupPlace>);

/// What happened to a group.
#[derive(Default)]
struct GroupTouch {
    whole: bool,
    members: BTreeSet<Key>,
}

impl Model {
    /// Every group with its members.
    pub(crate) fn all_groups(&self, chosen: Option<&BTreeSet<Key>>, start: GroupPlace, room: GroupRoom) -> Found {
        let groups = self.groups.range(start.group..).filter(|(key, _)| is_chosen(chosen, **key));
        let members = |group: &Key, from: Key, size: usize| {
            let members = self.group(*group).into_iter().flat_map(|group| group.members.range(from..).copied());
            members.filter(|member| self.is_present(*member)).take(size).collect()
        };
        fill(groups.map(|(key, _)| (*key, true)), start, room, members)
    }

    /// The groups that were touched within the stretch, each with those of its members that were.
    pub(crate) fn changed_groups(
        &self,
        stretch: Stretch,
        chosen: Option<&BTreeSet<Key>>,
        start: GroupPlace,
        room: GroupRoom,
    ) -> Found {
        let mut touched = BTreeMap::<Key, GroupTouch>::new();
        for change in self.changes.within(stretch) {
            match change {
                Change::Group(group) => touched.entry(group).or_default().whole = true,
                Change::Member { group, member } if room.members.is_some() => {
                    touched.entry(group).or_default().members.insert(member);
                }
                Change::Member { .. } | Change::Generated { .. } | Change::User(_) | Change::Properties(..) => {}
            }
        }
        let groups = touched.range(start.group..).filter(|(key, _)| is_chosen(chosen, **key));
        let members = |group: &Key, from: Key, size: usize| {
            // Of a group that is gone nothing but that is told.
            let members = touched.get(group).filter(|_| self.group(*group).is_some());
            members.into_iter().flat_map(|touch| touch.members.range(from..).copied()).take(size).collect()
        };
        fill(groups.map(|(key, touch)| (*key, touch.whole)), start, room, members)
    }
}

fn is_chosen(chosen: Option<&BTreeSet<Key>>, key: Key) -> bool {
    chosen.is_none_or(|chosen| chosen.contains(&key))
}

/// Fills a page with groups, in the order of their places, and gets the first `size` members of each from a place on.
fn fill(
    groups: impl Iterator<Item = (Key, bool)>,
    start: GroupPlace,
    room: GroupRoom,
    members_of: impl Fn(&Key, Key, usize) -> Vec<Key>,
) -> Found {
    let mut parts = Vec::new();
    let mut left = room.members;
    for (key, whole) in groups {
        if parts.len() == room.groups || left == Some(0) {
            return (parts, Some(GroupPlace { group: key, member: Key::FIRST }));
        }
        let from = if key == start.group { start.member } else { Key::FIRST };
        let mut members = left.map_or_else(Vec::new, |left| members_of(&key, from, left.saturating_add(1)));
        let beyond = left.and_then(|left| members.get(left).copied());
        members.truncate(left.unwrap_or_default());
        left = left.map(|left| left - members.len());
        parts.push(GroupPart { key, whole, members });
        if let Some(member) = beyond {
            return (parts, Some(GroupPlace { group: key, member }));
        }
    }
    (parts, None)
}
