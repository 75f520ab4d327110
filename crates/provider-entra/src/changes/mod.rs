//! What changed since an earlier listing: delta queries (protocol reference §4).
//!
//! Graph leaves out of a changed user what it has nothing to say about, and it may leave out more; what was cleared is null. A
//! user who lacks any selected property is therefore read anew, so that nothing is ever taken for empty that is only unsaid.
//!
//! Of a group, Graph tells who came and who left, but nothing about them; changes of users are told of the whole directory.

mod link;
mod listing;
mod members;
mod page;
mod reread;
mod said;

use directory_core::{ChangesTold, Continuation, FailureKind, ProviderError};
use tracing::warn;
use url::Url;

use crate::{client::GraphClient, page::BodyFault, request::GraphRequest, retry::Patience};

use self::{
    link::{Links, own},
    members::parse_members,
    page::parse_changes,
};

pub(crate) use listing::EntraChanges;

/// From where the changes of a connection's scope will be told, if they are.
pub(crate) async fn from_now_on(client: &GraphClient) -> Result<Option<Continuation>, ProviderError> {
    let target = client.target();
    if target.tells_changes() == ChangesTold::Nothing {
        return Ok(None);
    }
    // What keeps the token back keeps everything back, and is no answer about changes.
    client.token(&mut Patience::for_page(client.bounds())).await?;
    let users = |body: &[u8]| parse_changes(body).map(|page| page.delta_link);
    let Some(users) = latest(client, &target.latest_users(), users).await? else { return Ok(None) };
    let members = match target.latest_members() {
        Some(request) => {
            let members = |body: &[u8]| parse_members(body).map(|page| page.delta_link);
            let Some(members) = latest(client, &request, members).await? else { return Ok(None) };
            Some(members)
        }
        None => None,
    };
    Ok(Some(Links { users, members }.to_continuation()))
}

/// A delta link as of now.
async fn latest(
    client: &GraphClient,
    request: &GraphRequest,
    parse: fn(&[u8]) -> Result<Option<String>, BodyFault>,
) -> Result<Option<Url>, ProviderError> {
    let mut patience = Patience::for_page(client.bounds());
    match client.read(request, parse, &mut patience).await {
        Ok(read) => Ok(read.value.and_then(|link| own(client.target().graph(), &link))),
        // Some kinds of directories have no delta queries, and it is not known how each refuses them. Their users are listed
        // as well without; where something has to be mended, the listing says so.
        Err(error) if !matches!(error.kind, FailureKind::Transient { .. }) => {
            warn!(
                error = %error.message,
                provider_request_id = error.request_id,
                "the directory does not tell changes; it is listed as a whole each time"
            );
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
