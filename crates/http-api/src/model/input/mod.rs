//! What may be sent: read strictly, checked member by member, and refused with everything that is wrong with it.

pub(crate) mod check;
mod collect;
mod external_id;
mod policy;
mod read;
pub(crate) mod schedule;

pub(crate) use collect::{Checked, Collect};
pub use external_id::external_id;
pub use policy::{MaxDeactivationsInput, PolicyInput};
pub(crate) use read::{Object, not_null, null_is_a_value, null_or_object, object, whole_numbers, word};

/// The role of the users that a connection creates, unless said.
pub(crate) const DEFAULT_ROLE: &str = "member";
