//! How a delta token that has expired is refused.

use serde::{Deserialize, Serialize};

/// How a delta token that has expired is refused: Graph has been seen to do it in many ways (protocol/entra.md §4.4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "form", rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub enum DeltaRefusal {
    /// 410 with a `Location`: the first request again, with an empty `$deltatoken`. Its error code says nothing.
    Gone,
    /// An error status with this code.
    Code {
        /// HTTP status.
        status: u16,
        /// `error.code`, verbatim: clients must not mind its letter case.
        code: String,
    },
}

impl DeltaRefusal {
    /// This status with this code.
    #[must_use]
    pub fn code(status: u16, code: &str) -> Self {
        Self::Code { status, code: code.to_owned() }
    }
}

/// As announced for directory data: 400 `syncStateNotFound`.
impl Default for DeltaRefusal {
    fn default() -> Self {
        Self::code(400, "syncStateNotFound")
    }
}
