//! Staging a plan page by page, and correcting it at the end.

use directory_core::{Action, Amendment, Change, ChangeCode, DeactivatedBy, UserStatus, Values};
use futures_util::future::join_all;

use super::{
    Harness,
    world::{ALL, World, changes_user, conflicts, creates, deactivates, external, id, moves, renames},
};
use crate::{ChangeFilter, ChangeRecord, NewChange, Outcome, SeqPage, StagedPage};

fn staged(new: &NewChange) -> ChangeRecord {
    let change = new.change.clone();
    ChangeRecord {
        seq: change.seq,
        action: change.action,
        outcome: Outcome::Planned,
        user: change.target.map(|target| target.user).or(new.new_user),
        user_version: change.target.map(|target| target.version),
        external_id: change.external_id,
        email: change.email,
        before: change.before,
        after: change.after,
        code: change.code,
        rival: change.rival,
    }
}

fn refuse(seq: u32, action: Action, code: ChangeCode) -> Amendment {
    Amendment::Refuse { seq, action, code, rival: None }
}

fn split(seq: u32, conflict_seq: u32, code: ChangeCode) -> Amendment {
    Amendment::SplitEmail { seq, conflict_seq, code, rival: None }
}

/// How many staged changes end somebody's access.
async fn deactivations(world: &World) -> i64 {
    world.number("SELECT count(*) FROM sync_changes WHERE deactivates").await
}

/// Every field of a change comes back, and "empty" is told from "not part of the change".
pub async fn staged_changes_read_back(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let user = world.linked_user("a@acme.example", "ext-1").await;
    let odd = "\u{202e}\u{1f468}\u{200d}\u{1f469} e\u{301} \\u0041 \\ \" ' % \t \u{10ffff}";
    let after = Values {
        display_name: Some(odd.to_owned()),
        given_name: Some(None),
        family_name: Some(Some(String::new())),
        status: Some(UserStatus::Inactive),
        deactivated_by: Some(Some(DeactivatedBy::DirectoryDisabled)),
        ..Values::default()
    };
    let nobody = NewChange {
        change: Change {
            seq: 4,
            action: Action::Conflict,
            target: None,
            external_id: None,
            email: None,
            before: Values::default(),
            after: Values::default(),
            code: Some(ChangeCode::UnreadableRecord),
            rival: None,
            deactivates: false,
        },
        new_user: None,
    };
    let changes = vec![
        creates(1, "ext-\u{e9}'\"\\", "zoë@acme.example"),
        changes_user(2, Action::Deactivate, &user, after),
        conflicts(3, "ext-conflict", ChangeCode::EmailTaken),
        nobody,
    ];
    let expected: Vec<ChangeRecord> = changes.iter().map(staged).collect();
    let lease = world.start().await.lease;
    world.stage(&lease, changes).await;
    let read = world.changes(lease.run).await;
    assert!(read == expected, "{read:?}");
}

/// A page of a thousand changes is one call, and positions need not be without gaps.
pub async fn a_page_of_a_thousand_is_staged(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let lease = world.start().await.lease;
    for page in 0..2 {
        let changes = (1..=1_000)
            .map(|n| 3 * (page * 1_000 + n))
            .map(|n| creates(n, &format!("ext-{n}"), &format!("user{n}@acme.example")))
            .collect();
        world.stage(&lease, changes).await;
    }
    let read = world.store.changes(world.tenant, lease.run, ChangeFilter::default(), ALL).await.unwrap();
    assert_eq!(read.len(), 2_000);
    assert!(read.iter().zip(1..).all(|(change, n)| change.seq == 3 * n));
    assert_eq!(read[1_999].email.as_deref(), Some("user6000@acme.example"));
}

/// What no longer holds is taken back before the new is added, so that its position can be used again.
pub async fn retractions_come_first(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let lease = world.start().await.lease;
    let first = (1..=4).map(|n| creates(n, &format!("ext-{n}"), &format!("user{n}@acme.example"))).collect();
    world.stage(&lease, first).await;
    let again = creates(2, "ext-2b", "again@acme.example");
    let page = StagedPage { retracted: vec![2, 4, 77], changes: vec![again] };
    world.store.stage(&lease, &page).await.unwrap();
    let left: Vec<(u32, Option<String>)> =
        world.changes(lease.run).await.into_iter().map(|change| (change.seq, change.email)).collect();
    let expected = [(1, "user1@acme.example"), (2, "again@acme.example"), (3, "user3@acme.example")];
    assert_eq!(left, expected.map(|(seq, email)| (seq, Some(email.to_owned()))));
}

/// Pages are staged at the same time, whichever comes first.
pub async fn pages_are_staged_side_by_side(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let lease = world.start().await.lease;
    let pages = (0..4).map(|page| {
        let changes = (1..=100).map(|n| 100 * page + n);
        let changes = changes.map(|n| creates(n, &format!("ext-{n}"), &format!("user{n}@acme.example"))).collect();
        StagedPage { retracted: Vec::new(), changes }
    });
    let staging = pages.map(async |page| world.store.stage(&lease, &page).await);
    for staged in join_all(staging).await {
        staged.unwrap();
    }
    assert!(world.changes(lease.run).await.iter().map(|change| change.seq).eq(1..=400));
}

/// A page that cannot be staged as a whole is not staged at all.
pub async fn a_page_is_staged_as_a_whole(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let lease = world.start().await.lease;
    world.stage(&lease, vec![creates(1, "ext-1", "a@acme.example")]).await;
    let clash = StagedPage {
        retracted: vec![],
        changes: vec![creates(2, "ext-2", "b@acme.example"), creates(1, "ext-1", "a@acme.example")],
    };
    assert!(world.store.stage(&lease, &clash).await.is_err());
    assert_eq!(world.outcomes(lease.run).await, [(1, Outcome::Planned)]);
}

/// A plan that was cleared leaves nothing, and can be staged anew.
pub async fn a_cleared_plan_is_gone(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let lease = world.start().await.lease;
    let progress = crate::Progress { phase: crate::RunPhase::Planning, seen: 42 };
    world.store.renew(&lease, super::world::LEASE, progress).await.unwrap();
    world.stage(&lease, vec![creates(1, "ext-1", "a@acme.example")]).await;
    world.store.clear_plan(&lease).await.unwrap();
    assert!(world.changes(lease.run).await.is_empty());
    let run = world.run(lease.run).await;
    assert_eq!((run.counts.seen, run.planned_changes, run.plan_digest), (0, None, None));
    world.stage(&lease, vec![creates(1, "ext-1", "a@acme.example")]).await;
    assert_eq!(world.changes(lease.run).await.len(), 1);
}

/// A plan of which something was applied is history, and cannot be cleared.
pub async fn an_applied_plan_is_not_cleared(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let lease = world.planned(vec![creates(1, "ext-1", "a@acme.example")]).await;
    world.apply_all(&lease, 10).await;
    assert!(world.store.clear_plan(&lease).await.is_err());
    assert_eq!(world.outcomes(lease.run).await, [(1, Outcome::Applied)]);
    assert_eq!(world.run(lease.run).await.counts.created, 1);
}

/// Refused: the action and the reason change, what was wanted stays to be seen, and nothing of it is applied.
pub async fn a_change_is_refused(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let owner = world.linked_user("owner@acme.example", "ext-1").await;
    let other = world.linked_user("other@acme.example", "ext-2").await;
    let lease = world.start().await.lease;
    let refused = deactivates(1, &owner, DeactivatedBy::DirectoryAbsent);
    world
        .stage(&lease, vec![refused.clone(), creates(2, "ext-3", "new@acme.example"), renames(3, &other, "Renamed")])
        .await;
    let amendments = [
        refuse(1, Action::Protected, ChangeCode::LastOfProtectedRole),
        refuse(2, Action::Conflict, ChangeCode::DuplicateEmail),
    ];
    world.store.amend(&lease, &amendments).await.unwrap();

    let read = world.changes(lease.run).await;
    let expected =
        ChangeRecord { action: Action::Protected, code: Some(ChangeCode::LastOfProtectedRole), ..staged(&refused) };
    assert!(read[0] == expected, "{read:?}");
    assert_eq!(deactivations(&world).await, 0);
    assert_eq!((read[1].action, read[1].code), (Action::Conflict, Some(ChangeCode::DuplicateEmail)));
    assert_eq!((read[2].action, read[2].code), (Action::Update, None), "no other change is touched");

    world.clear_for_applying(&lease, 1).await;
    world.apply_all(&lease, 10).await;
    let run = world.run(lease.run).await;
    assert_eq!((run.counts.created, run.counts.deactivated, run.counts.updated), (0, 0, 1));
    assert_eq!(world.user(owner.id).await.user, owner);
    assert_eq!(world.user_count().await, 2);
    let outcomes = [(1, Outcome::Planned), (2, Outcome::Planned), (3, Outcome::Applied)];
    assert_eq!(world.outcomes(lease.run).await, outcomes);
}

/// Split: the address becomes a conflict of its own, and the rest of the change is applied.
pub async fn an_address_is_split_off(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let user = world.linked_user("old@acme.example", "ext-1").await;
    let after = Values {
        email: Some("new@acme.example".to_owned()),
        display_name: Some("New".to_owned()),
        given_name: Some(None),
        ..Values::default()
    };
    let change = changes_user(1, Action::Update, &user, after.clone());
    let lease = world.start().await.lease;
    world.stage(&lease, vec![change.clone()]).await;
    let split = split(1, 2, ChangeCode::DuplicateEmail);
    world.store.amend(&lease, &[split]).await.unwrap();

    let original = staged(&change);
    let before = original.before.clone();
    let expected = [
        ChangeRecord {
            // Known by the address that it keeps.
            email: before.email.clone(),
            before: Values { email: None, ..before.clone() },
            after: Values { email: None, ..after.clone() },
            ..original.clone()
        },
        ChangeRecord {
            seq: 2,
            action: Action::Conflict,
            before: Values { email: before.email, ..Values::default() },
            after: Values { email: after.email, ..Values::default() },
            code: Some(ChangeCode::DuplicateEmail),
            ..original
        },
    ];
    let read = world.changes(lease.run).await;
    assert!(read == expected, "{read:?}");

    world.clear_for_applying(&lease, 1).await;
    world.apply_all(&lease, 10).await;
    let user = world.user(user.id).await.user;
    assert_eq!((user.email.as_str(), user.display_name.as_str()), ("old@acme.example", "New"));
    assert_eq!(world.outcomes(lease.run).await, [(1, Outcome::Applied), (2, Outcome::Planned)]);
}

/// A split deactivation is one deactivation, not two.
pub async fn a_split_change_counts_once(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let user = world.linked_user("old@acme.example", "ext-1").await;
    let mut change = deactivates(1, &user, DeactivatedBy::DirectoryDisabled);
    change.change.before.email = Some(user.email.clone());
    change.change.after.email = Some("new@acme.example".to_owned());
    let lease = world.start().await.lease;
    world.stage(&lease, vec![change]).await;
    let split = split(1, 2, ChangeCode::EmailTaken);
    world.store.amend(&lease, &[split]).await.unwrap();
    world.clear_for_applying(&lease, 1).await;
    world.apply_all(&lease, 10).await;
    assert_eq!(deactivations(&world).await, 1);
    assert_eq!(world.run(lease.run).await.counts.deactivated, 1);
    assert_eq!(world.user(user.id).await.user.status, UserStatus::Inactive);
}

/// Many amendments of each kind are one step, whichever page their changes came with.
pub async fn a_plan_is_amended_in_one_step(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let user = world.linked_user("absent@acme.example", "absent").await;
    let mover = world.linked_user("mover@acme.example", "mover").await;
    let lease = world.start().await.lease;
    let staged = (1..=300).map(|n| creates(n, &format!("ext-{n}"), &format!("user{n}@acme.example"))).collect();
    world.stage(&lease, staged).await;
    let last = vec![deactivates(301, &user, DeactivatedBy::DirectoryAbsent), moves(302, &mover, "moved@acme.example")];
    world.stage(&lease, last).await;
    let refused = |seq| refuse(seq, Action::Conflict, ChangeCode::DuplicateEmail);
    let split = |seq| split(seq, 1_000 + seq, ChangeCode::EmailTaken);
    let mut amendments: Vec<Amendment> = (1..=100).map(refused).collect();
    amendments.extend((101..=200).map(split));
    amendments.extend((201..=300).map(|seq| Amendment::Entangle { seq }));
    // A change can be entangled with several others.
    amendments.push(Amendment::Entangle { seq: 300 });
    amendments.push(refuse(301, Action::Protected, ChangeCode::LastOfProtectedRole));
    amendments.push(split(302));
    world.store.amend(&lease, &amendments).await.unwrap();

    let read = world.changes(lease.run).await;
    assert_eq!(read.len(), 302 + 101);
    let conflicts = read.iter().filter(|change| change.action == Action::Conflict).count();
    assert_eq!(conflicts, 100 + 101);
    assert_eq!(read[300].action, Action::Protected);
    assert_eq!(read[301].after.email, None);
    assert_eq!(read[402].after.email.as_deref(), Some("moved@acme.example"));
    assert!(read[100..200].iter().all(|change| change.after.email.is_none()));
    assert!(read[200..300].iter().all(|change| change.after.email.is_some() && change.action == Action::Create));
}

/// A run's staged plan is its own: another run, and another tenant's, have theirs.
pub async fn plans_do_not_mix(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let first = world.start().await.lease;
    world.stage(&first, vec![creates(1, "ext-1", "first@acme.example")]).await;
    world.clear_for_applying(&first, 1).await;
    world.finish(&first, crate::RunStatus::Cancelled).await;
    let second = world.start().await.lease;
    world.stage(&second, vec![creates(1, "ext-1", "second@acme.example")]).await;
    let refuse = refuse(1, Action::Conflict, ChangeCode::NoEmail);
    world.store.amend(&second, &[refuse]).await.unwrap();
    world.store.clear_plan(&second).await.unwrap();

    let kept = world.changes(first.run).await;
    assert_eq!((kept.len(), kept[0].action), (1, Action::Create));
    assert_eq!(kept[0].external_id, Some(external("ext-1")));
    let nobody = world.store.changes(id().into(), first.run, ChangeFilter::default(), SeqPage { after: 0, limit: 9 });
    assert_eq!(nobody.await.unwrap(), []);
}
