//! The engine alone, fed with a directory of whom nobody changed.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use directory_core::{
    AccountKind, ConnectionId, DirectoryEntry, DirectoryUser, ExternalId, ListingEnd, Policy, Profile, Reconciler,
    Roll, TenantFacts, UserStatus,
};
use uuid::Uuid;

/// The size of Graph's largest page.
const PAGE: u32 = 999;
const CONNECTION: ConnectionId = ConnectionId(Uuid::from_u128(1));
/// Spreads numbers over all of a GUID's bits, as real ones are. Odd, so that no two numbers meet.
const SPREAD: u128 = 0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835;

/// A whole plan of unchanged users: the time that the engine took, without that of making them up.
pub fn plan(users: u32) -> Result<Duration> {
    let (reconciler, mut took) = listing(users)?;
    let began = Instant::now();
    let sweep = reconciler.end_of_listing(ListingEnd::Complete);
    let nobody_is_absent = !sweep.seeks_absent();
    let tail = sweep.finish(&TenantFacts::default());
    took += began.elapsed();
    ensure!(nobody_is_absent, "somebody is absent");
    ensure!(tail.summary.counts.unchanged == u64::from(users), "somebody changed: {:?}", tail.summary);
    Ok(took)
}

/// The engine after the listing, and the time that it took.
pub fn listing(users: u32) -> Result<(Reconciler, Duration)> {
    let mut took = Duration::ZERO;
    let mut roll = Roll::new(1);
    for first in (0..users).step_by(PAGE as usize) {
        let stored: Vec<DirectoryUser> = (first..users.min(first + PAGE)).filter_map(user).collect();
        let profiles: Vec<Profile<'_>> = stored.iter().map(profile).collect();
        let began = Instant::now();
        for profile in &profiles {
            roll.add(profile);
        }
        took += began.elapsed();
    }
    let mut reconciler = Reconciler::new(CONNECTION, Policy::default_for(false), "member".to_owned(), roll.whole());
    for first in (0..users).step_by(PAGE as usize) {
        let listed = (first..users.min(first + PAGE)).filter_map(user);
        let entries: Vec<DirectoryEntry> = listed.map(DirectoryEntry::Present).collect();
        let began = Instant::now();
        let page = reconciler.open(&entries);
        let changed = page.ids_to_look_up().len();
        let page = page.beside(&[]);
        let wanted = reconciler.emails_to_look_up(&page);
        let plan = reconciler.page(&page, &[]);
        took += began.elapsed();
        ensure!(changed == 0 && wanted.is_empty() && plan.changes.is_empty(), "somebody changed");
    }
    Ok((reconciler, took))
}

fn external_id(number: u32) -> Option<ExternalId> {
    ExternalId::parse(&Uuid::from_u128(u128::from(number + 1).wrapping_mul(SPREAD)).to_string())
}

fn email(number: u32) -> String {
    format!("person.number{number}@example.com")
}

fn user(number: u32) -> Option<DirectoryUser> {
    Some(DirectoryUser {
        external_id: external_id(number)?,
        user_principal_name: Some(email(number)),
        mail: Some(email(number)),
        display_name: Some(format!("Person Number {number}")),
        given_name: Some("Person".to_owned()),
        family_name: Some(format!("Number {number}")),
        enabled: Some(true),
        kind: AccountKind::Member,
    })
}

/// As a sync has stored a user.
fn profile(user: &DirectoryUser) -> Profile<'_> {
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
