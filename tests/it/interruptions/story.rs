//! Stories: a users table, and what the directory says, what the product writes and what goes wrong, stage by stage.

use directory_core::{AccountKind, DirectoryEntry, DirectoryUser, ExternalId};
use proptest::prelude::*;

use super::{
    disturbed::{Interruption, Way, When},
    product::{Edit, Of, Seed, Status, address},
};

/// A small universe, so that addresses are contested, move and swap all the time.
const PEOPLE: u8 = 14;
const ADDRESSES: u8 = 10;

/// A user of the directory. Its people are invented, so a failing case may show them whole.
#[derive(Clone, Debug)]
pub(super) struct Person {
    pub(super) n: u8,
    pub(super) mail: Option<u8>,
    pub(super) name: u8,
    pub(super) enabled: Option<bool>,
    pub(super) guest: bool,
}

impl Person {
    /// An enabled member with an address.
    pub(super) fn new(n: u8, mail: u8) -> Self {
        Self { n, mail: Some(mail), name: 0, enabled: Some(true), guest: false }
    }

    fn entry(&self) -> DirectoryEntry {
        DirectoryEntry::Present(DirectoryUser {
            external_id: ExternalId::parse(&format!("p{}", self.n)).unwrap(),
            user_principal_name: None,
            mail: self.mail.map(address),
            display_name: Some(format!("Name {}", self.name)),
            given_name: (self.name > 1).then(|| "Given".to_owned()),
            family_name: None,
            enabled: self.enabled,
            kind: if self.guest { AccountKind::Guest } else { AccountKind::Member },
        })
    }
}

/// What the directory says, in pages of so many.
#[derive(Clone, Debug)]
pub(super) struct Directory {
    pub(super) people: Vec<Person>,
    pub(super) page: usize,
}

impl Directory {
    pub(super) fn pages(&self) -> Vec<Vec<DirectoryEntry>> {
        self.people.chunks(self.page).map(|page| page.iter().map(Person::entry).collect()).collect()
    }

    /// About how many calls of the store a run makes that changes everybody.
    fn calls(&self) -> u32 {
        let people = u32::try_from(self.people.len()).unwrap();
        let page = u32::try_from(self.page).unwrap();
        14 + 3 * people.div_ceil(page) + people / 2
    }
}

/// One state of the directory, and the run that meets it.
#[derive(Clone, Debug)]
pub(super) struct Stage {
    /// Written before the run.
    pub(super) before: Vec<Edit>,
    pub(super) directory: Directory,
    /// Written while the run is under way.
    pub(super) during: Vec<(When, Edit)>,
    /// How the run's processes end, one after the other; a last one is left alone.
    pub(super) interruptions: Vec<Interruption>,
}

#[derive(Clone, Debug)]
pub(super) struct Story {
    pub(super) seeds: Vec<Seed>,
    /// How often a run may be taken up without getting any further.
    pub(super) attempts: u32,
    pub(super) stages: Vec<Stage>,
}

fn person(n: u8, mail: impl Strategy<Value = Option<u8>>) -> impl Strategy<Value = Person> {
    let enabled = prop_oneof![7 => Just(Some(true)), 2 => Just(Some(false)), 1 => Just(None)];
    let guest = prop_oneof![7 => Just(false), 1 => Just(true)];
    (mail, 0..3u8, enabled, guest).prop_map(move |(mail, name, enabled, guest)| Person {
        n,
        mail,
        name,
        enabled,
        guest,
    })
}

/// People who may want the same address.
fn contested() -> impl Strategy<Value = Vec<Person>> {
    let mail = || prop_oneof![9 => (0..ADDRESSES).prop_map(Some), 1 => Just(None)];
    prop::collection::btree_set(0..PEOPLE, 0..=usize::from(PEOPLE))
        .prop_flat_map(move |people| people.into_iter().map(|n| person(n, mail())).collect::<Vec<_>>())
}

/// People each of whom has an address that nobody else of them has, if any; the last one is always there and well.
fn peaceful() -> impl Strategy<Value = Vec<Person>> {
    let addresses = Just((0..PEOPLE).collect::<Vec<_>>()).prop_shuffle();
    let chosen = prop::sample::subsequence((0..PEOPLE).collect::<Vec<_>>(), 0..=usize::from(PEOPLE));
    (addresses, chosen).prop_flat_map(|(addresses, chosen)| {
        let people = chosen
            .into_iter()
            .zip(addresses)
            .map(|(n, address)| person(n, prop_oneof![9 => Just(Some(address)), 1 => Just(None)]));
        people.collect::<Vec<_>>().prop_map(|mut people| {
            people.push(Person::new(PEOPLE, PEOPLE));
            people
        })
    })
}

fn directory(people: impl Strategy<Value = Vec<Person>>) -> impl Strategy<Value = Directory> {
    (people.prop_shuffle(), 1..5usize).prop_map(|(people, page)| Directory { people, page })
}

fn edit(addresses: u8) -> impl Strategy<Value = Edit> {
    prop_oneof![
        1 => (0..PEOPLE).prop_map(Edit::Rename),
        4 => (0..PEOPLE).prop_map(Edit::Suspend),
        1 => (0..PEOPLE).prop_map(Edit::Resume),
        1 => (0..PEOPLE, prop_oneof![Just("member"), Just("reader")]).prop_map(|(n, role)| Edit::SetRole(n, role)),
        2 => (0..PEOPLE, 0..addresses).prop_map(|(n, to)| Edit::Move(n, to)),
        2 => (0..addresses).prop_map(Edit::Insert),
        1 => (0..PEOPLE).prop_map(Edit::Delete),
    ]
}

fn seeds(roles: &'static [&'static str], addresses: u8) -> impl Strategy<Value = Vec<Seed>> {
    let of = prop_oneof![
        2 => Just(Of::Nobody),
        4 => (0..PEOPLE).prop_map(Of::Here),
        1 => (0..PEOPLE).prop_map(Of::Elsewhere),
    ];
    let status = prop_oneof![
        6 => Just(Status::Active),
        1 => Just(Status::Suspended),
        1 => Just(Status::Disabled),
        1 => Just(Status::Absent),
    ];
    let seed = (0..addresses, of, prop::sample::select(roles), status).prop_map(|(address, of, role, status)| Seed {
        address,
        of,
        role,
        status,
    });
    prop::collection::vec(seed, 0..10)
}

fn way() -> impl Strategy<Value = Way> {
    prop_oneof![
        Just(Way::Refused),
        Just(Way::ReplyLost),
        Just(Way::KilledBefore),
        (1..30u8).prop_map(Way::KilledAmid),
        Just(Way::KilledAfter),
    ]
}

/// Interruptions that are drawn over the whole course of a run on this directory.
fn interruptions(calls: u32, number: usize) -> impl Strategy<Value = Vec<Interruption>> {
    prop::collection::vec((1..=calls, way()).prop_map(|(call, way)| Interruption { call, way }), 0..=number)
}

/// Anything goes, but the product rests while a run is under way.
pub(super) fn of_interruptions() -> impl Strategy<Value = Story> {
    let stage = (prop::collection::vec(edit(ADDRESSES), 0..4), directory(contested()))
        .prop_flat_map(|(before, directory)| (Just(before), interruptions(directory.calls(), 4), Just(directory)))
        .prop_map(|(before, interruptions, directory)| Stage { before, directory, during: Vec::new(), interruptions });
    (
        seeds(&["member", "member", "admin", "owner"], ADDRESSES),
        prop_oneof![3 => Just(10), 1 => Just(2)],
        prop::collection::vec(stage, 1..4),
    )
        .prop_map(|(seeds, attempts, stages)| Story { seeds, attempts, stages })
}

/// The product writes while runs are under way. What a decision of one user does to others is kept to what one address
/// does: nobody has a protected role, and no two people of the directory want one address.
pub(super) fn of_interference() -> impl Strategy<Value = Story> {
    let stage = directory(peaceful())
        .prop_flat_map(|directory| {
            let calls = directory.calls();
            let when = prop_oneof![(1..=calls).prop_map(When::Call), (1..4u32).prop_map(When::Batch)];
            let edits = prop::collection::vec((when, edit(PEOPLE)), 1..3);
            (edits, interruptions(calls, 3), Just(directory))
        })
        .prop_map(|(during, interruptions, directory)| Stage { before: Vec::new(), directory, during, interruptions });
    (seeds(&["member", "reader"], PEOPLE), prop::collection::vec(stage, 1..3)).prop_map(|(mut seeds, stages)| {
        // Whoever is always there: a plan that leaves nobody active would be held.
        seeds.push(Seed { address: PEOPLE, of: Of::Here(PEOPLE), role: "member", status: Status::Active });
        Story { seeds, attempts: 10, stages }
    })
}
