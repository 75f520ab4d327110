//! A run that is interrupted between any two steps, and in the midst of one, ends as if it had not been; and what the
//! product writes meanwhile is neither lost nor half-heeded.
//!
//! The engine works on a real store behind [`disturbed::Disturbed`]; a run's processes die one after the other, and the
//! next one takes the run up once the lease has passed.

mod delegate;
mod disturbed;
mod dropped;
mod laws;
mod product;
mod scenario;
mod story;
mod world;
