//! The plan: what a run would do, as data.

mod change;
mod code;
mod counts;
mod values;

pub use change::{Action, Amendment, Change, Rival, Target};
pub use code::ChangeCode;
pub use counts::{Counts, PlanSummary};
pub use values::Values;
