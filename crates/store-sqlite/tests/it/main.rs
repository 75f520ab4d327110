//! The store on temporary files: the conformance suite, and what is SQLite's own.

mod files;
mod harness;
mod schema;

mod conformance {
    store::conformance_tests!(crate::harness::Files);
}
