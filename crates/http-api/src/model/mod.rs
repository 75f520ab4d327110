//! The JSON of the interface: what is answered, and what a registration may say. Whoever prints or builds the same
//! JSON, like the command line, uses these types.

mod change;
mod connection;
mod error;
mod input;
mod list;
mod register;
mod run;
mod user;

pub use change::ChangeView;
pub use connection::ConnectionView;
pub use error::FieldError;
pub(crate) use input::Object;
pub use list::ListView;
pub use register::{MaxDeactivationsInput, PolicyInput, RegisterEntra};
pub use run::{HoldReasonView, HoldView, RunErrorView, RunView, SyncInput};
pub use user::{DeactivationView, UserView};
