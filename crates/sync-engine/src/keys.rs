//! Which keys have sealed what, and putting everything under the key that seals now.

use std::{collections::BTreeMap, sync::PoisonError};

use crypto::sealed_key_id;
use directory_core::{ConnectionId, TenantId};
use store::{Actor, SealedCredential, chain};

use crate::{EngineError, SyncEngine, credential, metrics};

/// Credentials read at a time.
const PAGE: u32 = 500;

/// A key's id and how many credentials it has sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyUse {
    /// The key's id; `None` of what bears no key's mark and cannot be opened by any.
    pub kid: Option<String>,
    /// How many credentials it has sealed.
    pub credentials: u64,
    /// One of the connections, to look at.
    pub example: (TenantId, ConnectionId),
}

/// A stored credential that this program cannot open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unopened {
    /// Whose connection.
    pub tenant: TenantId,
    /// The connection.
    pub connection: ConnectionId,
    /// The id of the key that sealed it; `None` of what bears no key's mark.
    pub kid: Option<String>,
    /// Why, without anything of it.
    pub reason: String,
}

/// Whether there is a key for every stored credential.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeyHealth {
    /// Nobody has looked yet.
    #[default]
    Unknown,
    /// There is.
    Complete,
    /// Some connections cannot synchronise here.
    Missing,
}

/// How far a rotation is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rotation {
    /// Credentials looked at.
    pub seen: u64,
    /// How many of them are under the sealing key now and were not before.
    pub resealed: u64,
    /// Connections whose credential could not be opened, and why, without anything of it.
    pub failed: Vec<(TenantId, ConnectionId, String)>,
}

impl SyncEngine {
    /// What each key has sealed, by key id.
    pub async fn key_use(&self) -> Result<Vec<KeyUse>, EngineError> {
        let mut by_kid: BTreeMap<Option<String>, KeyUse> = BTreeMap::new();
        let mut after = None;
        loop {
            let page = self.store().sealed_credentials(after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(by_kid.into_values().collect()) };
            after = Some((last.tenant, last.connection));
            for SealedCredential { tenant, connection, sealed, .. } in &page {
                count(&mut by_kid, sealed_key_id(sealed).ok(), (*tenant, *connection));
            }
        }
    }

    /// [`Self::unopened_credentials`] by the id of the key that sealed them. [`Self::key_health`] tells it from then on.
    pub async fn missing_keys(&self) -> Result<Vec<KeyUse>, EngineError> {
        let mut by_kid: BTreeMap<Option<String>, KeyUse> = BTreeMap::new();
        for Unopened { tenant, connection, kid, .. } in self.unopened_credentials().await? {
            count(&mut by_kid, kid.as_deref(), (tenant, connection));
        }
        metrics::keyless(by_kid.values().map(|key| key.credentials).sum());
        let health = if by_kid.is_empty() { KeyHealth::Complete } else { KeyHealth::Missing };
        *self.shared.key_health.lock().unwrap_or_else(PoisonError::into_inner) = health;
        Ok(by_kid.into_values().collect())
    }

    /// Tries to open every credential, and tells those that do not open: because their key is missing, or because what goes
    /// by its id is another one, or because they are damaged.
    pub async fn unopened_credentials(&self) -> Result<Vec<Unopened>, EngineError> {
        let mut unopened = Vec::new();
        let mut after = None;
        loop {
            let page = self.store().sealed_credentials(after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(unopened) };
            after = Some((last.tenant, last.connection));
            unopened.extend(page.iter().filter_map(|read| {
                let error = credential::open(&self.shared.keyring, read).err()?;
                Some(Unopened {
                    tenant: read.tenant,
                    connection: read.connection,
                    kid: sealed_key_id(&read.sealed).ok().map(str::to_owned),
                    reason: chain(&error).to_string(),
                })
            }));
        }
    }

    /// What the last [`Self::missing_keys`] found. That reads every credential, so whoever runs the engine calls it now and
    /// then, and everybody else asks here.
    #[must_use]
    pub fn key_health(&self) -> KeyHealth {
        *self.shared.key_health.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts every credential under the key that seals now, one by one, while everything goes on. What is under it already
    /// is passed over, so that a rotation that was interrupted is simply begun again. `progress` hears of every page.
    pub async fn rotate_keys(
        &self,
        by: &Actor,
        mut progress: impl FnMut(&Rotation) + Send,
    ) -> Result<Rotation, EngineError> {
        let mut rotation = Rotation::default();
        let mut after = None;
        loop {
            let page = self.store().sealed_credentials(after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(rotation) };
            after = Some((last.tenant, last.connection));
            for read in &page {
                self.reseal(by, read, &mut rotation).await?;
            }
            progress(&rotation);
        }
    }

    async fn reseal(&self, by: &Actor, read: &SealedCredential, rotation: &mut Rotation) -> Result<(), EngineError> {
        rotation.seen += 1;
        let keyring = &self.shared.keyring;
        if sealed_key_id(&read.sealed).is_ok_and(|kid| kid == keyring.primary_kid()) {
            // Another key may go by that id, and whoever rotates is about to throw the others away.
            if let Err(error) = credential::open(keyring, read) {
                rotation.failed.push((read.tenant, read.connection, chain(&error).to_string()));
            }
            return Ok(());
        }
        match credential::reseal(keyring, read) {
            // Where somebody set another credential meanwhile, that one is under the sealing key.
            Ok(sealed) => {
                rotation.resealed += u64::from(self.store().reseal_credential(by, read, &sealed).await?);
            }
            Err(error) => rotation.failed.push((read.tenant, read.connection, chain(&error).to_string())),
        }
        Ok(())
    }
}

/// One more that this key has sealed.
fn count(by_kid: &mut BTreeMap<Option<String>, KeyUse>, kid: Option<&str>, example: (TenantId, ConnectionId)) {
    let kid = kid.map(str::to_owned);
    let of_key = KeyUse { kid: kid.clone(), credentials: 0, example };
    by_kid.entry(kid).or_insert(of_key).credentials += 1;
}
