//! Users read one by one, some at a time: as they are now, with every property.

use std::collections::HashMap;

use directory_core::{DirectoryEntry, ExternalId, ProviderError};
use uuid::Uuid;

use crate::{
    client::GraphClient,
    page::parse_page,
    request::{GraphRequest, USERS_AT_ONCE},
    retry::Patience,
    trail::Trail,
};

/// Those of the users that Graph has. Who is missing may be deleted, or not be known everywhere yet.
pub(super) async fn read_users(
    client: &GraphClient,
    ids: &[ExternalId],
) -> Result<HashMap<ExternalId, DirectoryEntry>, ProviderError> {
    let guids: Vec<Uuid> = ids.iter().filter_map(|id| Uuid::try_parse(id.as_str()).ok()).collect();
    let mut found = HashMap::with_capacity(guids.len());
    for some in guids.chunks(USERS_AT_ONCE) {
        let first = client.target().users_of(some);
        let mut trail = Trail::new(client, &first);
        let mut next = Some(first);
        while let Some(request) = next {
            next = read_page(client, &mut trail, &request, &mut found).await?;
        }
    }
    Ok(found)
}

async fn read_page(
    client: &GraphClient,
    trail: &mut Trail,
    request: &GraphRequest,
    found: &mut HashMap<ExternalId, DirectoryEntry>,
) -> Result<Option<GraphRequest>, ProviderError> {
    let mut patience = Patience::for_page(client.bounds());
    let page = client.read(request, parse_page, &mut patience).await?.value;
    trail.has_read(page.objects);
    for entry in page.entries {
        if let DirectoryEntry::Present(user) = &entry {
            found.insert(user.external_id.clone(), entry);
        } else if let DirectoryEntry::Unreadable(Some(id)) = &entry {
            found.insert(id.clone(), entry);
        }
    }
    page.next_link.map(|link| trail.follow(client, request, &link)).transpose()
}
