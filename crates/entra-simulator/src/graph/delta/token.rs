//! Tokens of delta queries: opaque, and all that is remembered of a round.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::directory::Stretch;
use crate::graph::link::Sealer;

/// What a round tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Round {
    /// Everything that is there. What is edited from place `until` on is for the next round, seen by this one or not.
    Everything { until: u64 },
    /// What was edited.
    Changes(Stretch),
}

/// Where a page starts: at an object and, if it is a group, at one of its members.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    pub(super) object: u64,
    pub(super) member: u64,
}

/// What a token stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Step {
    /// A page of a round: `$skiptoken`.
    Page(Round, Place),
    /// The next round: `$deltatoken`.
    Next { since: u64 },
}

/// A token's content: the step, and the options of the round as they were written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Token {
    pub(super) step: Step,
    pub(super) options: String,
}

impl Round {
    pub(super) const fn until(self) -> u64 {
        match self {
            Self::Everything { until } | Self::Changes(Stretch { until, .. }) => until,
        }
    }
}

impl Token {
    /// The option that goes into a link: the token with its name.
    pub(super) fn seal(&self, sealer: &Sealer, tenant: Uuid, path: &str) -> String {
        let name = match self.step {
            Step::Page(..) => "$skiptoken",
            Step::Next { .. } => "$deltatoken",
        };
        // Numbers and strings can always be written.
        let bytes = serde_json::to_vec(self).unwrap_or_default();
        format!("{name}={}", sealer.seal_bytes(&("delta", tenant, path), &bytes))
    }

    /// The content of a token, if it was made for this path of this tenant.
    pub(super) fn open(sealer: &Sealer, tenant: Uuid, path: &str, token: &str) -> Option<Self> {
        let bytes = sealer.open_bytes(&("delta", tenant, path), token)?;
        serde_json::from_slice(&bytes).ok()
    }
}
