//! The store on temporary files: the conformance suite, and what is SQLite's own.

#![expect(clippy::unwrap_used, reason = "what fails in a harness fails the test")]

mod files;
mod harness;
mod schema;

mod conformance {
    store::conformance_tests!(crate::harness::Files);
}
