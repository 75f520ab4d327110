//! A page of the listing beside the local users that it is about.

use std::collections::HashMap;

use crate::{ConnectionId, DirectoryEntry, DirectoryUser, EmailKey, ExternalId, LocalUser};

use super::{
    decide::Wanted,
    key::{Key, KeyMap},
    listing::Reconciler,
};

/// A page whose users are still to be looked up. See [`Reconciler::open`].
pub struct OpenPage<'a> {
    connection: ConnectionId,
    items: Vec<Item<'a>>,
    to_look_up: Vec<ExternalId>,
}

/// A page beside the users that it is about. See [`OpenPage::beside`].
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
    /// What is stored of the linked user already.
    Unchanged,
    Present(&'a DirectoryUser, Box<Wanted<'a>>),
    Changed(&'a DirectoryUser, Box<Wanted<'a>>),
    Removed,
    Unreadable,
}

impl<'a> OpenPage<'a> {
    pub(crate) fn of(engine: &Reconciler, connection: ConnectionId, entries: &'a [DirectoryEntry]) -> Self {
        let items: Vec<Item<'a>> = entries.iter().map(|entry| Item::of(engine, entry)).collect();
        let open = items.iter().filter(|item| !matches!(item.word, Word::Unchanged)).filter_map(|item| item.known);
        let to_look_up = open.filter(|(key, _)| engine.may_be_linked(*key)).map(|(_, id)| id.clone()).collect();
        Self { connection, items, to_look_up }
    }

    /// The ids whose linked users [`Self::beside`] has to be given.
    #[must_use]
    pub fn ids_to_look_up(&self) -> &[ExternalId] {
        &self.to_look_up
    }

    /// Lays the users linked to the connection by an id of [`Self::ids_to_look_up`] beside the page. More of them do no harm.
    #[must_use]
    pub fn beside(self, linked: &'a [LocalUser]) -> Page<'a> {
        let Self { connection, mut items, .. } = self;
        let links = linked.iter().filter_map(|user| Some((user.link.as_ref()?, user)));
        let here = links.filter(|(link, _)| link.connection == connection);
        let linked: KeyMap<&LocalUser> = here.map(|(link, user)| (Key::of_id(&link.external_id), user)).collect();
        if !linked.is_empty() {
            for item in &mut items {
                item.local = item.known.and_then(|(key, _)| linked.get(&key).copied());
            }
        }
        Page { items }
    }
}

impl<'a> Item<'a> {
    fn of(engine: &Reconciler, entry: &'a DirectoryEntry) -> Self {
        let known = |id: &'a ExternalId| Some((Key::of_id(id), id));
        let wanted = |user: &'a DirectoryUser| Wanted::of(user, &engine.policy);
        let (known, word) = match entry {
            DirectoryEntry::Present(user) => {
                let (key, wanted) = (Key::of_id(&user.external_id), wanted(user));
                let word = if engine.is_unchanged(key, user, &wanted) {
                    Word::Unchanged
                } else {
                    Word::Present(user, Box::new(wanted))
                };
                (Some((key, &user.external_id)), word)
            }
            DirectoryEntry::Changed(user) => (known(&user.external_id), Word::Changed(user, Box::new(wanted(user)))),
            DirectoryEntry::Removed(id) => (known(id), Word::Removed),
            DirectoryEntry::Unreadable(id) => (id.as_ref().and_then(known), Word::Unreadable),
        };
        Self { word, known, local: None }
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
