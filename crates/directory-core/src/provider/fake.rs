//! A directory in memory, for tests and for trying an embedding out.

use async_trait::async_trait;

use super::{
    ChangesTold, Check, CheckOutcome, CheckSubject, Continuation, DirectoryProvider, Listing, ListingEnd, ListingPage,
    ProviderError,
};
use crate::DirectoryEntry;

/// Lists the given pages, then ends as told or fails.
#[derive(Clone, Debug)]
pub struct FakeDirectory {
    pages: Vec<Vec<DirectoryEntry>>,
    end: Result<ListingEnd, ProviderError>,
    continuation: Option<Continuation>,
}

impl FakeDirectory {
    /// A directory whose listing is complete.
    #[must_use]
    pub fn complete(pages: Vec<Vec<DirectoryEntry>>) -> Self {
        Self { pages, end: Ok(ListingEnd::Complete), continuation: None }
    }

    /// A directory that says what changed.
    #[must_use]
    pub fn incremental(pages: Vec<Vec<DirectoryEntry>>) -> Self {
        Self { pages, end: Ok(ListingEnd::Incremental), continuation: None }
    }

    /// A directory that gives these pages and then fails.
    #[must_use]
    pub fn failing(pages: Vec<Vec<DirectoryEntry>>, error: ProviderError) -> Self {
        Self { pages, end: Err(error), continuation: None }
    }

    /// The same, of a directory that tells the changes of its scope from here on.
    #[must_use]
    pub fn leaving(self, continuation: Continuation) -> Self {
        Self { continuation: Some(continuation), ..self }
    }
}

#[async_trait]
impl DirectoryProvider for FakeDirectory {
    async fn list(&self) -> Result<Box<dyn Listing>, ProviderError> {
        let Self { pages, end, continuation } = self.clone();
        Ok(Box::new(FakeListing { pages: pages.into_iter(), end, continuation, has_ended: false }))
    }

    fn tells_changes(&self) -> ChangesTold {
        if self.continuation.is_some() { ChangesTold::OfScope } else { ChangesTold::Nothing }
    }

    async fn verify(&self) -> Vec<Check> {
        let outcome = match &self.end {
            Ok(_) => CheckOutcome::Passed,
            Err(error) => CheckOutcome::Failed(error.clone()),
        };
        vec![Check { subject: CheckSubject::Users, outcome }]
    }
}

struct FakeListing {
    pages: std::vec::IntoIter<Vec<DirectoryEntry>>,
    end: Result<ListingEnd, ProviderError>,
    continuation: Option<Continuation>,
    has_ended: bool,
}

#[async_trait]
impl Listing for FakeListing {
    async fn next_page(&mut self) -> Result<ListingPage, ProviderError> {
        if let Some(entries) = self.pages.next() {
            return Ok(ListingPage { entries, end: None });
        }
        let end = self.end.clone()?;
        self.has_ended = true;
        Ok(ListingPage { entries: Vec::new(), end: Some(end) })
    }

    fn continuation(&self) -> Option<Continuation> {
        self.continuation.clone().filter(|_| self.has_ended)
    }
}
