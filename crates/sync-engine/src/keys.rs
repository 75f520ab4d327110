//! Which keys have sealed what, and putting everything under the key that seals now.

use std::{collections::BTreeMap, fmt, sync::PoisonError};

use crypto::{OpenError, sealed_key_id};
use directory_core::{ConnectionId, TenantId};
use store::{Actor, SealedCredential, SealedWebhookSecret, StoreError, chain};
use uuid::Uuid;

use crate::{
    EngineError, SyncEngine, credential,
    credential::ResealError,
    metrics,
    webhooks::{open_secret, reseal_secret},
};

/// Credentials read at a time.
const PAGE: u32 = 500;

/// What has a sealed credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    /// A connection: what it authenticates with.
    Connection(ConnectionId),
    /// A webhook: what its messages are signed with. There may be two.
    Webhook(Uuid),
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connection(id) => write!(f, "connection {id}"),
            Self::Webhook(id) => write!(f, "webhook {id}"),
        }
    }
}

/// Something sealed that is stored.
enum SealedItem {
    Credential(SealedCredential),
    WebhookSecret(SealedWebhookSecret),
}

/// How far the walk over everything sealed is.
enum Walk {
    Credentials(Option<(TenantId, ConnectionId)>),
    WebhookSecrets(Option<(TenantId, Uuid)>),
}

/// A key's id and how many credentials it has sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyUse {
    /// The key's id; `None` of what bears no key's mark and cannot be opened by any.
    pub kid: Option<String>,
    /// How many credentials it has sealed.
    pub credentials: u64,
    /// One that has such a credential, to look at.
    pub example: (TenantId, Holder),
}

/// A stored credential that this program cannot open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unopened {
    /// Whose it is.
    pub tenant: TenantId,
    /// What has it.
    pub holder: Holder,
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
    /// Some connections cannot synchronise here, or some webhooks not be sent to.
    Missing,
}

/// How far a rotation is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rotation {
    /// Credentials looked at.
    pub seen: u64,
    /// How many of them are under the sealing key now and were not before.
    pub resealed: u64,
    /// What has a credential that could not be opened, and why, without anything of it.
    pub failed: Vec<(TenantId, Holder, String)>,
}

impl SealedItem {
    fn tenant(&self) -> TenantId {
        match self {
            Self::Credential(sealed) => sealed.tenant,
            Self::WebhookSecret(sealed) => sealed.tenant,
        }
    }

    fn holder(&self) -> Holder {
        match self {
            Self::Credential(sealed) => Holder::Connection(sealed.connection),
            Self::WebhookSecret(sealed) => Holder::Webhook(sealed.webhook),
        }
    }

    fn bytes(&self) -> &[u8] {
        match self {
            Self::Credential(sealed) => &sealed.sealed,
            Self::WebhookSecret(sealed) => &sealed.sealed,
        }
    }
}

impl SyncEngine {
    /// What each key has sealed, by key id.
    pub async fn key_use(&self) -> Result<Vec<KeyUse>, EngineError> {
        let mut by_kid: BTreeMap<Option<String>, KeyUse> = BTreeMap::new();
        let mut walk = Walk::Credentials(None);
        while let Some(page) = self.sealed(&mut walk).await? {
            for item in &page {
                count(&mut by_kid, sealed_key_id(item.bytes()).ok(), (item.tenant(), item.holder()));
            }
        }
        Ok(by_kid.into_values().collect())
    }

    /// [`Self::unopened_credentials`] by the id of the key that sealed them. [`Self::key_health`] tells it from then on.
    pub async fn missing_keys(&self) -> Result<Vec<KeyUse>, EngineError> {
        let mut by_kid: BTreeMap<Option<String>, KeyUse> = BTreeMap::new();
        for Unopened { tenant, holder, kid, .. } in self.unopened_credentials().await? {
            count(&mut by_kid, kid.as_deref(), (tenant, holder));
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
        let mut walk = Walk::Credentials(None);
        while let Some(page) = self.sealed(&mut walk).await? {
            unopened.extend(page.iter().filter_map(|item| {
                let error = self.try_open(item).err()?;
                Some(Unopened {
                    tenant: item.tenant(),
                    holder: item.holder(),
                    kid: sealed_key_id(item.bytes()).ok().map(str::to_owned),
                    reason: chain(&error).to_string(),
                })
            }));
        }
        Ok(unopened)
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
        let mut walk = Walk::Credentials(None);
        while let Some(page) = self.sealed(&mut walk).await? {
            for item in &page {
                self.reseal(by, item, &mut rotation).await?;
            }
            progress(&rotation);
        }
        Ok(rotation)
    }

    async fn reseal(&self, by: &Actor, item: &SealedItem, rotation: &mut Rotation) -> Result<(), EngineError> {
        rotation.seen += 1;
        let failed = |error: &dyn std::error::Error| (item.tenant(), item.holder(), chain(error).to_string());
        if sealed_key_id(item.bytes()).is_ok_and(|kid| kid == self.shared.keyring.primary_kid()) {
            // Another key may go by that id, and whoever rotates is about to throw the others away.
            if let Err(error) = self.try_open(item) {
                rotation.failed.push(failed(&error));
            }
            return Ok(());
        }
        match self.resealed(item) {
            // Where somebody set another credential meanwhile, that one is under the sealing key.
            Ok(sealed) => rotation.resealed += u64::from(self.replace(by, item, &sealed).await?),
            Err(error) => rotation.failed.push(failed(&error)),
        }
        Ok(())
    }

    /// The next page of everything sealed, of every tenant; `None` at the end.
    async fn sealed(&self, walk: &mut Walk) -> Result<Option<Vec<SealedItem>>, EngineError> {
        if let Walk::Credentials(after) = walk {
            let page = self.store().sealed_credentials(*after, PAGE).await?;
            if let Some(last) = page.last() {
                *after = Some((last.tenant, last.connection));
                return Ok(Some(page.into_iter().map(SealedItem::Credential).collect()));
            }
            *walk = Walk::WebhookSecrets(None);
        }
        let Walk::WebhookSecrets(after) = walk else { return Ok(None) };
        let page = self.store().sealed_webhook_secrets(*after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(None) };
        *after = Some((last.tenant, last.id));
        Ok(Some(page.into_iter().map(SealedItem::WebhookSecret).collect()))
    }

    fn try_open(&self, item: &SealedItem) -> Result<(), OpenError> {
        match item {
            SealedItem::Credential(sealed) => credential::open(&self.shared.keyring, sealed).map(drop),
            SealedItem::WebhookSecret(sealed) => open_secret(&self.shared.keyring, sealed).map(drop),
        }
    }

    fn resealed(&self, item: &SealedItem) -> Result<Vec<u8>, ResealError> {
        match item {
            SealedItem::Credential(sealed) => credential::reseal(&self.shared.keyring, sealed),
            SealedItem::WebhookSecret(sealed) => reseal_secret(&self.shared.keyring, sealed),
        }
    }

    async fn replace(&self, by: &Actor, item: &SealedItem, sealed: &[u8]) -> Result<bool, StoreError> {
        match item {
            SealedItem::Credential(read) => self.store().reseal_credential(by, read, sealed).await,
            SealedItem::WebhookSecret(read) => self.store().reseal_webhook_secret(by, read, sealed).await,
        }
    }
}

/// One more that this key has sealed.
fn count(by_kid: &mut BTreeMap<Option<String>, KeyUse>, kid: Option<&str>, example: (TenantId, Holder)) {
    let kid = kid.map(str::to_owned);
    let of_key = KeyUse { kid: kid.clone(), credentials: 0, example };
    by_kid.entry(kid).or_insert(of_key).credentials += 1;
}
