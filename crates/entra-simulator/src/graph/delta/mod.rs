//! Delta queries: what changed since the last time (protocol/entra.md §4).

mod groups;
mod request;
mod round;
mod token;
mod users;

pub(super) use groups::groups;
pub(super) use users::users;
