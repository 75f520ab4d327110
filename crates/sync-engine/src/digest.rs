//! A plan's digest: what a person approves is exactly this plan.

use crypto::Digest;
use store::{ChangeFilter, ChangeRecord, Lease, SeqPage, Store};

use crate::failure::RunFailure;

/// Changes read at a time.
const PAGE: u32 = 2_000;

/// SHA-256, in hex, of every line of a run's staged plan in order of position.
pub(crate) async fn of_plan(store: &dyn Store, lease: &Lease) -> Result<String, RunFailure> {
    let mut digest = Digest::new();
    let mut after = 0;
    loop {
        let page = SeqPage { after, limit: PAGE };
        let changes = store.changes(lease.tenant, lease.run, ChangeFilter::default(), page).await?;
        let Some(last) = changes.last() else { return Ok(digest.finish_hex()) };
        after = last.seq;
        for change in &changes {
            digest.update(line(change).as_bytes());
        }
    }
}

/// A change as one line of JSON: whatever is applied of it has its place, so no two plans give the same text. The id that a new user
/// will get is left out: it is chosen at random and decides nothing.
fn line(change: &ChangeRecord) -> String {
    let user = change.user_version.and(change.user);
    let fields = serde_json::json!([
        change.seq,
        change.action,
        user,
        change.user_version,
        change.external_id,
        change.email,
        change.before,
        change.after,
        change.code,
    ]);
    format!("{fields}\n")
}
