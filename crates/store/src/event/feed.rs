//! From stored entries to a page of events: a pure function of the entries and of the changes in their batches. Every
//! store reads the same and asks here, so that all of them agree.

use chrono::{DateTime, Utc};
use directory_core::{ConnectionId, RunId, TenantId};
use uuid::Uuid;

use super::{Event, EventData, EventFilter, EventId, EventKind, EventPage, UnknownEvent, UserEvent};
use crate::ChangeRecord;

/// Entries that are looked at for one page at least, should the filter leave most of them out.
const LOOK: u32 = 200;

/// The kind under which a batch is stored. It is no event's own.
pub const BATCH: &str = "users";

/// How many entries to read for a page, the one that the last page ended in included.
#[must_use]
pub fn entries_for(limit: u32) -> u32 {
    limit.max(LOOK).saturating_add(1)
}

/// A stored entry of the feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its id.
    pub id: Uuid,
    /// Whose it is.
    pub tenant: TenantId,
    /// When it was written.
    pub at: DateTime<Utc>,
    /// Of which connection.
    pub connection: ConnectionId,
    /// Of which run, where it is of one.
    pub run: Option<RunId>,
    /// What it holds.
    pub content: Content,
}

/// What an entry holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// The changes of a batch, which are events each.
    Batch(Batch),
    /// One event.
    One(EventKind, EventData),
    /// One event that a newer program wrote, by its word for the kind.
    Unknown(String),
}

/// Which of a run's changes a batch applied: the entangled ones, if it was the first, and the others between two positions;
/// of those, whatever is neither refused nor rejected nor stale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Batch {
    /// How far the run was before; `None` of the first batch.
    pub began_after: Option<u32>,
    /// How far it was afterwards.
    pub through: u32,
    /// How many changes it applied.
    pub changes: u32,
}

/// The columns that say what an entry holds, as they are stored.
#[derive(Clone)]
pub struct Stored<'a> {
    /// [`BATCH`], or the event's own kind.
    pub kind: &'a str,
    /// Of a batch: see [`Batch::began_after`].
    pub began_after: Option<i64>,
    /// Of a batch: see [`Batch::through`].
    pub through: Option<i64>,
    /// Of a batch: see [`Batch::changes`].
    pub changes: Option<i64>,
    /// Of an event: its data, as JSON.
    pub data: Option<&'a str>,
}

impl Stored<'_> {
    /// What the entry holds, or the column that cannot be read.
    pub fn content(&self) -> Result<Content, &'static str> {
        let number = |column, number: i64| u32::try_from(number).map_err(|_| column);
        let given = |column, value: Option<i64>| value.ok_or(column).and_then(|value| number(column, value));
        if self.kind == BATCH {
            return Ok(Content::Batch(Batch {
                began_after: self.began_after.map(|began| number("began_after", began)).transpose()?,
                through: given("through", self.through)?,
                changes: given("changes", self.changes)?,
            }));
        }
        let Some(kind) = EventKind::parse(self.kind) else { return Ok(Content::Unknown(self.kind.to_owned())) };
        let data = self.data.and_then(|data| EventData::parse(kind, data)).ok_or("data")?;
        Ok(Content::One(kind, data))
    }
}

/// Some changes of a batch that a page needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slice {
    /// The entry's place among those that were read.
    pub index: usize,
    /// The run.
    pub run: RunId,
    /// Which of its changes.
    pub batch: Batch,
    /// Those after this position.
    pub after: u32,
    /// At most so many: the size of the page.
    pub page: u32,
}

impl Slice {
    /// Whether the entangled changes are in it.
    #[must_use]
    pub fn is_first(&self) -> bool {
        self.batch.began_after.is_none()
    }

    /// The others that are in it come after this position.
    #[must_use]
    pub fn from(&self) -> u32 {
        self.batch.began_after.unwrap_or(0).max(self.after)
    }

    /// How much of a page it fills. Positions have gaps, so it may be less; then the page is shorter.
    fn expected(&self, is_begun: bool) -> u32 {
        let positions = if self.is_first() { u32::MAX } else { self.batch.through.saturating_sub(self.from()) };
        // Of an entry that was begun nothing may be left, and then a page has to get past it.
        let most = if is_begun { self.page.saturating_sub(1) } else { u32::MAX };
        self.batch.changes.min(positions).min(most)
    }

    /// Whether so many changes are all that it has.
    fn is_complete_with(&self, changes: usize) -> bool {
        changes < self.page as usize || self.page >= self.batch.changes
    }
}

/// Which changes to read for a page. `entries` are those after the place where it begins, and the one that it is in.
#[must_use]
pub fn slices(entries: &[Entry], begin: EventId, filter: &EventFilter, limit: u32) -> Vec<Slice> {
    let mut slices = Vec::new();
    let mut left = limit;
    for (index, entry) in entries.iter().enumerate() {
        let expected = match &entry.content {
            Content::Batch(batch) if filter.wants_changes() => {
                let Some(run) = entry.run else { continue };
                let after = begin.seq.filter(|_| begin.entry == entry.id).unwrap_or(0);
                let slice = Slice { index, run, batch: *batch, after, page: limit };
                slices.push(slice);
                slice.expected(begin.entry == entry.id)
            }
            Content::One(kind, _) => u32::from(filter.wants(*kind)),
            Content::Unknown(_) => u32::from(filter.wants_unknown()),
            Content::Batch(_) => 0,
        };
        left = left.saturating_sub(expected);
        if left == 0 {
            break;
        }
    }
    slices
}

/// The page, made of the entries and, slice by slice, of the changes that were found.
#[must_use]
pub fn page(
    entries: &[Entry],
    changes: Vec<(Slice, Vec<ChangeRecord>)>,
    begin: EventId,
    filter: &EventFilter,
    limit: u32,
) -> EventPage {
    let complete = entries.len() < entries_for(limit) as usize;
    let found = EventPage { events: Vec::new(), unknown: Vec::new(), next: begin, more: false };
    let mut page = Page { filter, limit: limit as usize, found };
    let mut changes = changes.into_iter().peekable();
    for (index, entry) in entries.iter().enumerate() {
        let slice = changes.next_if(|(slice, _)| slice.index == index);
        if !page.take(entry, slice) {
            page.found.more = true;
            return page.found;
        }
    }
    page.found.more = !complete;
    page.found
}

struct Page<'a> {
    filter: &'a EventFilter,
    limit: usize,
    found: EventPage,
}

impl Page<'_> {
    /// Adds what an entry holds. `false` when not all of it was looked at.
    fn take(&mut self, entry: &Entry, slice: Option<(Slice, Vec<ChangeRecord>)>) -> bool {
        let id = entry.id;
        match (&entry.content, slice) {
            (Content::Batch(_), Some((slice, changes))) => {
                let complete = slice.is_complete_with(changes.len());
                for change in changes {
                    let id = EventId::within(id, change.seq);
                    let event = UserEvent::of(change)
                        .map(|(kind, user)| entry.event(id, kind, EventData::User(Box::new(user))));
                    if !self.add(id, event) {
                        return false;
                    }
                }
                if !complete {
                    return false;
                }
            }
            // Its changes would be wanted, and were not read: the page was expected to be full by here.
            (Content::Batch(_), None) if self.filter.wants_changes() => return false,
            (Content::One(kind, data), _) => {
                let event = entry.event(EventId::of(id), *kind, data.clone());
                if !self.add(EventId::of(id), Some(event)) {
                    return false;
                }
            }
            (Content::Unknown(kind), _) if self.filter.wants_unknown() => {
                if self.is_full() {
                    return false;
                }
                self.found.unknown.push(UnknownEvent { id: EventId::of(id), kind: kind.clone() });
            }
            (Content::Batch(_) | Content::Unknown(_), _) => {}
        }
        // An event's own id is the better place, so that a reader who keeps the last one has the same.
        if self.found.next.entry != id {
            self.found.next = EventId::of(id);
        }
        true
    }

    fn is_full(&self) -> bool {
        self.found.events.len() + self.found.unknown.len() >= self.limit
    }

    /// `false` when the page was full.
    fn add(&mut self, id: EventId, event: Option<Event>) -> bool {
        if self.is_full() {
            return false;
        }
        self.found.events.extend(event.filter(|event| self.filter.wants(event.kind)));
        self.found.next = id;
        true
    }
}

impl Entry {
    fn event(&self, id: EventId, kind: EventKind, data: EventData) -> Event {
        Event { id, tenant: self.tenant, kind, at: self.at, connection: self.connection, run: self.run, data }
    }
}

impl EventFilter {
    fn wants(&self, kind: EventKind) -> bool {
        self.kinds.is_empty() || self.kinds.contains(&kind)
    }

    /// Of a kind that this program does not know it cannot have been asked by its word.
    fn wants_unknown(&self) -> bool {
        self.kinds.is_empty()
    }

    /// Whether there can be such an event among the changes of a batch.
    fn wants_changes(&self) -> bool {
        let of_changes = |kind: &EventKind| {
            !matches!(
                kind,
                EventKind::UserUnlinked
                    | EventKind::RunFinished
                    | EventKind::RunHeld
                    | EventKind::ConnectionQuarantined
            )
        };
        self.kinds.is_empty() || self.kinds.iter().any(of_changes)
    }
}
