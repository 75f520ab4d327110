//! Pieces of SQL that several statements share, as macros so that the statements stay constants.

/// The time, as every time of ours is stored.
macro_rules! now {
    () => {
        "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"
    };
}

/// Changes that are to be applied still; the caller adds which of them.
macro_rules! to_apply {
    () => {
        "c.outcome = 'planned' AND c.action NOT IN ('conflict', 'protected')"
    };
}

/// The run that `?1` (tenant), `?2` (run) and `?3` (token) are a lease of.
macro_rules! held_by_lease {
    () => {
        "tenant_id = ?1 AND id = ?2 AND lease_token = ?3 AND status = 'running'"
    };
}

pub(crate) use {held_by_lease, now, to_apply};
