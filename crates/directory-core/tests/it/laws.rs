//! Laws that hold for any directory, any users table and any policy.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    ops::Deref,
};

use directory_core::{
    AccountKind, DeactivatedBy, DirectoryEntry, DirectoryUser, Link, ListingEnd, LocalUser, MaxDeactivations, Policy,
    UserId, UserStatus, Values, Verdict, check,
};
use proptest::prelude::*;
use uuid::Uuid;

use crate::world::{World, elsewhere, entry_id, here, id, row, tally};

/// A small universe, so that addresses collide, move and swap all the time.
const PEOPLE: u8 = 9;
const ADDRESSES: u8 = 7;

fn address(n: u8) -> String {
    format!("a{n}@{}.test", if n.is_multiple_of(3) { "one" } else { "two" })
}

fn directory_user(n: u8) -> impl Strategy<Value = DirectoryUser> {
    let enabled = prop_oneof![6 => Just(Some(true)), 3 => Just(Some(false)), 1 => Just(None)];
    let kind = prop_oneof![4 => Just(AccountKind::Member), 1 => Just(AccountKind::Guest)];
    let mail = prop_oneof![8 => (0..ADDRESSES).prop_map(Some), 1 => Just(None)];
    (enabled, kind, mail, 0..3u8, any::<bool>()).prop_map(move |(enabled, kind, mail, name, upper)| DirectoryUser {
        external_id: id(&format!("p{n}")),
        user_principal_name: None,
        mail: mail.map(|n| if upper { address(n).to_uppercase() } else { address(n) }),
        display_name: (name > 0).then(|| format!("Name {name}")),
        given_name: (name > 1).then(|| "Given".to_owned()),
        family_name: None,
        enabled,
        kind,
    })
}

/// A directory that a failing case shows whole, since its people are invented.
#[derive(Clone)]
struct Directory(Vec<DirectoryUser>);

impl Deref for Directory {
    type Target = [DirectoryUser];

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl fmt::Debug for Directory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |user: &DirectoryUser| {
            format!("{} {:?} {:?} {:?} {:?}", user.external_id, user.mail, user.display_name, user.enabled, user.kind)
        };
        f.debug_list().entries(self.iter().map(text)).finish()
    }
}

fn directory() -> impl Strategy<Value = Directory> {
    prop::collection::btree_set(0..PEOPLE, 0..=PEOPLE as usize)
        .prop_flat_map(|people| people.into_iter().map(directory_user).collect::<Vec<_>>())
        .prop_shuffle()
        .prop_map(Directory)
}

/// What a directory says, with second thoughts: the same user again and again, removed, unreadable.
#[derive(Clone)]
struct Words(Vec<DirectoryEntry>);

impl fmt::Debug for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |entry: &DirectoryEntry| match entry {
            DirectoryEntry::Present(user) => format!("{:?}", Directory(vec![user.clone()])),
            other => format!("{other:?}"),
        };
        f.debug_list().entries(self.0.iter().map(text)).finish()
    }
}

fn words() -> impl Strategy<Value = Words> {
    let word = (0..PEOPLE).prop_flat_map(|n| {
        let who = id(&format!("p{n}"));
        prop_oneof![
            6 => directory_user(n).prop_map(DirectoryEntry::Present),
            1 => Just(DirectoryEntry::Removed(who.clone())),
            1 => Just(DirectoryEntry::Unreadable(Some(who))),
        ]
    });
    prop::collection::vec(word, 0..3 * PEOPLE as usize).prop_map(Words)
}

fn world() -> impl Strategy<Value = World> {
    let links = prop_oneof![
        3 => (0..PEOPLE).prop_map(|n| Some((here(), n))),
        1 => (0..PEOPLE).prop_map(|n| Some((elsewhere(), n))),
        2 => Just(None),
    ];
    let status = prop_oneof![
        6 => Just((UserStatus::Active, None)),
        1 => Just((UserStatus::Inactive, None)),
        1 => Just((UserStatus::Inactive, Some(DeactivatedBy::Admin))),
        1 => Just((UserStatus::Inactive, Some(DeactivatedBy::DirectoryAbsent))),
        1 => Just((UserStatus::Inactive, Some(DeactivatedBy::DirectoryDisabled))),
    ];
    let role = prop_oneof![4 => Just("member"), 1 => Just("admin"), 1 => Just("owner")];
    prop::collection::vec((links, status, role, 0..3u8), ADDRESSES as usize).prop_flat_map(|rows| {
        prop::sample::subsequence(rows.into_iter().enumerate().collect::<Vec<_>>(), 0..=ADDRESSES as usize)
            .prop_map(|rows| build(&rows))
    })
}

type Row = (Option<(directory_core::ConnectionId, u8)>, (UserStatus, Option<DeactivatedBy>), &'static str, u8);

/// A table in which addresses and links are unique, as every store's indexes make it.
fn build(rows: &[(usize, Row)]) -> World {
    let mut world = World::default();
    let mut links = BTreeSet::new();
    for (n, (link, (status, deactivated_by), role, name)) in rows {
        let link = link.filter(|link| links.insert(*link));
        let user = LocalUser {
            id: UserId(Uuid::from_u128(100 + *n as u128)),
            version: 7,
            email: address(u8::try_from(*n).unwrap()),
            display_name: format!("Name {name}"),
            given_name: None,
            family_name: None,
            role: (*role).to_owned(),
            status: *status,
            deactivated_by: *deactivated_by,
            link: link.map(|(connection, n)| Link { connection, external_id: id(&format!("p{n}")) }),
        };
        world.users.insert(user.id, user);
    }
    world
}

fn policy() -> impl Strategy<Value = Policy> {
    let domains = prop_oneof![3 => Just(None), 1 => Just(Some(vec!["one.test".to_owned()]))];
    (any::<[bool; 4]>(), domains, 0..=100u8, 0..4u32).prop_map(
        |([missing, guests, disabled, adopt], domains, percent, count)| Policy {
            deactivate_missing: missing,
            include_guests: guests,
            include_disabled: disabled,
            adopt_by_email: adopt,
            adopt_domains: domains,
            max_deactivations: MaxDeactivations { percent, count },
            ..Policy::default_for(false)
        },
    )
}

fn pages(users: &[DirectoryUser], size: usize) -> Vec<Vec<DirectoryEntry>> {
    users.chunks(size.max(1)).map(|chunk| chunk.iter().cloned().map(DirectoryEntry::Present).collect()).collect()
}

fn active_by_role(world: &World) -> BTreeMap<String, u64> {
    let mut roles = BTreeMap::new();
    for user in world.users.values().filter(|user| user.status == UserStatus::Active) {
        *roles.entry(user.role.clone()).or_default() += 1;
    }
    roles
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn applying_and_planning_again_gives_no_changes(
        world in world(), users in directory(), policy in policy(), size in 1..5usize,
    ) {
        let mut world = world;
        let pages = pages(&users, size);
        let plan = world.plan(&pages, &policy, ListingEnd::Complete);
        // Applying asserts after every step that no two users share an address, and that each user is written once.
        let deactivated = world.apply(&plan);
        prop_assert_eq!(deactivated, plan.summary.counts.deactivated);
        let again = world.plan(&pages, &policy, ListingEnd::Complete);
        prop_assert_eq!(again.applicable(), 0, "{:?}", again.lines());
        prop_assert_eq!(again.summary.applicable, 0);
    }

    #[test]
    fn page_order_and_page_size_do_not_alter_the_result(
        world in world(), users in directory(), policy in policy(), sizes in (1..5usize, 1..9usize), seed in any::<u64>(),
    ) {
        let mut shuffled = users.0.clone();
        // A cheap permutation that proptest shrinks along with the rest.
        shuffled.sort_by_key(|user| u64::from(user.external_id.as_str().as_bytes()[1]).wrapping_mul(seed | 1).rotate_left(17));
        let one = world.plan(&pages(&users, sizes.0), &policy, ListingEnd::Complete);
        let other = world.plan(&pages(&shuffled, sizes.1), &policy, ListingEnd::Complete);
        prop_assert_eq!(one.lines(), other.lines());
        prop_assert_eq!(one.summary, other.summary);
        let (mut first, mut second) = (world.clone(), world);
        first.apply(&one);
        second.apply(&other);
        prop_assert_eq!(first.rows(), second.rows());
    }

    #[test]
    fn of_several_words_about_a_user_the_last_counts(
        world in world(), words in words(), policy in policy(), size in 1..5usize, complete in any::<bool>(),
    ) {
        let end = if complete { ListingEnd::Complete } else { ListingEnd::Incremental };
        let mut last: Vec<DirectoryEntry> = Vec::new();
        for word in &words.0 {
            last.retain(|earlier| entry_id(earlier) != entry_id(word));
            last.push(word.clone());
        }
        let all = world.plan(&words.0.chunks(size).map(<[_]>::to_vec).collect::<Vec<_>>(), &policy, end);
        let once = world.plan(&[last], &policy, end);
        prop_assert_eq!(all.lines(), once.lines());
        prop_assert_eq!(all.summary, once.summary);
        let (mut first, mut second) = (world.clone(), world);
        first.apply(&all);
        second.apply(&once);
        prop_assert_eq!(first.rows(), second.rows());
    }

    #[test]
    fn a_partial_listing_calls_nobody_absent(world in world(), users in directory(), policy in policy(), bad in any::<bool>()) {
        let mut pages = pages(&users, 3);
        let end = if bad {
            // One record that cannot be told apart proves nobody's absence.
            pages.push(vec![DirectoryEntry::Unreadable(None)]);
            ListingEnd::Complete
        } else {
            ListingEnd::Incremental
        };
        let plan = world.plan(&pages, &policy, end);
        let listed: BTreeSet<_> = users.iter().map(|user| user.external_id.clone()).collect();
        for change in plan.changes.values().filter(|change| change.deactivates) {
            prop_assert!(listed.contains(change.external_id.as_ref().unwrap()));
        }
    }

    #[test]
    fn users_outside_the_connection_are_untouched(world in world(), users in directory(), policy in policy()) {
        let before = world.clone();
        let mut world = world;
        let plan = world.plan(&pages(&users, 2), &policy, ListingEnd::Complete);
        world.apply(&plan);
        for (id, user) in &before.users {
            let now = &world.users[id];
            let ours = user.link.as_ref().is_some_and(|link| link.connection == here());
            let adopted = user.link.is_none() && now.link.is_some();
            prop_assert!(ours || adopted || row(user) == row(now));
            prop_assert!(!adopted || policy.adopt_by_email);
            // Nobody is handed over, whoever holds the address now.
            prop_assert!(user.link.is_none() || user.link == now.link);
            // Sync reverses only what sync did.
            prop_assert!(!user.suspended_by_a_person() || now.suspended_by_a_person());
        }
    }

    #[test]
    fn who_is_ignored_is_as_good_as_outside_the_connection(
        world in world(), users in directory(), policy in policy(), ignored in prop::collection::vec(0..PEOPLE, 0..4),
    ) {
        let mut world = world;
        world.ignored = ignored.iter().map(|n| id(&format!("p{n}"))).collect();
        let before = world.clone();
        let plan = world.plan(&pages(&users, 2), &policy, ListingEnd::Complete);
        for id in plan.changes.values().filter_map(|change| change.external_id.as_ref()) {
            prop_assert!(!world.ignored.contains(id), "{}", id);
        }
        world.apply(&plan);
        for (id, user) in &before.users {
            let link = user.link.as_ref().filter(|link| link.connection == here());
            if link.is_some_and(|link| before.ignored.contains(&link.external_id)) {
                prop_assert_eq!(row(user), row(&world.users[id]));
            }
        }
    }

    #[test]
    fn deactivations_never_pass_an_unapproved_safeguard(world in world(), users in directory(), policy in policy()) {
        let plan = world.plan(&pages(&users, 4), &policy, ListingEnd::Complete);
        let limit = policy.max_deactivations;
        let mut after = world.clone();
        let deactivated = after.apply(&plan);
        if check(&plan.summary, limit, false) == Verdict::Go {
            let percent_kept = deactivated * 100 <= plan.summary.active * u64::from(limit.percent);
            prop_assert!(percent_kept || deactivated <= u64::from(limit.count));
            prop_assert!(deactivated == 0 || deactivated < plan.summary.active);
        }
    }

    #[test]
    fn a_protected_role_keeps_an_active_user(world in world(), users in directory(), policy in policy()) {
        let before = active_by_role(&world);
        let mut world = world;
        let plan = world.plan(&pages(&users, 2), &policy, ListingEnd::Complete);
        world.apply(&plan);
        let after = active_by_role(&world);
        for role in &policy.protected_roles {
            prop_assert!(!before.contains_key(role) || after.contains_key(role));
        }
    }

    #[test]
    fn the_summary_says_what_the_plan_does(world in world(), users in directory(), policy in policy(), size in 1..5usize) {
        let plan = world.plan(&pages(&users, size), &policy, ListingEnd::Complete);
        let tally = tally(&plan);
        let count = |word| tally.get(word).copied().unwrap_or(0);
        let counts = plan.summary.counts;
        prop_assert_eq!(counts.created, count("create"));
        prop_assert_eq!(counts.updated, count("update"));
        prop_assert_eq!(counts.linked, count("link"));
        prop_assert_eq!(counts.reactivated, count("reactivate"));
        prop_assert_eq!(counts.deactivated, count("deactivates"));
        prop_assert_eq!(counts.protected, count("protected"));
        prop_assert_eq!(counts.conflicts, count("conflict"));
        prop_assert_eq!(counts.seen, users.len() as u64);
        let changed: BTreeSet<_> = plan.changes.values().filter_map(|change| change.external_id.clone()).collect();
        let untouched = users.iter().filter(|user| !changed.contains(&user.external_id)).count() as u64;
        // A listed user is called absent only when a filter leaves it out.
        let listed: BTreeSet<_> = users.iter().map(|user| &user.external_id).collect();
        let departed = plan.changes.values().filter(|change| {
            change.after.deactivated_by == Some(Some(DeactivatedBy::DirectoryAbsent))
                && change.external_id.as_ref().is_some_and(|id| listed.contains(id))
        });
        prop_assert_eq!(counts.unchanged + counts.excluded, untouched + departed.count() as u64);
        for change in plan.changes.values() {
            prop_assert_eq!(change.action.is_applicable(), change.code.is_none());
            prop_assert!(!change.action.is_applicable() || change.after != Values::default());
        }
    }
}
