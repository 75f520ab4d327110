//! A mark for each of many hashes.
//!
//! Of a million users the table is larger than the processor's caches, so that a map which has each of them somewhere else
//! waits for memory most of the time. Here an entry lies the further back the greater its hash is: entries that come roughly
//! in that order fill a table, or the next larger one, from one end to the other. And of a page everybody is looked up at a
//! time.

use std::mem;

use super::roll::Mark;

/// A hash, and where it was when it was last looked for.
#[derive(Clone, Copy)]
pub(crate) struct Seat {
    hash: u64,
    place: usize,
}

/// Open addressing, in the order of the hashes as far as nobody is in the way.
pub(crate) struct Table {
    /// A blank mark leaves its place free. There are always some.
    entries: Vec<Entry>,
    taken: usize,
}

#[derive(Clone, Copy, Default)]
struct Entry {
    hash: u64,
    mark: Mark,
}

impl Table {
    /// With room for so many until it grows.
    fn with_room_for(users: usize) -> Self {
        Self { entries: vec![Entry::default(); users + users / 2 + 2], taken: 0 }
    }

    /// Where a hash belongs: as far into the table as it is into all hashes.
    fn home(&self, hash: u64) -> usize {
        let (_, place) = hash.carrying_mul(self.entries.len() as u64, 0);
        // Less than the length, so it fits.
        usize::try_from(place).unwrap_or_default()
    }

    /// Where a hash is, or is to be put.
    fn find(&self, hash: u64) -> usize {
        let mut place = self.home(hash);
        while let Entry { hash: there, mark } = self.entries[place]
            && there != hash
            && !mark.is_blank()
        {
            place = if place + 1 == self.entries.len() { 0 } else { place + 1 };
        }
        place
    }

    /// Where each of many hashes is, or would be put, in their order.
    pub(crate) fn seats(&self, hashes: &[u64]) -> Vec<Seat> {
        // By itself, so that the memory is asked for all of them before anybody's answer is needed.
        let there: Vec<(usize, u64)> =
            hashes.iter().map(|hash| self.home(*hash)).map(|home| (home, self.entries[home].hash)).collect();
        let seat = |(&hash, (home, there)): (&u64, (usize, u64))| Seat {
            hash,
            place: if hash == there { home } else { self.find(hash) },
        };
        hashes.iter().zip(there).map(seat).collect()
    }

    /// Where a hash is, or would be put.
    pub(crate) fn seat(&self, hash: u64) -> Seat {
        Seat { hash, place: self.find(hash) }
    }

    /// A hash's place now: others may have come meanwhile.
    fn place_of(&self, Seat { hash, place }: Seat) -> usize {
        let there = self.entries[place];
        if there.hash == hash && !there.mark.is_blank() { place } else { self.find(hash) }
    }

    /// The mark of a seat, blank unless it was given one.
    pub(crate) fn mark(&self, seat: Seat) -> Mark {
        self.entries[self.place_of(seat)].mark
    }

    /// The same, which is not to be left blank.
    pub(crate) fn mark_mut(&mut self, seat: Seat) -> &mut Mark {
        let mut place = self.place_of(seat);
        if self.entries[place].mark.is_blank() {
            if self.taken + self.taken / 3 + 1 >= self.entries.len() {
                self.grow();
                place = self.find(seat.hash);
            }
            self.taken += 1;
            self.entries[place].hash = seat.hash;
        }
        &mut self.entries[place].mark
    }

    fn grow(&mut self) {
        let larger = Self::with_room_for(self.taken + self.taken / 2);
        for Entry { hash, mark } in mem::replace(self, larger).entries {
            if !mark.is_blank() {
                *self.mark_mut(self.seat(hash)) = mark;
            }
        }
    }
}

impl Default for Table {
    fn default() -> Self {
        Self::with_room_for(0)
    }
}

/// Marks that are to be laid out in a table, in 256 lots of neighbours: the table's part for one of them is small enough
/// for the caches.
pub(crate) struct Lots(Vec<Vec<Entry>>);

impl Default for Lots {
    fn default() -> Self {
        Self(vec![Vec::new(); 256])
    }
}

impl Lots {
    pub(crate) fn push(&mut self, hash: u64, mark: Mark) {
        let [lot, ..] = hash.to_be_bytes();
        self.0[usize::from(lot)].push(Entry { hash, mark });
    }

    /// A table of them. Of marks with one hash the first is kept, and told of the others.
    pub(crate) fn lay_out(self, share: impl Fn(&mut Mark)) -> Table {
        let mut table = Table::with_room_for(self.0.iter().map(Vec::len).sum());
        for Entry { hash, mark } in self.0.into_iter().flatten() {
            match table.mark_mut(table.seat(hash)) {
                free if free.is_blank() => *free = mark,
                shared => share(shared),
            }
        }
        table
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::{collection::vec, prelude::*};

    use super::*;

    /// Few enough to be met again, some of them neighbours, and the first and the last of all.
    fn hashes() -> impl Strategy<Value = u64> {
        prop_oneof![0..40_u64, u64::MAX - 40..=u64::MAX, (0..1_000_u64).prop_map(|n| n << 54), any::<u64>()]
    }

    fn marks() -> impl Strategy<Value = Mark> {
        (1..=u64::MAX).prop_map(Mark::of_bits)
    }

    proptest! {
        #[test]
        fn a_table_is_a_map(
            laid_out in vec((hashes(), marks()), 0..300),
            put in vec((hashes(), marks()), 0..300),
            asked in vec(hashes(), 0..50),
        ) {
            let mut lots = Lots::default();
            let mut map = HashMap::new();
            for &(hash, mark) in &laid_out {
                lots.push(hash, mark);
                map.entry(hash).and_modify(|shared| *shared = Mark::of_bits(1)).or_insert(mark);
            }
            let mut table = lots.lay_out(|shared| *shared = Mark::of_bits(1));
            let all: Vec<u64> = put.iter().map(|(hash, _)| *hash).chain(asked).chain(map.keys().copied()).collect();
            // Found before the table grows, and used afterwards.
            let seats = table.seats(&all);
            for (&seat, &(hash, mark)) in seats.iter().zip(&put) {
                prop_assert_eq!(*table.mark_mut(seat), map.get(&hash).copied().unwrap_or_default());
                *table.mark_mut(seat) = mark;
                map.insert(hash, mark);
            }
            for (seat, hash) in seats.into_iter().zip(all) {
                let expected = map.get(&hash).copied().unwrap_or_default();
                prop_assert_eq!(table.mark(seat), expected);
                prop_assert_eq!(table.mark(table.seat(hash)), expected);
            }
        }
    }
}
