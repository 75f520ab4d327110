//! Which routes there are, and how often each was asked.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

/// A route, as faults and counters name it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Route {
    /// `POST /{tenant}/oauth2/v2.0/token`.
    Token,
    /// `GET /v1.0/users` and its pages.
    Users,
    /// `GET /v1.0/users/$count`.
    UserCount,
    /// `GET /v1.0/users/{id}`.
    User,
    /// `GET /v1.0/groups/{id}`.
    Group,
    /// `GET /v1.0/groups/{id}/members` and `/transitiveMembers`, with or without a cast, and their pages.
    GroupMembers,
    /// `GET /v1.0/users/delta`, its pages and its delta links.
    UserDelta,
    /// `GET /v1.0/groups/delta`, its pages and its delta links.
    GroupDelta,
    /// Every route of Graph; none of the token endpoint.
    Graph,
    /// Every route.
    #[default]
    Any,
}

impl Route {
    const COUNTED: [Self; 8] = [
        Self::Token,
        Self::Users,
        Self::UserCount,
        Self::User,
        Self::Group,
        Self::GroupMembers,
        Self::UserDelta,
        Self::GroupDelta,
    ];

    pub(crate) fn covers(self, route: Self) -> bool {
        match self {
            Self::Any => true,
            Self::Graph => route != Self::Token,
            _ => self == route,
        }
    }

    pub(crate) const fn has_pages(self) -> bool {
        matches!(self, Self::Users | Self::GroupMembers | Self::UserDelta | Self::GroupDelta)
    }
}

/// How often each route was asked, whatever the answer was.
#[derive(Debug, Default)]
pub(crate) struct Requests {
    counts: [AtomicU64; Route::COUNTED.len()],
}

impl Requests {
    pub(crate) fn add(&self, route: Route) {
        for (counted, count) in Route::COUNTED.iter().zip(&self.counts) {
            if *counted == route {
                count.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    pub(crate) fn count(&self, route: Route) -> u64 {
        let counts = self.by_route().into_iter();
        counts.filter(|(counted, _)| route.covers(*counted)).map(|(_, count)| count).sum()
    }

    pub(crate) fn by_route(&self) -> Vec<(Route, u64)> {
        let counts = self.counts.iter().map(|count| count.load(Ordering::Relaxed));
        Route::COUNTED.into_iter().zip(counts).collect()
    }

    pub(crate) fn reset(&self) {
        for count in &self.counts {
            count.store(0, Ordering::Relaxed);
        }
    }
}
