//! A page of a list.

use serde::Serialize;
use utoipa::ToSchema;

/// A page of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = List)]
pub struct ListView<T> {
    /// The items, in the list's order.
    pub items: Vec<T>,
    /// Leads to the next page; null on the last one.
    #[schema(required)]
    pub next_cursor: Option<String>,
}
