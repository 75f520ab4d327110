//! Handing runs out: how many at a time, and hearing that there are some.

use std::num::NonZeroU32;

use async_trait::async_trait;

/// How many runs [`Runs::claim_next`](crate::Runs::claim_next) lets be running at a time, over all workers of all servers.
///
/// A run that is taken up because its worker let its lease pass has its place already. One that is claimed by its id is
/// somebody's who waits for it: it takes a place and needs none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClaimLimits {
    /// Of one tenant; `None` is without limit.
    pub per_tenant: Option<NonZeroU32>,
    /// Of one directory, over all its connections of all tenants; `None` is without limit.
    pub per_directory: Option<NonZeroU32>,
}

impl ClaimLimits {
    /// Without any limit.
    pub const NONE: Self = Self { per_tenant: None, per_directory: None };

    /// Two of a directory: one may be waiting for the directory while the other one writes. More would only meet
    /// its throttling sooner.
    pub const DEFAULT: Self = Self { per_directory: NonZeroU32::new(2), ..Self::NONE };

    /// The limit as a number that counts can be compared with.
    #[must_use]
    pub fn number(limit: Option<NonZeroU32>) -> i64 {
        limit.map_or(i64::MAX, |limit| i64::from(limit.get()))
    }
}

impl Default for ClaimLimits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// Hears that a run may have been queued, whichever process did so.
///
/// It only saves time. It may speak up for nothing, and it may miss something: whoever waits looks at the queue now and
/// then as well.
#[async_trait]
pub trait QueueWatch: Send {
    /// Waits until there may be a run to claim. What happens between two calls is not missed.
    async fn queued(&mut self);
}

/// Of a store that tells nothing.
pub(crate) struct Silence;

#[async_trait]
impl QueueWatch for Silence {
    async fn queued(&mut self) {
        std::future::pending::<()>().await;
    }
}
