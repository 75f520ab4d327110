//! What commands answer, as tables; and the JSON of things that the REST API does not show.

pub(crate) mod audit;
pub(crate) mod change;
pub(crate) mod check;
pub(crate) mod connection;
mod difference;
pub(crate) mod event;
pub(crate) mod ignored;
pub(crate) mod key;
pub(crate) mod run;
pub(crate) mod tenant;
pub(crate) mod token;
pub(crate) mod user;
pub(crate) mod webhook;
