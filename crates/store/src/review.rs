//! People's decisions about runs.

use directory_core::RunId;

use crate::{Run, RunStatus};

/// Which changes of a held plan are approved. Conflicts and protected users are no changes to choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// Every one.
    All,
    /// Those at these positions; the others are rejected.
    Only(Vec<u32>),
    /// Every one but those at these positions, which are rejected.
    Except(Vec<u32>),
}

/// What came of approving a held run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Approval {
    /// It is queued for applying.
    Approved(Box<Run>),
    /// It is not held but stands so.
    NotHeld(RunStatus),
    /// Its plan has another digest than the approved one.
    OtherPlan,
    /// Chosen positions at which the plan has nothing to apply, ascending; a few of them if they are many.
    NotInPlan(Vec<u32>),
    /// Nothing would be left to apply.
    NothingChosen,
    /// The connection has another active run.
    AlreadyActive(RunId),
    /// The tenant has no such run.
    NoRun,
}

/// What came of ending a run by hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It has ended so, now or before.
    Ended(Box<Run>),
    /// It stands otherwise, and cannot be ended so.
    NotPossible(RunStatus),
    /// The tenant has no such run.
    NoRun,
}
