//! Who is linked to the connection, and of whom the directory has told: two hashes of 8 bytes for each.
//!
//! For a whole listing the store tells of everybody beforehand, so that a page needs a look-up only for those who differ from
//! what is stored. Ids and values are kept as hashes under a seed of the run's own, so that by the next whole listing whoever
//! shared a hash does so no more. Until then two users whose ids share one are looked up each time, and pass for one where
//! it is asked whether they were listed: an absent one of them keeps their access, of changes one may be taken for in
//! scope because the other is, and the run's number of users is one short. A user whose new values share a hash with the
//! old ones waits.

use std::hash::BuildHasher;

use foldhash::quality::FixedState;

use crate::{Profile, UserStatus};

use super::{
    decide::Compared,
    key::Key,
    table::{Lots, Seat, Table},
};

/// Everybody who is linked to a connection, as they are stored when a run begins, as far as that is known.
pub struct Roll {
    hash: FixedState,
    is_whole: bool,
    /// Whoever was added and is not among the marks yet.
    added: Lots,
    marks: Table,
    told: Told,
    /// Active users of whom the directory has not told.
    missing: u64,
}

/// How many users the directory told of.
#[derive(Clone, Copy, Default)]
struct Told {
    present: u64,
    excluded: u64,
    removed: u64,
}

impl Told {
    fn count_mut(&mut self, place: Place) -> Option<&mut u64> {
        match place {
            Place::Unseen => None,
            Place::Present => Some(&mut self.present),
            Place::Excluded => Some(&mut self.excluded),
            Place::Removed => Some(&mut self.removed),
        }
    }
}

/// What the directory says of a user.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Place {
    /// Nothing so far.
    Unseen,
    /// In the directory and in scope.
    Present,
    /// In the directory, left out by a filter or by decision.
    Excluded,
    /// Removed, as an incremental listing said.
    Removed,
}

/// A user, in one word: the [`Place`], what is stored of them, and a hash of their values.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(crate) struct Mark(u64);

impl Mark {
    const PLACE: u64 = 0b11;
    /// Linked to the connection.
    const LINKED: u64 = 1 << 2;
    const ACTIVE: u64 = 1 << 3;
    /// The hash stands for the stored values.
    const COMPARABLE: u64 = 1 << 4;
    const HASH: u64 = !0 << 5;

    #[cfg(test)]
    pub(crate) fn of_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// Of nobody.
    pub(crate) fn is_blank(self) -> bool {
        self.0 == 0
    }

    fn has(self, bits: u64) -> bool {
        self.0 & bits == bits
    }

    /// Whether the user is linked, or another one is whose id has the same hash.
    pub(crate) fn is_linked(self) -> bool {
        self.has(Self::LINKED)
    }

    fn place(self) -> Place {
        match self.0 & Self::PLACE {
            0 => Place::Unseen,
            1 => Place::Present,
            2 => Place::Excluded,
            _ => Place::Removed,
        }
    }

    fn set_place(&mut self, place: Place) {
        self.0 = self.0 & !Self::PLACE | place as u64;
    }
}

impl Roll {
    /// Nobody is known. The seed is to be another one for each run.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let hash = FixedState::with_seed(seed);
        let (added, marks, told) = (Lots::default(), Table::default(), Told::default());
        Self { hash, is_whole: false, added, marks, told, missing: 0 }
    }

    /// Everybody has been added: whoever is not on the roll is not linked, and needs no look-up.
    #[must_use]
    pub fn whole(self) -> Self {
        Self { is_whole: true, ..self }
    }

    /// The same, ready to be asked.
    pub(crate) fn laid_out(self) -> Self {
        let marks = self.added.lay_out(|shared| shared.0 &= !Mark::COMPARABLE);
        Self { marks, added: Lots::default(), ..self }
    }

    /// See [`Self::whole`].
    pub(crate) fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// Adds a linked user; each is to be told of once.
    pub fn add(&mut self, user: &Profile<'_>) {
        let active = if user.status == UserStatus::Active { Mark::ACTIVE } else { 0 };
        let values =
            Compared::stored(user).map_or(0, |values| self.hash.hash_one(values) & Mark::HASH | Mark::COMPARABLE);
        self.missing += u64::from(active != 0);
        let slot = self.slot(Key::of_stored_id(user.external_id));
        self.added.push(slot, Mark(Mark::LINKED | active | values));
    }

    fn slot(&self, key: Key) -> u64 {
        self.hash.hash_one(key)
    }

    /// Where the users with these ids are, in their order.
    pub(crate) fn seats(&self, keys: impl Iterator<Item = Key>) -> Vec<Seat> {
        let slots: Vec<u64> = keys.map(|key| self.slot(key)).collect();
        self.marks.seats(&slots)
    }

    fn seat(&self, key: Key) -> Seat {
        self.marks.seat(self.slot(key))
    }

    /// What is known of a user.
    pub(crate) fn mark(&self, seat: Seat) -> Mark {
        self.marks.mark(seat)
    }

    /// Whether these are the stored values of the user with this mark.
    pub(crate) fn agrees(&self, mark: Mark, values: &Compared<'_>) -> bool {
        mark.has(Mark::COMPARABLE) && mark.0 & Mark::HASH == self.hash.hash_one(values) & Mark::HASH
    }

    /// What the directory has said of a user.
    pub(crate) fn place(&self, key: Key) -> Place {
        self.mark(self.seat(key)).place()
    }

    /// Notes what the directory says of a user; what it has said before.
    pub(crate) fn put(&mut self, seat: Seat, place: Place) -> Place {
        let mark = self.marks.mark_mut(seat);
        let before = mark.place();
        mark.set_place(place);
        if before == Place::Unseen && mark.has(Mark::LINKED | Mark::ACTIVE) {
            self.missing -= 1;
        }
        self.told.count_mut(before).into_iter().for_each(|count| *count -= 1);
        self.told.count_mut(place).into_iter().for_each(|count| *count += 1);
        before
    }

    /// Distinct users of whom the directory told.
    pub(crate) fn listed(&self) -> u64 {
        self.told.present + self.told.excluded + self.told.removed
    }

    /// Those of them who are left out.
    pub(crate) fn excluded(&self) -> u64 {
        self.told.excluded
    }

    /// Whether the directory has told of everybody who is linked and active.
    pub(crate) fn has_been_told_of_everybody(&self) -> bool {
        self.is_whole && self.missing == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DeactivatedBy;

    fn ann() -> Profile<'static> {
        Profile {
            external_id: "ann",
            email: "ann@example.org",
            display_name: "Ann",
            given_name: Some("Ann"),
            family_name: None,
            status: UserStatus::Active,
            deactivated_by: None,
        }
    }

    fn roll<'a>(users: impl IntoIterator<Item = Profile<'a>>) -> Roll {
        let mut roll = Roll::new(1);
        for user in users {
            roll.add(&user);
        }
        roll.whole().laid_out()
    }

    fn agrees(roll: &Roll, user: &Profile<'_>) -> bool {
        Compared::stored(user).is_some_and(|values| roll.agrees(mark(roll, user.external_id), &values))
    }

    fn mark(roll: &Roll, id: &str) -> Mark {
        roll.mark(roll.seat(key(id)))
    }

    fn put(roll: &mut Roll, id: &str, place: Place) -> Place {
        roll.put(roll.seat(key(id)), place)
    }

    fn key(id: &str) -> Key {
        Key::of_stored_id(id)
    }

    #[test]
    fn the_same_values_agree_and_no_others() {
        let roll = roll([ann()]);
        assert!(agrees(&roll, &ann()));
        for other in [
            Profile { external_id: "bob", ..ann() },
            Profile { email: "Ann@example.org", ..ann() },
            Profile { display_name: "Anna", ..ann() },
            Profile { given_name: None, family_name: Some("Ann"), ..ann() },
            Profile { email: "ann@example.or", display_name: "gAnn", ..ann() },
            Profile { display_name: "An", given_name: Some("nAnn"), ..ann() },
            Profile { given_name: None, ..ann() },
            Profile { family_name: Some(""), ..ann() },
            Profile { status: UserStatus::Inactive, deactivated_by: Some(DeactivatedBy::DirectoryAbsent), ..ann() },
        ] {
            assert!(!agrees(&roll, &other), "{other:?}");
        }
    }

    #[test]
    fn who_was_suspended_by_a_person_agrees_with_nothing() {
        let suspended = |by| Profile { status: UserStatus::Inactive, deactivated_by: by, ..ann() };
        let disabled = suspended(Some(DeactivatedBy::DirectoryDisabled));
        for by in [None, Some(DeactivatedBy::Admin)] {
            let roll = roll([suspended(by)]);
            assert!(!agrees(&roll, &disabled) && !agrees(&roll, &ann()) && mark(&roll, "ann").is_linked());
        }
        assert!(agrees(&roll([disabled]), &disabled));
    }

    #[test]
    fn two_who_share_a_hash_are_looked_up_and_never_all_called() {
        // What two ids with one hash would do, as the same id does it.
        let mut roll = roll([ann(), Profile { display_name: "Another", ..ann() }]);
        assert!(!agrees(&roll, &ann()) && mark(&roll, "ann").is_linked());
        put(&mut roll, "ann", Place::Present);
        assert!(!roll.has_been_told_of_everybody());
    }

    #[test]
    fn everybody_is_called_once_each_active_user_was_told_of() {
        let bob = Profile { external_id: "bob", ..ann() };
        let gone = Profile {
            external_id: "cid",
            status: UserStatus::Inactive,
            deactivated_by: Some(DeactivatedBy::DirectoryAbsent),
            ..ann()
        };
        let mut roll = roll([ann(), bob, gone]);
        assert_eq!(put(&mut roll, "ann", Place::Present), Place::Unseen);
        assert_eq!(put(&mut roll, "ann", Place::Excluded), Place::Present);
        put(&mut roll, "new", Place::Present);
        assert!(
            !roll.has_been_told_of_everybody()
                && roll.place(key("bob")) == Place::Unseen
                && !mark(&roll, "new").is_linked()
        );
        put(&mut roll, "bob", Place::Removed);
        assert!(roll.has_been_told_of_everybody());
        assert_eq!((roll.listed(), roll.excluded()), (3, 1));
    }
}
