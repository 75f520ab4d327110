//! The registry of directory kinds.

use std::{collections::BTreeMap, sync::Arc};

use directory_core::ProviderFactory;

/// The kinds of directories that this process can read. Embedding code adds its own with [`Providers::with`].
#[derive(Clone, Default)]
pub struct Providers {
    by_kind: BTreeMap<&'static str, Arc<dyn ProviderFactory>>,
}

impl Providers {
    /// Adds a kind; a second factory of one kind replaces the first.
    #[must_use]
    pub fn with(mut self, factory: impl ProviderFactory + 'static) -> Self {
        self.by_kind.insert(factory.provider(), Arc::new(factory));
        self
    }

    /// The factory of a kind.
    #[must_use]
    pub fn get(&self, kind: &str) -> Option<Arc<dyn ProviderFactory>> {
        self.by_kind.get(kind).cloned()
    }

    /// The registered kinds, sorted.
    pub fn kinds(&self) -> impl Iterator<Item = &str> {
        self.by_kind.keys().copied()
    }
}
