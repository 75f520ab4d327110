//! One scenario in which everything happens that can, interrupted at each call in each way.

use directory_core::{Action, ChangeCode, MaxDeactivations};
use store::RunStatus;

use super::{
    disturbed::{Interruption, Meanwhile, Way, When},
    laws::{history, is_as_if_before_or_after, obeys, texts},
    product::{Edit, Of, Seed, Status},
    story::{Directory, Person},
    world::{Bench, Met},
};
use crate::support::{Kind, on_both_stores};

on_both_stores!(a_run_may_be_interrupted_at_any_call, the_product_may_write_between_plan_and_batch);

const LIMIT: MaxDeactivations = MaxDeactivations { percent: 100, count: 0 };

/// Users 1 and 2 swap addresses; 3 is not in the directory any more; 4 has another name there; 5 is new and has a local
/// user's address; 6 is new; 7 is new and has 4's address; 8 comes back; 9 moves, and 10, who is new, gets the address
/// that it leaves; 11 is not there any more either, but the last admin; 12 is suspended by a person; 13 wants the
/// address of another connection's user; 14 is disabled.
fn seeds() -> Vec<Seed> {
    let seed = |address, of, status| Seed { address, of, role: "member", status };
    let here = |n| seed(n, Of::Here(n), Status::Active);
    vec![
        here(1),
        here(2),
        here(3),
        here(4),
        seed(5, Of::Nobody, Status::Active),
        seed(8, Of::Here(8), Status::Absent),
        here(9),
        Seed { role: "admin", ..here(11) },
        seed(12, Of::Here(12), Status::Suspended),
        seed(13, Of::Elsewhere(1), Status::Active),
        here(14),
    ]
}

fn directory() -> Directory {
    let people = vec![
        Person::new(1, 2),
        Person::new(2, 1),
        Person { name: 1, ..Person::new(4, 4) },
        Person::new(5, 5),
        Person::new(6, 6),
        Person::new(7, 4),
        Person::new(8, 8),
        Person::new(10, 9),
        Person::new(9, 15),
        Person { name: 2, ..Person::new(12, 12) },
        Person::new(13, 13),
        Person { enabled: Some(false), ..Person::new(14, 14) },
    ];
    Directory { people, page: 3 }
}

fn met_all_there_is(met: &Met) {
    assert_eq!(met.run.status, RunStatus::CompletedWithErrors);
    for action in [
        Action::Create,
        Action::Link,
        Action::Update,
        Action::Deactivate,
        Action::Reactivate,
        Action::Conflict,
        Action::Protected,
    ] {
        assert!(met.changes.iter().any(|change| change.action == action), "{action:?}: {:?}", met.changes);
    }
    for code in [ChangeCode::EmailTaken, ChangeCode::DuplicateEmail, ChangeCode::LastOfProtectedRole] {
        assert!(met.changes.iter().any(|change| change.code == Some(code)), "{code:?}: {:?}", met.changes);
    }
}

async fn a_run_may_be_interrupted_at_any_call(kind: Kind) {
    let bench = Bench::new(kind).await;
    let start = bench.world(LIMIT).await;
    bench.plant(start, &seeds()).await;
    bench.show(directory().pages());
    let calm = bench.twin_of(start).await;
    let undisturbed = bench.sync(calm).await;
    met_all_there_is(&undisturbed);
    assert!(undisturbed.calls > 25, "many steps: {}", undisturbed.calls);
    let (end, done) = (texts(&bench.rows(calm).await, true), history(&undisturbed));
    for (call, way) in (1..=undisturbed.calls).flat_map(|call| ways(call).map(|way| (call, way))) {
        let world = bench.twin_of(start).await;
        let before = bench.rows(world).await;
        let meanwhile = Meanwhile::new(&bench.product, world, &[]);
        let met = bench.sync_through(world, 10, &[Interruption { call, way }], meanwhile).await;
        let after = bench.rows(world).await;
        obeys(world, &before, &met, &after);
        let what = format!("call {call} {way:?}");
        assert_eq!((met.run.status, met.run.counts), (undisturbed.run.status, undisturbed.run.counts), "{what}");
        assert_eq!(history(&met), done, "{what}");
        assert_eq!(texts(&after, true), end, "{what}");
    }
}

/// In the midst of a call at another step each time: a call takes some thirty steps, and there are many calls.
fn ways(call: u32) -> [Way; 5] {
    let steps = u8::try_from(1 + call * 7 % 36).unwrap();
    [Way::Refused, Way::ReplyLost, Way::KilledBefore, Way::KilledAmid(steps), Way::KilledAfter]
}

async fn the_product_may_write_between_plan_and_batch(kind: Kind) {
    let bench = Bench::new(kind).await;
    let start = bench.world(LIMIT).await;
    bench.plant(start, &seeds()).await;
    bench.show(directory().pages());
    for batch in 1..=2 {
        for edit in [
            Edit::Rename(4),
            // About to change places, to be deactivated for either reason, to be brought back, and suspended already.
            Edit::Suspend(1),
            Edit::Suspend(3),
            Edit::Suspend(14),
            Edit::Suspend(8),
            Edit::Resume(12),
            Edit::SetRole(2, "reader"),
            // Out of the circle of a swap; to an address that somebody is about to get.
            Edit::Move(1, 16),
            Edit::Move(8, 6),
            Edit::Move(3, 15),
            Edit::Insert(6),
            Edit::Insert(15),
            Edit::Delete(9),
            Edit::Delete(8),
        ] {
            let world = bench.twin_of(start).await;
            let before = bench.rows(world).await;
            let meanwhile = Meanwhile::new(&bench.product, world, &[(When::Batch(batch), edit)]);
            let met = bench.sync_through(world, 10, &[], meanwhile).await;
            obeys(world, &before, &met, &bench.rows(world).await);
            bench.sync(world).await;
            let users = texts(&bench.rows(world).await, false);
            is_as_if_before_or_after(&bench, start, &[edit], &users).await;
        }
    }
}
