//! The JSON of the interface: what is answered, and what may be sent. Whoever prints or builds the same JSON, like the
//! command line, uses these types.

mod approval;
mod audit;
mod change;
mod check;
mod connection;
pub(crate) mod credential;
mod error;
mod event;
mod ignored;
pub(crate) mod input;
mod link;
mod list;
mod register;
mod run;
mod update;
mod user;
mod warning;
pub(crate) mod webhook;

pub use approval::{ApprovalInput, ApprovedPlan};
pub use audit::{ActorView, AuditEntryView, SubjectView};
pub use change::{ChangeView, ConflictsWithView};
pub use check::{CheckView, TestView};
pub use connection::ConnectionView;
pub use credential::{CredentialInput, GivenCredential};
pub use error::FieldError;
pub use event::{EventPageView, EventView};
pub use ignored::IgnoredUserView;
pub(crate) use input::Object;
pub(crate) use input::check::CLOUDS;
pub use input::{MaxDeactivationsInput, PolicyInput, external_id};
pub use link::LinkInput;
pub(crate) use link::{LinkTarget, no_connection};
pub use list::ListView;
pub use register::RegisterEntra;
pub use run::{HoldReasonView, HoldView, PreviewView, RunErrorView, RunView, SyncInput};
pub use update::ConnectionPatch;
pub(crate) use update::unchanged;
pub use user::{DeactivationView, UserView};
pub use warning::CredentialWarningView;
pub(crate) use webhook::as_it_is;
pub use webhook::{
    DeliveryView, ReplayInput, ReplayedView, WebhookInput, WebhookPatch, WebhookSecretView, WebhookTestView,
    WebhookView,
};
