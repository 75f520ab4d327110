//! The listing's part of the engine: one page after the other, each with the local users that it may concern.

use std::collections::HashSet;

use crate::{
    Action, Change, ChangeCode, ConnectionId, DirectoryEntry, DirectoryUser, EmailAddress, EmailKey, ExternalId,
    ListingEnd, LocalUser, Policy, Rival, Target, UserStatus, Values,
};

use super::{
    decide::{Revision, Wanted},
    guard::Guards,
    key::{Key, KeyMap, KeySet},
    ledger::{Claim, ClaimKind, Entry, Ledger},
    page::{Holders, Item, Known, OpenPage, Page, Word},
    roll::{Mark, Place, Roll},
    sweep::Sweep,
};

/// What a page adds to the plan, and takes back of it.
#[derive(Debug, Default)]
pub struct PagePlan {
    /// Positions of changes that a later word of the directory about the same user has replaced.
    pub retracted: Vec<u32>,
    /// New changes.
    pub changes: Vec<Change>,
}

/// The engine while the listing is read.
pub struct Reconciler {
    connection: ConnectionId,
    pub(crate) policy: Policy,
    default_role: String,
    /// To be left alone, whatever the directory says.
    pub(crate) ignored: KeySet,
    pub(crate) roll: Roll,
    /// Somebody changed who may have come back into scope: only a whole listing tells.
    unclear: bool,
    /// Records without an id: while there is one, nobody can be called absent.
    pub(crate) unidentified: u64,
    pub(crate) ledger: Ledger,
    /// Who waits for whom to free an e-mail address.
    pub(crate) waits: KeyMap<Key>,
    pub(crate) guards: Guards,
}

impl Reconciler {
    /// Starts reconciling a connection. New users get `default_role`. A whole `roll` of who is linked spares the look-ups of
    /// whoever is as it has them.
    #[must_use]
    pub fn new(connection: ConnectionId, policy: Policy, default_role: String, roll: Roll) -> Self {
        Self {
            connection,
            policy,
            default_role,
            ignored: KeySet::default(),
            roll: roll.laid_out(),
            unclear: false,
            unidentified: 0,
            ledger: Ledger::default(),
            waits: KeyMap::default(),
            guards: Guards::default(),
        }
    }

    /// The same, leaving these directory users and whoever is linked to them alone: they count as excluded.
    #[must_use]
    pub fn ignoring<'a>(mut self, ids: impl IntoIterator<Item = &'a ExternalId>) -> Self {
        self.ignored = ids.into_iter().map(Key::of_id).collect();
        self
    }

    /// Distinct users read so far.
    #[must_use]
    pub fn seen(&self) -> u64 {
        self.roll.listed()
    }

    /// Whether an incremental listing told of somebody of whom it cannot be known whether the scope has them. Then what it
    /// told is not enough.
    #[must_use]
    pub fn is_unclear(&self) -> bool {
        self.unclear
    }

    /// Reads a page, and finds whose linked users it takes to plan it.
    #[must_use]
    pub fn open<'a>(&self, entries: &'a [DirectoryEntry]) -> OpenPage<'a> {
        OpenPage::of(self, self.connection, entries)
    }

    /// Whether a listed user is linked, in scope, and stored as wanted.
    pub(crate) fn is_unchanged(&self, key: Key, mark: Mark, user: &DirectoryUser, wanted: &Wanted<'_>) -> bool {
        wanted.is(|values| self.roll.agrees(mark, values))
            && !self.policy.excludes(user, true)
            && !self.ignored.contains(&key)
    }

    /// The addresses whose present holders [`Self::page`] has to know: those of new users and of users whose address
    /// changes. A page without either needs no look-up.
    #[must_use]
    pub fn emails_to_look_up(&self, page: &Page<'_>) -> Vec<EmailKey> {
        let wanted: HashSet<EmailKey> = page.items.iter().filter_map(|item| self.email_to_look_up(item)).collect();
        wanted.into_iter().collect()
    }

    fn email_to_look_up(&self, Item { word, known, local }: &Item<'_>) -> Option<EmailKey> {
        let (Word::Present(user, wanted) | Word::Changed(user, wanted)) = word else { return None };
        let Known { key, .. } = known.as_ref()?;
        if local.is_none() && matches!(word, Word::Changed(..)) && self.roll.place(*key) != Place::Present {
            return None;
        }
        if self.policy.excludes(user, local.is_some()) || self.ignored.contains(key) {
            return None;
        }
        let email = wanted.email.as_ref()?;
        let keeps_it = local.is_some_and(|local| email.as_str().eq_ignore_ascii_case(&local.email));
        (!keeps_it).then(|| email.key())
    }

    /// Plans a page. `holders` are the tenant's users that hold an address of [`Self::emails_to_look_up`]. More of them do no
    /// harm.
    pub fn page(&mut self, page: &Page<'_>, holders: &[LocalUser]) -> PagePlan {
        let holders = Holders::of(holders);
        let mut plan = PagePlan::default();
        for item in &page.items {
            self.entry(item, &holders, &mut plan);
        }
        plan
    }

    /// The listing has ended; what is left is to find who is absent.
    #[must_use]
    pub fn end_of_listing(self, end: ListingEnd) -> Sweep {
        Sweep::new(self, end)
    }

    fn entry(&mut self, item: &Item<'_>, holders: &Holders<'_>, plan: &mut PagePlan) {
        let &Item { ref word, known, local } = item;
        let Some(Known { key, id, seat }) = known else {
            self.unidentified += 1;
            let seq = self.ledger.next_seq();
            plan.changes.push(refusal(seq, Action::Conflict, ChangeCode::UnreadableRecord));
            return;
        };
        if matches!(word, Word::Changed(..)) && !self.is_in_scope(key, local) {
            return;
        }
        let is_ignored = self.ignored.contains(&key);
        let place = match word {
            _ if is_ignored => Place::Excluded,
            Word::Present(user, _) | Word::Changed(user, _) if self.policy.excludes(user, local.is_some()) => {
                Place::Excluded
            }
            Word::Unchanged | Word::Present(..) | Word::Changed(..) | Word::Unreadable => Place::Present,
            Word::Removed => Place::Removed,
        };
        if self.roll.put(seat, place) != Place::Unseen {
            self.forget(key, plan);
        }
        match (place, word) {
            (_, Word::Unchanged) => {}
            _ if is_ignored => {}
            (Place::Present, Word::Present(_, wanted) | Word::Changed(_, wanted)) => match local {
                Some(local) => self.linked(key, id, wanted, local, holders, plan),
                None => self.unlinked(key, id, wanted, holders, plan),
            },
            (Place::Present, _) => {
                self.refuse(key, id, local, None, Refusal::conflict(ChangeCode::UnreadableRecord), plan);
            }
            _ => self.departed(key, local, plan),
        }
    }

    /// Whether somebody who changed is in scope: whoever was told of as present is, and whoever is linked and active. Who
    /// was deactivated, or told of as removed, may be back or may be somebody who left.
    fn is_in_scope(&mut self, key: Key, local: Option<&LocalUser>) -> bool {
        if self.ignored.contains(&key) {
            return false;
        }
        if self.roll.place(key) == Place::Present {
            return true;
        }
        let Some(local) = local else { return false };
        let known = local.status == UserStatus::Active && self.roll.place(key) != Place::Removed;
        self.unclear |= !known;
        known
    }

    /// Of several entries about one user the last one counts.
    fn forget(&mut self, key: Key, plan: &mut PagePlan) {
        self.waits.remove(&key);
        let retracted: Vec<u32> = self.ledger.take_back(key).collect();
        // A change of this very page has not been given out yet.
        plan.changes.retain(|change| !retracted.contains(&change.seq));
        plan.retracted.extend(retracted);
    }

    /// A user that was linked is not in scope any more.
    fn departed(&mut self, key: Key, local: Option<&LocalUser>, plan: &mut PagePlan) {
        let Some(local) = local.filter(|local| local.status == UserStatus::Active && self.policy.deactivate_missing)
        else {
            return;
        };
        self.existing(key, Action::Deactivate, local, Revision::departure(), None, plan);
    }

    fn linked(
        &mut self,
        key: Key,
        id: &ExternalId,
        wanted: &Wanted<'_>,
        local: &LocalUser,
        holders: &Holders<'_>,
        plan: &mut PagePlan,
    ) {
        if left_alone(local, wanted.enabled) {
            let why = Refusal { action: Action::Protected, code: ChangeCode::SuspendedLocally, rival: None };
            self.refuse(key, id, Some(local), None, why, plan);
            return;
        }
        let mut revision = wanted.revise(local);
        let mut moves_to = None;
        let mut taken = None;
        if let Some(email) = wanted.email.as_ref().filter(|email| email.as_str() != local.email) {
            match self.way_to(email, local, holders) {
                Way::Free => revision.set_email(local, email),
                Way::Claim { held_by } => {
                    revision.set_email(local, email);
                    moves_to = Some((email.key(), held_by));
                }
                Way::Taken(rival) => taken = Some((email, rival)),
            }
        }
        if !revision.after.is_empty() {
            let only_email = revision.after == Values { email: revision.after.email.clone(), ..Values::default() };
            let kind = if only_email { ClaimKind::MoveOnly } else { ClaimKind::MoveAndMore };
            let bid = moves_to.map(|(to, held_by)| {
                let holder_id = held_by.as_ref().and_then(|rival| rival.external_id.as_ref());
                self.waits.extend(holder_id.map(|id| (key, Key::of_id(id))));
                Bid { claim: Claim { to: Key::of_email(&to), kind, enabled: wanted.enabled == Some(true) }, held_by }
            });
            self.existing(key, revision.action(), local, revision, bid, plan);
        }
        if let Some((email, rival)) = taken {
            let why = Refusal { rival: Some(rival), ..Refusal::conflict(ChangeCode::EmailTaken) };
            self.refuse(key, id, Some(local), Some(email.as_str()), why, plan);
        }
    }

    /// Whether a linked user can move to an address.
    fn way_to(&self, email: &EmailAddress<'_>, local: &LocalUser, holders: &Holders<'_>) -> Way {
        if email.as_str().eq_ignore_ascii_case(&local.email) {
            return Way::Free;
        }
        match holders.of_address(&email.key()) {
            None => Way::Claim { held_by: None },
            Some(holder) => match self.rival(holder) {
                rival if rival.external_id.is_some() => Way::Claim { held_by: Some(rival) },
                rival => Way::Taken(rival),
            },
        }
    }

    fn unlinked(&mut self, key: Key, id: &ExternalId, wanted: &Wanted<'_>, holders: &Holders<'_>, plan: &mut PagePlan) {
        let Some(email) = &wanted.email else {
            self.refuse(key, id, None, None, Refusal::conflict(ChangeCode::NoEmail), plan);
            return;
        };
        let to = email.key();
        let claim = |kind| Claim { to: Key::of_email(&to), kind, enabled: wanted.enabled == Some(true) };
        let holder = holders.of_address(&to);
        let rival = holder.map(|holder| self.rival(holder));
        let refused = match holder {
            Some(holder) if holder.link.is_none() && self.policy.adopts(&to) => {
                let revision = adoption(wanted, email, id, holder);
                let bid = Bid { claim: claim(ClaimKind::Adopt), held_by: None };
                self.existing(key, Action::Link, holder, revision, Some(bid), plan);
                return;
            }
            Some(holder) => match self.id_here(holder) {
                Some(holder) => {
                    self.waits.insert(key, Key::of_id(holder));
                    None
                }
                None if holder.link.is_none() => Some(ChangeCode::AdoptionNotAllowed),
                None => Some(ChangeCode::EmailTaken),
            },
            None => None,
        };
        if let Some(code) = refused {
            let why = Refusal { rival, ..Refusal::conflict(code) };
            self.refuse(key, id, None, Some(email.as_str()), why, plan);
            return;
        }
        let change = Change {
            seq: self.ledger.next_seq(),
            action: Action::Create,
            target: None,
            external_id: Some(id.clone()),
            email: Some(email.as_str().to_owned()),
            before: Values::default(),
            after: wanted.creation(email, id.as_str(), &self.default_role),
            code: None,
            rival,
            deactivates: false,
        };
        self.ledger.entries.insert(key, Entry { claim: Some(claim(ClaimKind::Create)), ..Entry::of(&change) });
        plan.changes.push(change);
    }

    /// The directory id by which a user is linked to this connection.
    fn id_here<'a>(&self, user: &'a LocalUser) -> Option<&'a ExternalId> {
        user.link.as_ref().filter(|link| link.connection == self.connection).map(|link| &link.external_id)
    }

    /// The holder of an address, as whoever wants it too sees it.
    fn rival(&self, holder: &LocalUser) -> Rival {
        Rival { user: Some(holder.id), external_id: self.id_here(holder).cloned() }
    }

    /// Gives out a change of an existing user.
    fn existing(
        &mut self,
        key: Key,
        action: Action,
        local: &LocalUser,
        revision: Revision,
        bid: Option<Bid>,
        plan: &mut PagePlan,
    ) {
        let linked_id = local.link.as_ref().map(|link| link.external_id.clone());
        let (claim, rival) = bid.map_or((None, None), |bid| (Some(bid.claim), bid.held_by));
        let new_id = revision.after.external_id.clone().flatten().and_then(|id| ExternalId::parse(&id));
        let change = Change {
            seq: self.ledger.next_seq(),
            action,
            target: Some(Target { user: local.id, version: local.version }),
            external_id: new_id.or(linked_id),
            email: Some(revision.after.email.clone().unwrap_or_else(|| local.email.clone())),
            code: None,
            rival,
            deactivates: revision.deactivates(),
            before: revision.before,
            after: revision.after,
        };
        if self.policy.protects(&local.role) {
            match change.after.status {
                Some(UserStatus::Inactive) => self.guards.leaves(&local.role, key, change.seq),
                Some(UserStatus::Active) => self.guards.returns(&local.role, key, change.seq),
                None => {}
            }
        }
        let links_active = action == Action::Link && local.status == UserStatus::Active;
        self.ledger.entries.insert(key, Entry { links_active, claim, ..Entry::of(&change) });
        plan.changes.push(change);
    }

    /// Gives out a refusal, beside a change of the same user where there is one.
    fn refuse(
        &mut self,
        key: Key,
        id: &ExternalId,
        local: Option<&LocalUser>,
        email: Option<&str>,
        Refusal { action, code, rival }: Refusal,
        plan: &mut PagePlan,
    ) {
        let mut change = Change {
            target: local.map(|local| Target { user: local.id, version: local.version }),
            external_id: Some(id.clone()),
            email: email.or(local.map(|local| local.email.as_str())).map(str::to_owned),
            rival,
            ..refusal(self.ledger.next_seq(), action, code)
        };
        if let (Some(local), Some(email)) = (local, email.filter(|_| code == ChangeCode::EmailTaken)) {
            change.before.email = Some(local.email.clone());
            change.after.email = Some(email.to_owned());
        }
        match self.ledger.entries.get_mut(&key) {
            Some(entry) => entry.with_conflict = true,
            None => {
                self.ledger.entries.insert(key, Entry::of(&change));
            }
        }
        plan.changes.push(change);
    }
}

/// Whether a linked user can have an address.
enum Way {
    /// It has it already, in another spelling.
    Free,
    /// Unless somebody with a better claim wants it too, and once its present holder has moved on.
    Claim { held_by: Option<Rival> },
    /// No: its holder is not the connection's to move.
    Taken(Rival),
}

/// A claim on an address, and who has that address now.
struct Bid {
    claim: Claim,
    held_by: Option<Rival>,
}

/// Why a user is not changed, and because of whom.
struct Refusal {
    action: Action,
    code: ChangeCode,
    rival: Option<Rival>,
}

impl Refusal {
    fn conflict(code: ChangeCode) -> Self {
        Self { action: Action::Conflict, code, rival: None }
    }
}

/// Whether a person's decision about a user stands against the directory's. A disabled account is no contradiction.
fn left_alone(local: &LocalUser, enabled: Option<bool>) -> bool {
    local.suspended_by_a_person() && enabled != Some(false)
}

/// Linking a local user. One who is to be left alone is linked and nothing more.
fn adoption(wanted: &Wanted<'_>, email: &EmailAddress<'_>, id: &ExternalId, holder: &LocalUser) -> Revision {
    let mut revision = Revision::default();
    if !left_alone(holder, wanted.enabled) {
        revision = wanted.revise(holder);
        if holder.email != email.as_str() {
            revision.set_email(holder, email);
        }
    }
    revision.before.external_id = Some(None);
    revision.after.external_id = Some(Some(id.as_str().to_owned()));
    revision
}

fn refusal(seq: u32, action: Action, code: ChangeCode) -> Change {
    Change {
        seq,
        action,
        target: None,
        external_id: None,
        email: None,
        before: Values::default(),
        after: Values::default(),
        code: Some(code),
        rival: None,
        deactivates: false,
    }
}
