//! A page of the listing beside the local users that it is about.

use std::collections::HashMap;

use crate::{ConnectionId, DirectoryEntry, DirectoryUser, EmailKey, ExternalId, LocalUser};

use super::{
    decide::Wanted,
    key::{Key, KeyMap},
    listing::Reconciler,
    roll::Mark,
    table::Seat,
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
    pub(crate) known: Option<Known<'a>>,
    /// Who is linked to that id.
    pub(crate) local: Option<&'a LocalUser>,
}

/// A user whose id could be read.
#[derive(Clone, Copy)]
pub(crate) struct Known<'a> {
    pub(crate) key: Key,
    pub(crate) id: &'a ExternalId,
    /// Where the roll has them.
    pub(crate) seat: Seat,
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
        let keys: Vec<Option<(Key, &ExternalId)>> =
            entries.iter().map(|entry| id_of(entry).map(|id| (Key::of_id(id), id))).collect();
        let mut seats = engine.roll.seats(keys.iter().flatten().map(|(key, _)| *key)).into_iter();
        let mut items = Vec::with_capacity(entries.len());
        let mut to_look_up = Vec::new();
        for (entry, known) in entries.iter().zip(keys) {
            let known = known.and_then(|(key, id)| Some(Known { key, id, seat: seats.next()? }));
            let mark = known.map_or_else(Mark::default, |known| engine.roll.mark(known.seat));
            let word = Word::of(engine, entry, known, mark);
            if let Some(Known { id, .. }) = known
                && !matches!(word, Word::Unchanged)
                && (mark.is_linked() || !engine.roll.is_whole())
            {
                to_look_up.push(id.clone());
            }
            items.push(Item { word, known, local: None });
        }
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
                item.local = item.known.and_then(|known| linked.get(&known.key).copied());
            }
        }
        Page { items }
    }
}

impl<'a> Word<'a> {
    fn of(engine: &Reconciler, entry: &'a DirectoryEntry, known: Option<Known<'a>>, mark: Mark) -> Self {
        match entry {
            DirectoryEntry::Present(user) => {
                let wanted = Wanted::of(user, &engine.policy);
                match known {
                    Some(Known { key, .. }) if engine.is_unchanged(key, mark, user, &wanted) => Self::Unchanged,
                    _ => Self::Present(user, Box::new(wanted)),
                }
            }
            DirectoryEntry::Changed(user) => Self::Changed(user, Box::new(Wanted::of(user, &engine.policy))),
            DirectoryEntry::Removed(_) => Self::Removed,
            DirectoryEntry::Unreadable(_) => Self::Unreadable,
        }
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
