//! The engine alone, fed with a directory of whom nobody changed.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use directory_core::{
    AccountKind, ConnectionId, DirectoryEntry, DirectoryUser, ExternalId, Link, LinkedUser, ListingEnd, LocalUser,
    Policy, Reconciler, TenantFacts, UserId, UserStatus,
};
use uuid::Uuid;

/// The size of Graph's largest page.
const PAGE: u32 = 999;
/// What a sync reads at a time when it looks for absent users.
const SWEEP: u32 = 5_000;
const CONNECTION: ConnectionId = ConnectionId(Uuid::from_u128(1));
/// Spreads numbers over all of a GUID's bits, as real ones are. Odd, so that no two numbers meet.
const SPREAD: u128 = 0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835;

/// A whole plan of unchanged users: the time that the engine took, without that of making them up.
pub fn plan(users: u32) -> Result<Duration> {
    let (reconciler, mut took) = listing(users)?;
    let began = Instant::now();
    let mut sweep = reconciler.end_of_listing(ListingEnd::Complete);
    took += began.elapsed();
    for first in (0..users).step_by(SWEEP as usize) {
        let page: Vec<LinkedUser> = (first..users.min(first + SWEEP)).filter_map(linked).collect();
        let began = Instant::now();
        let changes = sweep.linked(&page);
        took += began.elapsed();
        ensure!(changes.is_empty(), "somebody is absent");
    }
    let began = Instant::now();
    let tail = sweep.finish(&TenantFacts { active_linked: u64::from(users), ..TenantFacts::default() });
    took += began.elapsed();
    ensure!(tail.summary.counts.unchanged == u64::from(users), "somebody changed: {:?}", tail.summary);
    Ok(took)
}

/// The engine after the listing, and the time that it took.
pub fn listing(users: u32) -> Result<(Reconciler, Duration)> {
    let mut reconciler = Reconciler::new(CONNECTION, Policy::default_for(false), "member".to_owned());
    let mut took = Duration::ZERO;
    for first in (0..users).step_by(PAGE as usize) {
        let numbers = first..users.min(first + PAGE);
        let entries: Vec<DirectoryEntry> = numbers.clone().filter_map(listed).collect();
        let locals: Vec<LocalUser> = numbers.filter_map(local).collect();
        let began = Instant::now();
        let page = reconciler.open(&entries, &locals);
        let wanted = reconciler.emails_to_look_up(&page);
        let plan = reconciler.page(&page, &[]);
        took += began.elapsed();
        ensure!(wanted.is_empty() && plan.changes.is_empty(), "somebody changed");
    }
    Ok((reconciler, took))
}

fn external_id(number: u32) -> Option<ExternalId> {
    ExternalId::parse(&Uuid::from_u128(u128::from(number + 1).wrapping_mul(SPREAD)).to_string())
}

fn email(number: u32) -> String {
    format!("person.number{number}@example.com")
}

fn listed(number: u32) -> Option<DirectoryEntry> {
    Some(DirectoryEntry::Present(DirectoryUser {
        external_id: external_id(number)?,
        user_principal_name: Some(email(number)),
        mail: Some(email(number)),
        display_name: Some(format!("Person Number {number}")),
        given_name: Some("Person".to_owned()),
        family_name: Some(format!("Number {number}")),
        enabled: Some(true),
        kind: AccountKind::Member,
    }))
}

fn local(number: u32) -> Option<LocalUser> {
    Some(LocalUser {
        id: UserId(Uuid::from_u128(u128::from(number))),
        version: 1,
        email: email(number),
        display_name: format!("Person Number {number}"),
        given_name: Some("Person".to_owned()),
        family_name: Some(format!("Number {number}")),
        role: "member".to_owned(),
        status: UserStatus::Active,
        deactivated_by: None,
        link: Some(Link { connection: CONNECTION, external_id: external_id(number)? }),
    })
}

fn linked(number: u32) -> Option<LinkedUser> {
    Some(LinkedUser {
        id: UserId(Uuid::from_u128(u128::from(number))),
        version: 1,
        external_id: external_id(number)?,
        email: email(number),
        role: "member".to_owned(),
    })
}
