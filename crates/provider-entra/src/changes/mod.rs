//! What changed since an earlier listing: delta queries (protocol reference §4).
//!
//! Graph leaves out of a changed user what it has nothing to say about, and it may leave out more; what was cleared is null. A
//! user who lacks any selected property is therefore read anew, so that nothing is ever taken for empty that is only unsaid.

mod link;
mod listing;
mod page;
mod reread;

use directory_core::{Continuation, FailureKind, ProviderError};
use tracing::warn;

use crate::{client::GraphClient, retry::Patience};

use self::{link::Links, page::parse_changes};

pub(crate) use listing::EntraChanges;

/// From where the changes of a connection's scope will be told, if they are told exactly.
pub(crate) async fn from_now_on(client: &GraphClient) -> Result<Option<Continuation>, ProviderError> {
    if !client.target().tells_changes() {
        return Ok(None);
    }
    let mut patience = Patience::for_page(client.bounds());
    let request = client.target().latest_users();
    let users = match client.read(&request, parse_changes, &mut patience).await {
        Ok(read) => read.value.delta_link,
        // Some kinds of directories have no delta queries. Their users are listed as well without.
        Err(error) if matches!(error.kind, FailureKind::Protocol | FailureKind::ListingExpired) => {
            warn!(
                error = %error.message,
                provider_request_id = error.request_id,
                "the directory does not tell changes; it is listed as a whole each time"
            );
            None
        }
        Err(error) => return Err(error),
    };
    Ok(users.and_then(|users| Links::new(client.target().graph(), &users)).map(|links| links.to_continuation()))
}
