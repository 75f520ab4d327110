//! What was edited, in order: what delta queries are answered from (protocol/entra.md §4).

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::key::Key;
use super::property::PropertySet;
use super::refusal::DeltaRefusal;

/// One edit. It says where to look and not what was found there: what is answered is how things are by then, so that a
/// later edit can only make an answer newer, never wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// Generated users were appended.
    Generated { first: u32, count: u32 },
    /// A user was added, deleted, restored or purged.
    User(Key),
    /// A user has other values for these properties.
    Properties(Key, PropertySet),
    /// A group was made or deleted.
    Group(Key),
    /// An object became a member of a group, or ceased to be one.
    Member { group: Key, member: Key },
}

/// The edits of a directory. The oldest go when there are too many; the places of those that stay do not change.
pub(crate) struct ChangeLog {
    kept: VecDeque<Change>,
    /// The place of the first one that is kept.
    begins: u64,
    limit: usize,
    refusal: DeltaRefusal,
}

/// The edits from one place to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stretch {
    pub(crate) since: u64,
    pub(crate) until: u64,
}

impl ChangeLog {
    pub(super) fn new(limit: usize) -> Self {
        Self { kept: VecDeque::new(), begins: 0, limit, refusal: DeltaRefusal::default() }
    }

    pub(super) fn push(&mut self, change: Change) {
        self.kept.push_back(change);
        if self.kept.len() > self.limit {
            self.kept.pop_front();
            self.begins += 1;
        }
    }

    /// The place of the next edit.
    pub(crate) fn end(&self) -> u64 {
        self.begins + self.kept.len() as u64
    }

    /// Whether every edit since this place is still kept.
    pub(crate) const fn remembers(&self, since: u64) -> bool {
        since >= self.begins
    }

    /// How a token from before the log's beginning is refused.
    pub(crate) const fn refusal(&self) -> &DeltaRefusal {
        &self.refusal
    }

    /// Forgets every edit, and every place given out so far.
    pub(super) fn forget(&mut self, refusal: DeltaRefusal) {
        self.begins = self.end() + 1;
        self.kept.clear();
        self.refusal = refusal;
    }

    /// Those edits of a stretch that are kept.
    pub(super) fn within(&self, stretch: Stretch) -> impl Iterator<Item = Change> {
        let index = |place: u64| {
            let index = usize::try_from(place.saturating_sub(self.begins)).unwrap_or(usize::MAX);
            index.min(self.kept.len())
        };
        let (first, last) = (index(stretch.since), index(stretch.until));
        self.kept.range(first..last.max(first)).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(number: u64) -> Change {
        Change::User(Key::from_cursor(number))
    }

    fn within(log: &ChangeLog, since: u64, until: u64) -> Vec<Change> {
        log.within(Stretch { since, until }).collect()
    }

    #[test]
    fn the_oldest_edits_go_and_places_stay() {
        let mut log = ChangeLog::new(3);
        for number in 0..5 {
            assert_eq!(log.end(), number);
            log.push(user(number));
        }
        assert_eq!(within(&log, 3, 5), [user(3), user(4)]);
        assert_eq!(within(&log, 2, 3), [user(2)]);
        assert!(within(&log, 5, 5).is_empty());
        assert!(log.remembers(2) && !log.remembers(1));
    }

    #[test]
    fn what_is_forgotten_has_no_place_any_more() {
        let mut log = ChangeLog::new(3);
        log.push(user(0));
        let last = log.end();
        assert!(log.remembers(last));
        log.forget(DeltaRefusal::Gone);
        assert!(!log.remembers(last) && log.remembers(log.end()));
        log.push(user(1));
        assert_eq!(within(&log, log.end() - 1, log.end()), [user(1)]);
        assert_eq!(*log.refusal(), DeltaRefusal::Gone);
    }
}
