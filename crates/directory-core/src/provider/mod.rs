//! The port through which directories are read. A provider only reads.

mod check;
mod continuation;
mod credential;
mod error;
pub mod fake;

use std::{fmt, time::SystemTime};

use async_trait::async_trait;

use crate::{DirectoryEntry, ExternalId};
pub use check::{Check, CheckOutcome, CheckSubject, first_failure};
pub use continuation::Continuation;
pub use credential::{Credential, CredentialKind};
pub use error::{FailureKind, ProviderError, RunErrorCode};

/// A directory that can be listed. Object-safe; one value serves one connection.
#[async_trait]
pub trait DirectoryProvider: Send + Sync {
    /// Starts a listing of every user in scope.
    async fn list(&self) -> Result<Box<dyn Listing>, ProviderError>;

    /// Whether the directory tells the changes of this scope, all of them and exactly. Otherwise it is always listed as a
    /// whole.
    fn tells_changes(&self) -> ChangesTold {
        ChangesTold::Nothing
    }

    /// Starts a listing of what changed in the scope since an earlier listing, which gave the continuation. The users of
    /// `reread` are listed as they are now, whether they changed or not.
    ///
    /// On [`FailureKind::ListingExpired`], here or from the listing, the continuation is of no use any more. A provider that
    /// tells no changes lists everybody instead.
    async fn list_changes(
        &self,
        _since: &Continuation,
        _reread: Vec<ExternalId>,
    ) -> Result<Box<dyn Listing>, ProviderError> {
        self.list().await
    }

    /// Tries the credential and everything else that a listing needs, with as few requests as possible, in the order in
    /// which a listing would meet them.
    async fn verify(&self) -> Vec<Check>;
}

/// Which changes a directory tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangesTold {
    /// None.
    Nothing,
    /// Those of everybody in scope.
    OfScope,
    /// Who came into the scope and who left it; and changes of users whoever they are, as [`DirectoryEntry::Changed`]. That is
    /// exact only where everybody in scope is linked.
    OfDirectory,
}

/// A listing under way. Pages are pulled; nothing is fetched ahead.
#[async_trait]
pub trait Listing: Send {
    /// The next page. After a page with an end there are no more.
    ///
    /// An error ends the listing, and what it gave so far says nothing about who is absent. On
    /// [`FailureKind::ListingExpired`] a new listing may succeed.
    async fn next_page(&mut self) -> Result<ListingPage, ProviderError>;

    /// Once the listing has ended: from where [`DirectoryProvider::list_changes`] tells whatever this listing did not, be it
    /// because it happened meanwhile. `None` where the directory gives no such place, or where the listing left something
    /// open.
    fn continuation(&self) -> Option<Continuation> {
        None
    }
}

/// Some entries of a listing; possibly none.
#[derive(Clone, Debug)]
pub struct ListingPage {
    /// In the directory's order.
    pub entries: Vec<DirectoryEntry>,
    /// On the last page only.
    pub end: Option<ListingEnd>,
}

/// How a listing ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListingEnd {
    /// Every user in scope was listed: whoever was not is absent.
    Complete,
    /// Only what changed was listed: absence means nothing.
    Incremental,
}

/// Makes providers of one kind. Register one to add a directory; nothing else changes.
pub trait ProviderFactory: Send + Sync {
    /// The kind's name, as in a connection's `provider`.
    fn provider(&self) -> &'static str;

    /// A provider for one connection. Does no I/O; an error is a configuration error.
    fn connect(
        &self,
        settings: &ConnectionSettings,
        credential: Credential,
    ) -> Result<Box<dyn DirectoryProvider>, ProviderError>;

    /// When a credential ends, as far as it says so itself. Does no I/O; an error is a configuration error.
    fn expiry(&self, credential: &Credential) -> Result<Option<SystemTime>, ProviderError>;
}

/// What a provider needs to know of a connection, apart from its credential.
#[derive(Clone, PartialEq, Eq)]
pub struct ConnectionSettings {
    /// The directory's own id (Entra: the tenant's GUID).
    pub directory_id: String,
    /// The client's id in that directory.
    pub client_id: String,
    /// Only this group's members are in scope; `None` is the whole directory.
    pub group_id: Option<String>,
    /// With a group: members of the groups in it are in scope too.
    pub include_nested_groups: bool,
    /// Which of the provider's clouds; `None` is its main one.
    pub cloud: Option<String>,
}

impl fmt::Debug for ConnectionSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectionSettings")
            .field("directory_id", &self.directory_id)
            .field("group_id", &self.group_id)
            .field("cloud", &self.cloud)
            .finish_non_exhaustive()
    }
}
