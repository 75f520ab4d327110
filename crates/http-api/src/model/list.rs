//! A page of a list.

use serde::Serialize;

/// A page of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ListView<T> {
    /// The items, in the list's order.
    pub items: Vec<T>,
    /// Leads to the next page; `None` on the last one.
    pub next_cursor: Option<String>,
}
