#![doc = include_str!("../README.md")]

mod app;
mod assertion;
mod config;
mod control;
mod directory;
mod fault;
mod graph;
mod permission;
mod registration;
mod requests;
mod simulator;
mod token;
mod wire;

pub use assertion::TrustError;
pub use config::{CLIENT_CERTIFICATE, CLIENT_ID, CLIENT_SECRET, Config, DIRECTORY_ID, DeltaPaging, TenantConfig};
pub use directory::{DeltaRefusal, Directory, ENGINEERING_USERS, EditError, Mix, RESEARCH_USERS};
pub use fault::{Fault, FaultKind, Faults};
pub use permission::Permission;
pub use registration::Registration;
pub use requests::Route;
pub use simulator::Simulator;
