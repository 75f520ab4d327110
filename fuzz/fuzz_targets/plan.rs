//! The engine: any users table, any listing, any policy. The laws are those of the property tests in `directory-core`, whose
//! table in memory this uses; here the input is led by what the engine does with it.

#![no_main]

#[path = "../../crates/directory-core/tests/it/world.rs"]
#[expect(dead_code, reason = "the tests there use more of it")]
mod world;

use std::collections::{BTreeMap, BTreeSet};

use arbitrary::Arbitrary;
use directory_core::{
    AccountKind, DeactivatedBy, DirectoryEntry, DirectoryUser, EmailAttribute, ExternalId, Link, ListingEnd, LocalUser,
    MaxDeactivations, Policy, UserId, UserStatus, Verdict, check,
};
use libfuzzer_sys::fuzz_target;
use uuid::Uuid;

use crate::world::{World, elsewhere, entry_id, here, id, row};

/// A small universe, so that addresses collide, move and swap all the time.
const PEOPLE: u8 = 9;
const ADDRESSES: u8 = 7;

#[derive(Arbitrary, Debug)]
struct Input {
    locals: Vec<Local>,
    words: Vec<Word>,
    page_size: u8,
    complete: bool,
    rules: Rules,
    ignored: Option<u8>,
}

/// A row of the users table.
#[derive(Arbitrary, Debug)]
struct Local {
    address: u8,
    name: u8,
    role: Role,
    inactive: Option<Reason>,
    linked: Option<(u8, bool)>,
}

#[derive(Arbitrary, Debug)]
enum Role {
    Member,
    Admin,
    Owner,
}

#[derive(Arbitrary, Debug)]
enum Reason {
    Unknown,
    Admin,
    Absent,
    Disabled,
}

/// What the directory says, possibly again, of somebody.
#[derive(Arbitrary, Debug)]
enum Word {
    Present(u8, Person),
    Removed(u8),
    Unreadable(u8),
    Unidentified,
}

#[derive(Arbitrary, Debug)]
struct Person {
    mail: Mail,
    sign_in: Option<u8>,
    name: Option<String>,
    given: Option<u8>,
    enabled: Option<bool>,
    guest: bool,
}

#[derive(Arbitrary, Debug)]
enum Mail {
    None,
    Known(u8),
    Upper(u8),
    Any(String),
}

#[derive(Arbitrary, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "as a policy has them")]
struct Rules {
    keep_missing: bool,
    guests: bool,
    skip_disabled: bool,
    by_sign_in: bool,
    no_adoption: bool,
    one_domain: bool,
    percent: u8,
    count: u8,
}

fuzz_target!(|input: Input| {
    let policy = policy(&input.rules);
    let mut before = World { users: table(&input.locals), ..World::default() };
    before.ignored.extend(input.ignored.map(person));
    let words: Vec<DirectoryEntry> = input.words.iter().map(entry).collect();
    let pages: Vec<Vec<DirectoryEntry>> =
        words.chunks(usize::from(input.page_size % 8) + 1).map(<[_]>::to_vec).collect();
    let end = if input.complete { ListingEnd::Complete } else { ListingEnd::Incremental };

    let plan = before.plan(&pages, &policy, end);
    let at_once = before.plan(std::slice::from_ref(&words), &policy, end);
    assert_eq!(plan.lines(), at_once.lines(), "the size of pages decides nothing");

    // Nobody is called absent whom the listing does not prove absent.
    let listed: BTreeSet<_> = words.iter().filter_map(entry_id).collect();
    if !input.complete || input.words.iter().any(|word| matches!(word, Word::Unidentified)) {
        for change in plan.changes.values().filter(|change| change.deactivates) {
            assert!(listed.contains(change.external_id.as_ref().expect("an id")), "{:?}", plan.lines());
        }
    }

    let mut after = before.clone();
    // Asserts after each step that no two users share an address or a link.
    let deactivated = after.apply(&plan);
    assert_eq!(deactivated, plan.summary.counts.deactivated);
    if check(&plan.summary, policy.max_deactivations, false) == Verdict::Go {
        assert!(deactivated == 0 || deactivated < plan.summary.active, "everybody");
    }
    for (user, was) in &before.users {
        untouched_unless_ours(was, &after.users[user]);
    }
    let again = after.plan(&pages, &policy, end);
    assert_eq!(again.applicable(), 0, "a second run: {:?}", again.lines());
});

fn untouched_unless_ours(was: &LocalUser, is: &LocalUser) {
    let ours = was.link.as_ref().is_some_and(|link| link.connection == here());
    let adopted = was.link.is_none() && is.link.is_some();
    assert!(ours || adopted || row(was) == row(is), "{} became {}", row(was), row(is));
    assert!(was.link.is_none() || was.link == is.link);
    assert!(!was.suspended_by_a_person() || is.suspended_by_a_person());
}

fn policy(rules: &Rules) -> Policy {
    Policy {
        deactivate_missing: !rules.keep_missing,
        include_guests: rules.guests,
        include_disabled: !rules.skip_disabled,
        email_attribute: if rules.by_sign_in { EmailAttribute::UserPrincipalName } else { EmailAttribute::Mail },
        adopt_by_email: !rules.no_adoption,
        adopt_domains: rules.one_domain.then(|| vec!["one.test".to_owned()]),
        max_deactivations: MaxDeactivations { percent: rules.percent % 101, count: rules.count.into() },
        ..Policy::default()
    }
}

/// A table in which addresses and links are unique, as every store's indexes make it.
fn table(locals: &[Local]) -> BTreeMap<UserId, LocalUser> {
    let (mut addresses, mut links) = (BTreeSet::new(), BTreeSet::new());
    let mut users = BTreeMap::new();
    for local in locals {
        let email = address(local.address);
        if !addresses.insert(email.clone()) {
            continue;
        }
        let link = local.linked.map(|(n, ours)| (if ours { here() } else { elsewhere() }, person(n)));
        let link = link.filter(|link| links.insert(link.clone()));
        let user = UserId(Uuid::from_u128(100 + users.len() as u128));
        let row = LocalUser {
            id: user,
            version: 7,
            email,
            display_name: format!("Name {}", local.name % 3),
            given_name: None,
            family_name: None,
            role: match local.role {
                Role::Member => "member",
                Role::Admin => "admin",
                Role::Owner => "owner",
            }
            .to_owned(),
            status: if local.inactive.is_some() { UserStatus::Inactive } else { UserStatus::Active },
            deactivated_by: local.inactive.as_ref().and_then(|reason| match reason {
                Reason::Unknown => None,
                Reason::Admin => Some(DeactivatedBy::Admin),
                Reason::Absent => Some(DeactivatedBy::DirectoryAbsent),
                Reason::Disabled => Some(DeactivatedBy::DirectoryDisabled),
            }),
            link: link.map(|(connection, external_id)| Link { connection, external_id }),
        };
        users.insert(user, row);
    }
    users
}

fn entry(word: &Word) -> DirectoryEntry {
    match word {
        Word::Present(n, about) => DirectoryEntry::Present(DirectoryUser {
            external_id: person(*n),
            user_principal_name: about.sign_in.map(address),
            mail: match &about.mail {
                Mail::None => None,
                Mail::Known(n) => Some(address(*n)),
                Mail::Upper(n) => Some(address(*n).to_uppercase()),
                Mail::Any(text) => Some(text.clone()),
            },
            display_name: about.name.clone(),
            given_name: about.given.map(|n| format!("Given {}", n % 2)),
            family_name: None,
            enabled: about.enabled,
            kind: if about.guest { AccountKind::Guest } else { AccountKind::Member },
        }),
        Word::Removed(n) => DirectoryEntry::Removed(person(*n)),
        Word::Unreadable(n) => DirectoryEntry::Unreadable(Some(person(*n))),
        Word::Unidentified => DirectoryEntry::Unreadable(None),
    }
}

fn person(n: u8) -> ExternalId {
    id(&format!("p{}", n % PEOPLE))
}

fn address(n: u8) -> String {
    let n = n % ADDRESSES;
    format!("a{n}@{}.test", if n.is_multiple_of(3) { "one" } else { "two" })
}
