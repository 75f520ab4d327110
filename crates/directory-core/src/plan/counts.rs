//! What a run counted.

use serde::{Deserialize, Serialize};

/// Users by what happened to them. A user can count twice where two things happened: linked and deactivated, say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Counts {
    /// Distinct users in the listing.
    pub seen: u64,
    /// New users.
    pub created: u64,
    /// Users whose attributes changed and nothing else.
    pub updated: u64,
    /// Local users tied to a directory user.
    pub linked: u64,
    /// Users that became inactive.
    pub deactivated: u64,
    /// Users that became active again.
    pub reactivated: u64,
    /// Users that were already as the directory says.
    pub unchanged: u64,
    /// Users that the policy's filters left out.
    pub excluded: u64,
    /// Users that were left alone on purpose.
    pub protected: u64,
    /// Users that need a person's decision.
    pub conflicts: u64,
}

/// A finished plan in numbers: what safeguards look at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PlanSummary {
    /// What applying all of it would count.
    pub counts: Counts,
    /// Active users that the connection governs: those linked to it, and those it is about to link. Nobody has to count
    /// them for a plan that ends nobody's access.
    pub active: u64,
    /// Users that would be deactivated, were they not the last active ones of a protected role.
    pub spared: u64,
    /// Changes that applying would write, refused ones not counted.
    pub applicable: u64,
}
