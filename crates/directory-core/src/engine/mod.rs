//! The reconciliation engine: pure, synchronous, fed page by page.
//!
//! It remembers hashes, never records: two of 8 bytes for each user, and one small entry for each change. What a
//! page alone decides is given out at once, to be staged; what depends on the rest of the listing (who wins an e-mail
//! address, who is the last administrator) is corrected at the end by amendments. So neither the order nor the size of
//! the pages alters the plan.

mod claims;
mod decide;
mod guard;
mod key;
mod ledger;
mod listing;
mod page;
mod roll;
mod sweep;
mod table;

pub use listing::{PagePlan, Reconciler};
pub use page::{OpenPage, Page};
pub use roll::Roll;
pub use sweep::{PlanTail, Sweep, TenantFacts};
