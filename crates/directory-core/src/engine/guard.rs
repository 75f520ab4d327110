//! The last active user of a protected role is not deactivated.

use std::collections::BTreeMap;

use crate::{Action, Amendment, ChangeCode};

use super::{key::Key, ledger::Ledger};

/// What the plan does to users in protected roles.
#[derive(Default)]
pub(crate) struct Guards {
    by_role: BTreeMap<String, Role>,
}

#[derive(Default)]
struct Role {
    leaving: Vec<(Key, u32)>,
    returning: Vec<(Key, u32)>,
}

impl Guards {
    /// A change makes a user of this role inactive.
    pub(crate) fn leaves(&mut self, role: &str, key: Key, seq: u32) {
        self.by_role.entry(role.to_owned()).or_default().leaving.push((key, seq));
    }

    /// A change makes a user of this role active again.
    pub(crate) fn returns(&mut self, role: &str, key: Key, seq: u32) {
        self.by_role.entry(role.to_owned()).or_default().returning.push((key, seq));
    }

    /// Refuses as many deactivations of each role as it takes to leave one active user.
    ///
    /// Users that the plan brings back count as active. New users do not, even where the default role is a protected
    /// one: whether they can be created is not settled yet, and may depend on who leaves.
    pub(crate) fn settle(self, active_by_role: &BTreeMap<String, u64>, ledger: &mut Ledger) -> Vec<Amendment> {
        let mut amendments = Vec::new();
        for (name, mut role) in self.by_role {
            // Neither taken back nor refused since.
            let stands = |(key, seq): &(Key, u32)| {
                ledger.entries.get(key).is_some_and(|entry| entry.seq == *seq && entry.action.is_applicable())
            };
            role.leaving.retain(stands);
            role.returning.retain(stands);
            role.leaving.sort_unstable();
            let active = active_by_role.get(&name).copied().unwrap_or(0) + role.returning.len() as u64;
            let may_leave = usize::try_from(active.saturating_sub(1)).unwrap_or(usize::MAX);
            let stay = role.leaving.len().saturating_sub(may_leave);
            for (key, seq) in role.leaving.into_iter().take(stay) {
                if let Some(entry) = ledger.entries.get_mut(&key) {
                    entry.refuse(Action::Protected);
                    let code = ChangeCode::LastOfProtectedRole;
                    amendments.push(Amendment::Refuse { seq, action: Action::Protected, code, rival: None });
                }
            }
        }
        amendments
    }
}
