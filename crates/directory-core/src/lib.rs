#![doc = include_str!("../README.md")]

mod engine;
mod expiry;
mod id;
mod local;
mod normal;
mod plan;
mod policy;
mod provider;
mod safeguard;
mod source;

pub use engine::{OpenPage, Page, PagePlan, PlanTail, Reconciler, Roll, Sweep, TenantFacts};
pub use expiry::ExpiryWarning;
pub use id::{ConnectionId, ExternalId, RunId, TenantId, UserId};
pub use local::{DeactivatedBy, Link, LinkedUser, LocalUser, Profile, UserStatus};
pub use normal::{EmailAddress, EmailKey, normalise};
pub use plan::{Action, Amendment, Change, ChangeCode, Counts, PlanSummary, Rival, Target, Values};
pub use policy::{EmailAttribute, MaxDeactivations, Policy};
pub use provider::{
    ChangesTold, Check, CheckOutcome, CheckSubject, ConnectionSettings, Continuation, Credential, CredentialKind,
    DirectoryProvider, FailureKind, Listing, ListingEnd, ListingPage, ProviderError, ProviderFactory, RunErrorCode,
    fake, first_failure,
};
pub use safeguard::{HoldReason, Verdict, check};
pub use source::{AccountKind, DirectoryEntry, DirectoryUser};
