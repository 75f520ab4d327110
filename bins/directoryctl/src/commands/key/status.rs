//! `key status`

use store::Tenant;
use sync_engine::KeyUse;

use crate::{
    exit::Exit,
    output::note,
    session::Invocation,
    show::key::{self, KeysView},
};

pub(super) async fn run(invocation: Invocation) -> anyhow::Result<Exit> {
    let session = invocation.open().await?;
    let engine = session.engine()?;
    let used = engine.key_use().await?;
    let keys = KeysView::new(session.keyring(), &used);
    session.format.show(&keys, key::status)?;
    let missing: Vec<&KeyUse> = used.iter().filter(|key| !keys.opens(key.kid.as_deref())).collect();
    if !missing.is_empty() {
        let tenants = session.store.tenants().await?;
        for key in &missing {
            note(&complaint(key, &tenants));
        }
    }
    Ok(if missing.is_empty() { Exit::Done } else { Exit::Failed })
}

/// What cannot be opened, and what to do about it.
fn complaint(key: &KeyUse, tenants: &[Tenant]) -> String {
    let (count, (owner, connection)) = (key.credentials, key.example);
    let tenant = tenants.iter().find(|tenant| tenant.id == owner).map_or("?", |tenant| tenant.slug.as_str());
    let which = format!("{count}, one of them of connection {connection} of tenant `{tenant}`");
    match &key.kid {
        Some(kid) => format!(
            "error: key `{kid}` is missing (credentials that need it: {which}): add it back to \
             DIRECTORY_ENCRYPTION_KEYS or the key file, or replace those credentials with `directoryctl connection \
             set-secret`"
        ),
        None => format!(
            "error: credentials are damaged and no key opens them ({which}): replace them with `directoryctl \
             connection set-secret`"
        ),
    }
}
