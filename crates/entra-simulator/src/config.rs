//! What a simulator is started with.

use std::collections::BTreeSet;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::{Uuid, uuid};

use crate::directory::Mix;
use crate::permission::Permission;

/// The default tenant's directory (tenant) id.
pub const DIRECTORY_ID: Uuid = uuid!("5e0c1d8a-3b7f-4c26-9a41-7d2f60b8e913");
/// The default tenant's application (client) id.
pub const CLIENT_ID: Uuid = uuid!("c41f7b02-86de-4f9a-b3c5-1a9d0e472f68");
/// The default tenant's client secret. It opens nothing but a simulator.
pub const CLIENT_SECRET: &str = "sim~Q8.not-a-real-secret_but+needs/encoding=";
/// A private key and its certificate in PEM, for
/// [`Registration::trust_certificate`](crate::Registration::trust_certificate): no tenant trusts it from the start. It
/// opens nothing but a simulator.
pub const CLIENT_CERTIFICATE: &str = include_str!("certificate.pem");

/// What a simulator is started with.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where to listen; port 0 picks a free one.
    pub listen: SocketAddr,
    /// The tenants served. [`crate::Simulator::directory`] is the first one's.
    pub tenants: Vec<TenantConfig>,
    /// How long an access token is accepted.
    pub token_life: Duration,
    /// How long Graph waits before each answer.
    pub latency: Duration,
    /// No page is longer than this, whatever `$top` asks for: Graph may send shorter pages than asked.
    pub max_page_size: usize,
    /// How the pages of delta queries are made.
    pub delta: DeltaPaging,
    /// How many edits of a directory delta queries look back on: a token from before the oldest one has expired.
    pub edits_kept: usize,
}

/// How the pages of delta queries are made. Clients cannot ask for another size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct DeltaPaging {
    /// How many users or groups a page has at most.
    pub objects: usize,
    /// How many members the groups of a page have at most, all together.
    pub members: usize,
    /// Whether every page of a group's delta has another group too, one that was not asked for.
    pub other_groups: bool,
}

impl Default for DeltaPaging {
    fn default() -> Self {
        Self { objects: 200, members: 500, other_groups: false }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            tenants: vec![TenantConfig::default()],
            token_life: Duration::from_secs(3599),
            latency: Duration::ZERO,
            max_page_size: 999,
            delta: DeltaPaging::default(),
            edits_kept: 250_000,
        }
    }
}

impl Config {
    /// The default tenant with this many generated users.
    #[must_use]
    pub fn with_users(users: u32) -> Self {
        let tenant = TenantConfig { users, ..TenantConfig::default() };
        Self { tenants: vec![tenant], ..Self::default() }
    }
}

/// One tenant: its directory and the application registered in it.
#[derive(Clone)]
pub struct TenantConfig {
    /// Directory (tenant) id.
    pub directory_id: Uuid,
    /// The tenant's verified domain; the token endpoint takes it in place of the id.
    pub domain: String,
    /// Application (client) id.
    pub client_id: Uuid,
    /// The application's client secret.
    pub client_secret: String,
    /// The application permissions that an admin has consented to.
    pub permissions: BTreeSet<Permission>,
    /// How many users to generate.
    pub users: u32,
    /// Everything generated follows from it.
    pub seed: u64,
    /// How often special cases appear among the generated users.
    pub mix: Mix,
}

impl Default for TenantConfig {
    fn default() -> Self {
        Self {
            directory_id: DIRECTORY_ID,
            domain: "example.com".to_owned(),
            client_id: CLIENT_ID,
            client_secret: CLIENT_SECRET.to_owned(),
            permissions: BTreeSet::from([Permission::UserReadAll, Permission::GroupMemberReadAll]),
            users: 100,
            seed: 1,
            mix: Mix::default(),
        }
    }
}

impl fmt::Debug for TenantConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TenantConfig")
            .field("directory_id", &self.directory_id)
            .field("domain", &self.domain)
            .field("client_id", &self.client_id)
            .field("permissions", &self.permissions)
            .field("users", &self.users)
            .field("seed", &self.seed)
            .field("mix", &self.mix)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_does_not_show_the_secret() {
        assert!(!format!("{:?}", Config::default()).contains("real-secret"));
    }
}
