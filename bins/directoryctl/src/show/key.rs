//! Encryption keys: what each has sealed, and what became of a rotation. Never a key itself.

use crypto::Keyring;
use directory_core::{ConnectionId, TenantId};
use serde::Serialize;
use sync_engine::{Holder, KeyUse, Rotation, Unopened};
use uuid::Uuid;

use crate::table::{Table, or_dash};

/// The keys that there are or should be, and what none of them opens.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct KeysView {
    keys: Vec<KeyView>,
    unopened: Vec<UnopenedView>,
}

/// A key.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct KeyView {
    /// `None` of what is damaged and bears no key's id.
    kid: Option<String>,
    /// How many credentials it has sealed.
    credentials: u64,
    /// New credentials are sealed with it.
    sealing: bool,
    /// It is in the settings.
    present: bool,
}

/// A credential that needs another key than those that there are, or another credential in its place.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct UnopenedView {
    tenant_id: TenantId,
    /// What has it; the other one is null.
    connection_id: Option<ConnectionId>,
    webhook_id: Option<Uuid>,
    kid: Option<String>,
    reason: String,
}

/// A rotation.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RotationView {
    seen: u64,
    resealed: u64,
    failed: Vec<FailureView>,
}

/// A credential that could not be opened.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct FailureView {
    #[serde(skip)]
    holder: Holder,
    tenant_id: TenantId,
    /// What has it; the other one is null.
    connection_id: Option<ConnectionId>,
    webhook_id: Option<Uuid>,
    reason: String,
}

impl KeysView {
    /// The keyring's keys in its order, then the missing ones.
    pub(crate) fn new(keyring: &Keyring, used: &[KeyUse], unopened: &[Unopened]) -> Self {
        let sealed_with =
            |kid: &str| used.iter().find(|key| key.kid.as_deref() == Some(kid)).map_or(0, |key| key.credentials);
        let present = keyring.kids().map(|kid| KeyView {
            kid: Some(kid.to_owned()),
            credentials: sealed_with(kid),
            sealing: kid == keyring.primary_kid(),
            present: true,
        });
        let known: Vec<&str> = keyring.kids().collect();
        let missing = used.iter().filter(|key| key.kid.as_deref().is_none_or(|kid| !known.contains(&kid)));
        let missing = missing.map(|key| KeyView {
            kid: key.kid.clone(),
            credentials: key.credentials,
            sealing: false,
            present: false,
        });
        let unopened = unopened.iter().map(|one| {
            let (connection_id, webhook_id) = ids(one.holder);
            UnopenedView {
                tenant_id: one.tenant,
                connection_id,
                webhook_id,
                kid: one.kid.clone(),
                reason: one.reason.clone(),
            }
        });
        Self { keys: present.chain(missing).collect(), unopened: unopened.collect() }
    }
}

impl KeyView {
    fn role(&self) -> &'static str {
        match (self.present, self.sealing, self.credentials, &self.kid) {
            (true, true, _, _) => "sealing",
            (true, false, 0, _) => "opens nothing, may be removed",
            (true, false, _, _) => "opens",
            (false, _, _, Some(_)) => "missing",
            (false, _, _, None) => "damaged",
        }
    }
}

impl From<Rotation> for RotationView {
    fn from(rotation: Rotation) -> Self {
        let failure = |(tenant_id, holder, reason)| {
            let (connection_id, webhook_id) = ids(holder);
            FailureView { holder, tenant_id, connection_id, webhook_id, reason }
        };
        let failed = rotation.failed.into_iter().map(failure).collect();
        Self { seen: rotation.seen, resealed: rotation.resealed, failed }
    }
}

fn ids(holder: Holder) -> (Option<ConnectionId>, Option<Uuid>) {
    match holder {
        Holder::Connection(id) => (Some(id), None),
        Holder::Webhook(id) => (None, Some(id)),
    }
}

pub(crate) fn status(keys: &KeysView) -> Table {
    let mut table = Table::list(["KEY", "CREDENTIALS", "ROLE"]);
    for key in &keys.keys {
        table.row([or_dash(key.kid.as_ref()), key.credentials.to_string(), key.role().to_owned()]);
    }
    table
}

pub(crate) fn rotation(rotation: &RotationView) -> Table {
    let mut table = Table::facts();
    table
        .fact("Credentials seen", rotation.seen.to_string())
        .fact("Put under the key", rotation.resealed.to_string())
        .fact("Not opened", rotation.failed.len().to_string());
    for failure in &rotation.failed {
        table.fact(&failure.holder.to_string(), failure.reason.clone());
    }
    table
}

#[cfg(test)]
mod tests {
    use crypto::generate_key_line;
    use secrecy::ExposeSecret;

    use super::*;

    fn keyring(kids: &[&str]) -> Keyring {
        let lines: Vec<String> =
            kids.iter().map(|kid| generate_key_line(kid).unwrap().expose_secret().to_owned()).collect();
        Keyring::parse(&lines.join(",")).unwrap()
    }

    fn used(kid: Option<&str>, credentials: u64) -> KeyUse {
        let example = (TenantId(Uuid::nil()), Holder::Connection(ConnectionId(Uuid::nil())));
        KeyUse { kid: kid.map(str::to_owned), credentials, example }
    }

    #[test]
    fn every_key_has_its_role_and_what_is_missing_comes_last() {
        let keyring = keyring(&["new", "old", "older"]);
        let keys = KeysView::new(&keyring, &[used(None, 1), used(Some("lost"), 2), used(Some("old"), 3)], &[]);
        let rows: Vec<_> =
            keys.keys.iter().map(|key| (key.kid.as_deref().unwrap_or("-"), key.credentials, key.role())).collect();
        assert_eq!(
            rows,
            [
                ("new", 0, "sealing"),
                ("old", 3, "opens"),
                ("older", 0, "opens nothing, may be removed"),
                ("-", 1, "damaged"),
                ("lost", 2, "missing"),
            ]
        );
    }
}
