//! The engine after the listing: who is absent, and what the whole listing decides.

use std::collections::BTreeMap;

use crate::{Action, Amendment, Change, LinkedUser, ListingEnd, PlanSummary, Target};

use super::{claims, decide::Revision, key::Key, ledger::Entry, listing::Reconciler, roll::Place};

/// What the last step has to know of the tenant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TenantFacts {
    /// Active users linked to the connection, those of ignored directory users left out: the plan cannot deactivate them,
    /// so that they must not make "everybody" look like "nearly everybody".
    pub active_linked: u64,
    /// Active users of the tenant in each protected role; a role without any may be missing.
    pub active_by_role: BTreeMap<String, u64>,
}

/// The plan's last part.
#[derive(Debug)]
pub struct PlanTail {
    /// Corrections of changes that were given out before.
    pub amendments: Vec<Amendment>,
    /// The finished plan in numbers.
    pub summary: PlanSummary,
}

/// The engine once the listing has ended.
pub struct Sweep {
    engine: Reconciler,
    seeks_absent: bool,
    /// Users of the listing, not left out by a filter, that were given a change or a refusal.
    in_scope_with_change: u64,
}

impl Sweep {
    pub(crate) fn new(engine: Reconciler, end: ListingEnd) -> Self {
        // A record whose id could not be read may be anybody's, so then nobody is known to be absent.
        let absence_is_proven = end == ListingEnd::Complete && engine.unidentified == 0;
        let in_scope = |key: &&Key| engine.roll.place(**key) != Place::Excluded;
        let in_scope_with_change = engine.ledger.entries.keys().filter(in_scope).count() as u64;
        let somebody_may_be = !engine.roll.has_been_told_of_everybody();
        let seeks_absent = absence_is_proven && engine.policy.deactivate_missing && somebody_may_be;
        Self { engine, seeks_absent, in_scope_with_change }
    }

    /// Whether [`Self::linked`] has to be given the connection's active linked users.
    #[must_use]
    pub fn seeks_absent(&self) -> bool {
        self.seeks_absent
    }

    /// Looks for absent users among some of the connection's active linked users; each is to be given once, in any
    /// order. Gives nothing after a listing that proves nobody's absence.
    pub fn linked(&mut self, users: &[LinkedUser]) -> Vec<Change> {
        if !self.seeks_absent {
            return Vec::new();
        }
        users.iter().filter_map(|user| self.absent(user)).collect()
    }

    fn absent(&mut self, user: &LinkedUser) -> Option<Change> {
        let engine = &mut self.engine;
        let key = Key::of_id(&user.external_id);
        let listed = engine.roll.place(key) != Place::Unseen;
        if listed || engine.ignored.contains(&key) || engine.ledger.entries.contains_key(&key) {
            return None;
        }
        let Revision { before, after } = Revision::departure();
        let change = Change {
            seq: engine.ledger.next_seq(),
            action: Action::Deactivate,
            target: Some(Target { user: user.id, version: user.version }),
            external_id: Some(user.external_id.clone()),
            email: Some(user.email.clone()),
            before,
            after,
            code: None,
            rival: None,
            deactivates: true,
        };
        if engine.policy.protects(&user.role) {
            engine.guards.leaves(&user.role, key, change.seq);
        }
        engine.ledger.entries.insert(key, Entry::of(&change));
        Some(change)
    }

    /// Whether the plan ends anybody's access: else it does not matter how many users there are, and [`Self::finish`] may be
    /// given no facts.
    #[must_use]
    pub fn needs_facts(&self) -> bool {
        self.engine.ledger.entries.values().any(|entry| entry.deactivates)
    }

    /// Settles what only the whole listing decides, and adds up.
    #[must_use]
    pub fn finish(self, facts: &TenantFacts) -> PlanTail {
        let mut engine = self.engine;
        // In this order: who is nobody's clear match takes part in nothing further; and a user whose deactivation is
        // refused does not move away from its address either.
        let mut amendments = claims::refuse_ambiguous_adoptions(&mut engine.ledger);
        let spared = engine.guards.settle(&facts.active_by_role, &mut engine.ledger);
        let mut summary =
            PlanSummary { active: facts.active_linked, spared: spared.len() as u64, ..PlanSummary::default() };
        amendments.extend(spared);
        amendments.extend(claims::settle(&mut engine.ledger, &engine.waits, &engine.roll));
        engine.ledger.count_into(&mut summary);
        let (listed, excluded) = (engine.roll.listed(), engine.roll.excluded());
        let counts = &mut summary.counts;
        counts.seen = listed;
        counts.excluded = excluded;
        counts.conflicts += engine.unidentified;
        // Two users who share a hash are listed as one, and may have a change each.
        counts.unchanged = listed.saturating_sub(excluded).saturating_sub(self.in_scope_with_change);
        PlanTail { amendments, summary }
    }
}
