//! Messages to receivers on this machine, real and made up.

#![expect(clippy::unwrap_used, reason = "a test fails where it stands")]

mod reach;
mod receivers;
mod support;
