//! What all cases share: the server, how many users, how often.

use anyhow::Result;
use serde::Serialize;

use crate::Cluster;

const FULL: u32 = 100_000;
/// Users of one of many connections.
pub(crate) const USERS_OF_MANY: u32 = 500;

/// How many users.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Scale {
    /// Where a case says 100,000.
    pub users: u32,
    /// Where a case says a million.
    pub many_users: u32,
    /// Where a case says 200 connections.
    pub connections: u32,
}

impl Scale {
    /// With so many users in place of 100,000.
    #[must_use]
    pub fn of(users: Option<u32>) -> Self {
        let users = users.unwrap_or(FULL);
        Self { users, many_users: users.saturating_mul(10), connections: (users / USERS_OF_MANY).max(8) }
    }

    /// Whether the cases are what their names say.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.users == FULL
    }
}

/// What the cases are measured with.
pub struct Work {
    /// The durable server.
    pub cluster: Cluster,
    /// How large the cases are.
    pub scale: Scale,
    rounds: Option<u32>,
}

impl Work {
    /// On the server of a superuser's URL.
    pub async fn new(url: &str, scale: Scale, rounds: Option<u32>) -> Result<Self> {
        Ok(Self { cluster: Cluster::at(url).await?, scale, rounds })
    }

    /// How often, unless told otherwise.
    pub(crate) fn rounds(&self, usual: u32) -> u32 {
        self.rounds.unwrap_or(usual).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_sizes_scale_everything() {
        assert!(Scale::of(None).is_full());
        assert_eq!(Scale::of(None), Scale { users: 100_000, many_users: 1_000_000, connections: 200 });
        assert_eq!(Scale::of(Some(10_000)), Scale { users: 10_000, many_users: 100_000, connections: 20 });
        assert!(!Scale::of(Some(10_000)).is_full());
    }
}
