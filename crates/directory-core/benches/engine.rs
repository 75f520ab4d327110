//! The engine, by its public face: a listing of whom nobody changed, and of whom everybody is new.
//!
//! `cargo bench -p directory-core`

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use directory_core::{
    AccountKind, ConnectionId, DirectoryEntry, DirectoryUser, ExternalId, ListingEnd, PlanTail, Policy, Profile,
    Reconciler, Roll, TenantFacts, UserStatus,
};
use uuid::Uuid;

const USERS: u32 = 100_000;
const PAGE: usize = 999;
const CONNECTION: ConnectionId = ConnectionId(Uuid::from_u128(1));
/// Spreads numbers over all of a GUID's bits, as real ones are.
const SPREAD: u128 = 0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835;

fn listed(number: u32) -> Option<DirectoryUser> {
    let email = format!("person.number{number}@example.com");
    Some(DirectoryUser {
        external_id: ExternalId::parse(&Uuid::from_u128(u128::from(number + 1).wrapping_mul(SPREAD)).to_string())?,
        user_principal_name: Some(email.clone()),
        mail: Some(email),
        display_name: Some(format!("Person Number {number}")),
        given_name: Some("Person".to_owned()),
        family_name: Some(format!("Number {number}")),
        enabled: Some(true),
        kind: AccountKind::Member,
    })
}

/// As a sync has stored a user.
fn stored(user: &DirectoryUser) -> Profile<'_> {
    Profile {
        external_id: user.external_id.as_str(),
        email: user.mail.as_deref().unwrap_or_default(),
        display_name: user.display_name.as_deref().unwrap_or_default(),
        given_name: user.given_name.as_deref(),
        family_name: user.family_name.as_deref(),
        status: UserStatus::Active,
        deactivated_by: None,
    }
}

/// Nobody who is linked may have changed.
fn plan(entries: &[DirectoryEntry], linked: &[Profile<'_>]) -> PlanTail {
    let mut roll = Roll::new(1);
    for user in linked {
        roll.add(user);
    }
    let mut engine = Reconciler::new(CONNECTION, Policy::default_for(false), "member".to_owned(), roll.whole());
    for page in entries.chunks(PAGE) {
        let page = engine.open(page).beside(&[]);
        black_box(engine.emails_to_look_up(&page));
        black_box(engine.page(&page, &[]));
    }
    let sweep = engine.end_of_listing(ListingEnd::Complete);
    sweep.finish(&TenantFacts { active_linked: linked.len() as u64, ..TenantFacts::default() })
}

fn engine(criterion: &mut Criterion) {
    let users: Vec<DirectoryUser> = (0..USERS).filter_map(listed).collect();
    let entries: Vec<DirectoryEntry> = users.iter().cloned().map(DirectoryEntry::Present).collect();
    let linked: Vec<Profile<'_>> = users.iter().map(stored).collect();

    let mut group = criterion.benchmark_group("engine");
    group.throughput(Throughput::Elements(u64::from(USERS))).sample_size(20);
    group.bench_function("unchanged users", |bencher| {
        bencher.iter(|| plan(&entries, &linked));
    });
    group.bench_function("first import", |bencher| {
        bencher.iter(|| plan(&entries, &[]));
    });
    group.finish();
}

criterion_group!(benches, engine);
criterion_main!(benches);
