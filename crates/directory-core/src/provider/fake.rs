//! A directory in memory, for tests and for trying an embedding out.

use async_trait::async_trait;

use super::{Check, CheckOutcome, CheckSubject, DirectoryProvider, Listing, ListingEnd, ListingPage, ProviderError};
use crate::DirectoryEntry;

/// Lists the given pages, then ends as told or fails.
#[derive(Clone, Debug)]
pub struct FakeDirectory {
    pages: Vec<Vec<DirectoryEntry>>,
    end: Result<ListingEnd, ProviderError>,
}

impl FakeDirectory {
    /// A directory whose listing is complete.
    #[must_use]
    pub fn complete(pages: Vec<Vec<DirectoryEntry>>) -> Self {
        Self { pages, end: Ok(ListingEnd::Complete) }
    }

    /// A directory that says what changed.
    #[must_use]
    pub fn incremental(pages: Vec<Vec<DirectoryEntry>>) -> Self {
        Self { pages, end: Ok(ListingEnd::Incremental) }
    }

    /// A directory that gives these pages and then fails.
    #[must_use]
    pub fn failing(pages: Vec<Vec<DirectoryEntry>>, error: ProviderError) -> Self {
        Self { pages, end: Err(error) }
    }
}

#[async_trait]
impl DirectoryProvider for FakeDirectory {
    async fn list(&self) -> Result<Box<dyn Listing>, ProviderError> {
        Ok(Box::new(FakeListing { pages: self.pages.clone().into_iter(), end: self.end.clone() }))
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
}

#[async_trait]
impl Listing for FakeListing {
    async fn next_page(&mut self) -> Result<ListingPage, ProviderError> {
        match self.pages.next() {
            Some(entries) => Ok(ListingPage { entries, end: None }),
            None => self.end.clone().map(|end| ListingPage { entries: Vec::new(), end: Some(end) }),
        }
    }
}
