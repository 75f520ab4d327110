//! What the engine remembers of the changes it gave out: enough to take one back, to correct it and to count it.

use crate::{Action, Change, PlanSummary};

use super::key::{Key, KeyMap};

/// How a change claims an e-mail address.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum ClaimKind {
    /// A new user with that address.
    Create,
    /// An unlinked local user that has the address is taken over.
    Adopt,
    /// A linked user moves to the address, and nothing else of it changes.
    MoveOnly,
    /// A linked user moves to the address, and other values change too.
    MoveAndMore,
}

/// A claim on an e-mail address. Claims are settled once the listing is complete.
#[derive(Clone, Copy)]
pub(crate) struct Claim {
    pub(crate) to: Key,
    pub(crate) kind: ClaimKind,
    /// Whether the directory says that the account is enabled, which breaks ties.
    pub(crate) enabled: bool,
}

/// A change that was given out, by its directory user.
#[derive(Clone, Copy)]
pub(crate) struct Entry {
    /// Its position; a second line about the same user stands right behind it.
    pub(crate) seq: u32,
    /// Whether there is such a second line, a conflict.
    pub(crate) with_conflict: bool,
    pub(crate) action: Action,
    pub(crate) deactivates: bool,
    /// Links a local user who is active now.
    pub(crate) links_active: bool,
    pub(crate) claim: Option<Claim>,
}

impl Entry {
    pub(crate) fn of(change: &Change) -> Self {
        Self {
            seq: change.seq,
            with_conflict: false,
            action: change.action,
            deactivates: change.deactivates,
            links_active: false,
            claim: None,
        }
    }

    /// The change is refused as a whole.
    pub(crate) fn refuse(&mut self, action: Action) {
        self.action = action;
        self.deactivates = false;
        self.links_active = false;
        self.claim = None;
    }
}

/// Every change of the plan that is about a known directory user.
#[derive(Default)]
pub(crate) struct Ledger {
    pub(crate) entries: KeyMap<Entry>,
    next_seq: u32,
}

impl Ledger {
    /// The next free position; the first is 1.
    pub(crate) fn next_seq(&mut self) -> u32 {
        self.next_seq += 1;
        self.next_seq
    }

    /// Takes back what was given out about a user; the positions to retract.
    pub(crate) fn take_back(&mut self, key: Key) -> impl Iterator<Item = u32> + use<> {
        let entry = self.entries.remove(&key);
        let first = entry.map(|entry| entry.seq);
        let second = entry.filter(|entry| entry.with_conflict).map(|entry| entry.seq + 1);
        first.into_iter().chain(second)
    }

    /// Adds the entries up.
    pub(crate) fn count_into(&self, plan: &mut PlanSummary) {
        for entry in self.entries.values() {
            let counts = &mut plan.counts;
            match entry.action {
                Action::Create => counts.created += 1,
                Action::Link => counts.linked += 1,
                Action::Update => counts.updated += 1,
                Action::Reactivate => counts.reactivated += 1,
                Action::Protected => counts.protected += 1,
                // Deactivations are counted by their effect: linking can deactivate too.
                Action::Deactivate | Action::Conflict => {}
            }
            counts.deactivated += u64::from(entry.deactivates);
            counts.conflicts += u64::from(entry.with_conflict || entry.action == Action::Conflict);
            plan.applicable += u64::from(entry.action.is_applicable());
            plan.active += u64::from(entry.links_active);
        }
    }
}
