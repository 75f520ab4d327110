//! A page of the listing beside the local users that it is about.

use std::collections::HashMap;

use crate::{ConnectionId, DirectoryEntry, DirectoryUser, EmailKey, ExternalId, LocalUser, Policy};

use super::{
    decide::Wanted,
    key::{Key, KeyMap},
};

/// A page whose ids have been looked up. See [`super::Reconciler::open`].
pub struct Page<'a> {
    pub(crate) items: Vec<Item<'a>>,
}

/// An entry of the page.
pub(crate) struct Item<'a> {
    pub(crate) word: Word<'a>,
    /// Its id, if that could be read.
    pub(crate) known: Option<(Key, &'a ExternalId)>,
    /// Who is linked to that id.
    pub(crate) local: Option<&'a LocalUser>,
}

/// What the directory says of a user.
pub(crate) enum Word<'a> {
    Present(&'a DirectoryUser, Wanted<'a>),
    Changed(&'a DirectoryUser, Wanted<'a>),
    Removed,
    Unreadable,
}

impl<'a> Page<'a> {
    pub(crate) fn of(
        connection: ConnectionId,
        policy: &Policy,
        entries: &'a [DirectoryEntry],
        linked: &'a [LocalUser],
    ) -> Self {
        let links = linked.iter().filter_map(|user| Some((user.link.as_ref()?, user)));
        let here = links.filter(|(link, _)| link.connection == connection);
        let linked: KeyMap<&LocalUser> = here.map(|(link, user)| (Key::of_id(&link.external_id), user)).collect();
        let item = |entry: &'a DirectoryEntry| {
            let (id, word) = match entry {
                DirectoryEntry::Present(user) => {
                    (Some(&user.external_id), Word::Present(user, Wanted::of(user, policy)))
                }
                DirectoryEntry::Changed(user) => {
                    (Some(&user.external_id), Word::Changed(user, Wanted::of(user, policy)))
                }
                DirectoryEntry::Removed(id) => (Some(id), Word::Removed),
                DirectoryEntry::Unreadable(id) => (id.as_ref(), Word::Unreadable),
            };
            let known = id.map(|id| (Key::of_id(id), id));
            Item { word, known, local: known.and_then(|(key, _)| linked.get(&key).copied()) }
        };
        Self { items: entries.iter().map(item).collect() }
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
