//! Users as a delta query tells of them (protocol/entra.md §4.1, §4.2).

use std::collections::{BTreeMap, BTreeSet};

use super::changes::{Change, Stretch};
use super::key::{Key, Kind};
use super::model::{Model, Presence};
use super::property::PropertySet;

/// What is to be told about a user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Touch {
    /// It came to be, came back or went: all of it.
    pub(crate) whole: bool,
    /// These properties have other values.
    pub(crate) properties: PropertySet,
}

/// One page's users in the order of their places, and where the next page starts.
type Found = (Vec<(Key, Touch)>, Option<Key>);

impl Model {
    /// At most `size` users from `start` on, the soft-deleted ones among them: a first round has these too.
    pub(crate) fn all_users(&self, chosen: Option<&BTreeSet<Key>>, start: Key, size: usize) -> Found {
        let known = |key: &Key| matches!(self.presence(*key), Some(Presence::Live | Presence::SoftDeleted));
        let whole = |key| (key, Touch { whole: true, ..Touch::default() });
        match chosen {
            None => cut(self.user_keys(start).filter(known).map(whole), size),
            Some(chosen) => cut(chosen.range(start..).copied().filter(known).map(whole), size),
        }
    }

    /// At most `size` users from `start` on that were touched within the stretch: as a whole, or in a property that is
    /// tracked. It costs what the stretch is long.
    pub(crate) fn changed_users(
        &self,
        stretch: Stretch,
        tracked: PropertySet,
        chosen: Option<&BTreeSet<Key>>,
        start: Key,
        size: usize,
    ) -> Found {
        let mut touched = BTreeMap::<Key, Touch>::new();
        let wanted = |key: &Key| *key >= start && chosen.is_none_or(|chosen| chosen.contains(key));
        for change in self.changes.within(stretch) {
            match change {
                Change::Generated { first, count } => {
                    // Of a million only those that fit on this page.
                    let numbers = first.max(start.numbers_before(Kind::Generated))..first.saturating_add(count);
                    let keys = numbers.map(|number| Key::new(Kind::Generated, number)).filter(wanted);
                    for key in keys.take(size.saturating_add(1)) {
                        touched.entry(key).or_default().whole = true;
                    }
                }
                Change::User(key) if wanted(&key) => touched.entry(key).or_default().whole = true,
                Change::Properties(key, properties) if wanted(&key) => {
                    touched.entry(key).or_default().properties.add(properties);
                }
                Change::User(_) | Change::Properties(..) | Change::Group(_) | Change::Member { .. } => {}
            }
        }
        let told = |(_, touch): &(Key, Touch)| touch.whole || touch.properties.intersects(tracked);
        cut(touched.into_iter().filter(told), size)
    }
}

fn cut(found: impl Iterator<Item = (Key, Touch)>, size: usize) -> Found {
    let mut found: Vec<_> = found.take(size.saturating_add(1)).collect();
    let next = found.get(size).map(|(key, _)| *key);
    found.truncate(size);
    (found, next)
}
