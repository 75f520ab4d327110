#![doc = include_str!("../README.md")]

mod address;
mod answer;
mod message;
mod names;
mod public;
mod secret;
mod sender;

pub use address::{AddressFault, LONGEST_ADDRESS, Reach, check_address};
pub use answer::{Failure, Outcome};
pub use message::{Message, body};
pub use names::{Names, SystemNames};
pub use public::is_public;
pub use secret::{Secret, SecretFault, sign};
pub use sender::{Options, Sender, SetupError};
