//! Safeguards: they read a finished plan's numbers and say whether it may be applied without a person's consent.

use serde::{Deserialize, Serialize};

use crate::{MaxDeactivations, PlanSummary};

/// What the safeguards say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Apply it.
    Go,
    /// Show it to a person first.
    Hold(Vec<HoldReason>),
}

/// Why a plan is held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum HoldReason {
    /// More deactivations than the policy allows.
    TooManyDeactivations {
        /// How many the plan has.
        deactivations: u64,
        /// Active users that the connection governs.
        active: u64,
        /// The policy's limits.
        limit: MaxDeactivations,
    },
    /// Nobody would be left active.
    AllDeactivated {
        /// How many the plan has, which is everybody.
        deactivations: u64,
    },
    /// The connection took up the users of one with another scope, and no run has been applied since.
    NewScope {
        /// How many the plan has.
        deactivations: u64,
    },
}

impl HoldReason {
    /// For the administrator.
    #[must_use]
    pub fn message(&self) -> String {
        match self {
            Self::TooManyDeactivations { deactivations, active, limit } => format!(
                "The plan would deactivate {deactivations} of {active} active users; more than {} % and more than {} \
                 are held for review.",
                limit.percent, limit.count
            ),
            Self::AllDeactivated { deactivations } => format!(
                "The plan would deactivate every active user of the connection ({deactivations}), except where a \
                 protected role keeps its last one. That is always held for review."
            ),
            Self::NewScope { deactivations } => format!(
                "The connection took up the users of a deleted connection with another group, and the plan would \
                 deactivate {deactivations} of them. The first time that is always held for review."
            ),
        }
    }
}

/// Judges a finished plan. Pure: the same plan and policy give the same verdict. With `new_scope` the users were another
/// scope's so far, and who of them is absent was perhaps never meant to be here.
#[must_use]
pub fn check(plan: &PlanSummary, limit: MaxDeactivations, new_scope: bool) -> Verdict {
    let deactivations = plan.counts.deactivated;
    let active = plan.active;
    let mut reasons = Vec::new();
    let over_percent = u128::from(deactivations) * 100 > u128::from(active) * u128::from(limit.percent);
    if over_percent && deactivations > u64::from(limit.count) {
        reasons.push(HoldReason::TooManyDeactivations { deactivations, active, limit });
    }
    // That a protected role keeps its last user does not make losing everybody else any more plausible.
    if deactivations > 0 && deactivations + plan.spared >= active {
        reasons.push(HoldReason::AllDeactivated { deactivations });
    }
    if new_scope && deactivations > 0 {
        reasons.push(HoldReason::NewScope { deactivations });
    }
    if reasons.is_empty() { Verdict::Go } else { Verdict::Hold(reasons) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Counts;

    fn verdict(deactivated: u64, active: u64) -> Verdict {
        let counts = Counts { deactivated, ..Counts::default() };
        let plan = PlanSummary { counts, active, applicable: deactivated, ..PlanSummary::default() };
        check(&plan, MaxDeactivations { percent: 20, count: 10 }, false)
    }

    fn held(deactivated: u64, active: u64) -> bool {
        matches!(verdict(deactivated, active), Verdict::Hold(_))
    }

    #[test]
    fn both_limits_must_be_passed() {
        assert!(!held(0, 0));
        assert!(!held(0, 100));
        assert!(!held(10, 11), "not more than ten");
        assert!(!held(20, 100), "not more than a fifth");
        assert!(held(21, 100));
        assert!(!held(11, 55));
        assert!(held(11, 54));
    }

    #[test]
    fn everybody_but_a_spared_administrator_is_everybody() {
        let counts = Counts { deactivated: 10, ..Counts::default() };
        let plan = PlanSummary { counts, active: 11, spared: 1, applicable: 10 };
        let limit = MaxDeactivations { percent: 20, count: 10 };
        assert_eq!(check(&plan, limit, false), Verdict::Hold(vec![HoldReason::AllDeactivated { deactivations: 10 }]));
        assert_eq!(check(&PlanSummary { spared: 0, ..plan }, limit, false), Verdict::Go);
    }

    #[test]
    fn a_new_scope_deactivates_nobody_unseen() {
        let limit = MaxDeactivations { percent: 20, count: 10 };
        let plan = |deactivated| PlanSummary {
            counts: Counts { deactivated, ..Counts::default() },
            active: 100,
            ..PlanSummary::default()
        };
        assert_eq!(check(&plan(1), limit, true), Verdict::Hold(vec![HoldReason::NewScope { deactivations: 1 }]));
        assert_eq!(check(&plan(0), limit, true), Verdict::Go);
    }

    #[test]
    fn everybody_is_always_held() {
        assert!(held(1, 1));
        assert!(held(10, 10));
        assert_eq!(verdict(3, 3), Verdict::Hold(vec![HoldReason::AllDeactivated { deactivations: 3 }]));
    }
}
