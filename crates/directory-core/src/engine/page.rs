//! A page of the listing beside the local users that it is about.

use std::collections::HashMap;

use crate::{ConnectionId, DirectoryEntry, EmailKey, ExternalId, LocalUser};

use super::key::{Key, KeyMap};

/// A page whose ids have been looked up. See [`super::Reconciler::open`].
pub struct Page<'a> {
    pub(crate) items: Vec<Item<'a>>,
}

/// An entry of the page.
#[derive(Clone, Copy)]
pub(crate) struct Item<'a> {
    pub(crate) entry: &'a DirectoryEntry,
    /// Of its id, if that could be read.
    pub(crate) known: Option<(Key, &'a ExternalId)>,
    /// Who is linked to that id.
    pub(crate) local: Option<&'a LocalUser>,
}

impl<'a> Page<'a> {
    pub(crate) fn of(connection: ConnectionId, entries: &'a [DirectoryEntry], linked: &'a [LocalUser]) -> Self {
        let links = linked.iter().filter_map(|user| Some((user.link.as_ref()?, user)));
        let here = links.filter(|(link, _)| link.connection == connection);
        let linked: KeyMap<&LocalUser> = here.map(|(link, user)| (Key::of_id(&link.external_id), user)).collect();
        let item = |entry: &'a DirectoryEntry| {
            let known = id_of(entry).map(|id| (Key::of_id(id), id));
            Item { entry, known, local: known.and_then(|(key, _)| linked.get(&key).copied()) }
        };
        Self { items: entries.iter().map(item).collect() }
    }
}

fn id_of(entry: &DirectoryEntry) -> Option<&ExternalId> {
    match entry {
        DirectoryEntry::Present(user) | DirectoryEntry::Changed(user) => Some(&user.external_id),
        DirectoryEntry::Removed(id) => Some(id),
        DirectoryEntry::Unreadable(id) => id.as_ref(),
    }
}

/// Who holds the addresses that a page asks for.
pub(crate) struct Holders<'a>(HashMap<EmailKey, &'a LocalUser>);

impl<'a> Holders<'a> {
    pub(crate) fn of(users: &'a [LocalUser]) -> Self {
        Self(users.iter().map(|user| (EmailKey::of(&user.email), user)).collect())
    }

    pub(crate) fn of_address(&self, email: &EmailKey) -> Option<&'a LocalUser> {
        self.0.get(email).copied()
    }
}
