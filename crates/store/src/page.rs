//! Keyset paging: a page starts after the last item of the one before, so inserts and deletes shift nothing.

use directory_core::ExternalId;
use uuid::Uuid;

/// A page of a list that is ordered by id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdPage {
    /// The last id of the page before; `None` for the first page.
    pub after: Option<Uuid>,
    /// At most this many items.
    pub limit: u32,
}

/// A page of a list that is ordered by position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeqPage {
    /// The last position of the page before; 0 for the first page.
    pub after: u32,
    /// At most this many items.
    pub limit: u32,
}

/// A page of a list that is ordered by external id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExternalPage {
    /// The last id of the page before; `None` for the first page.
    pub after: Option<ExternalId>,
    /// At most this many items.
    pub limit: u32,
}
