//! Listings of what changed, and changes of users whoever they are.

use directory_core::{DeactivatedBy, DirectoryEntry, DirectoryUser, ListingEnd, LocalUser, Policy, Reconciler, Roll};

use crate::world::{Plan, World, disabled, here, id, person, suspended, with_mail};

fn changed(users: impl IntoIterator<Item = DirectoryUser>) -> Vec<DirectoryEntry> {
    users.into_iter().map(DirectoryEntry::Changed).collect()
}

fn renamed(name: &str) -> DirectoryUser {
    DirectoryUser { display_name: Some(format!("{name} anew")), ..person(name) }
}

fn plan(world: &World, pages: &[Vec<DirectoryEntry>]) -> Plan {
    world.plan(pages, &Policy::default_for(false), ListingEnd::Incremental)
}

/// Actions and addresses, in the order of the ids.
fn actions(plan: &Plan) -> Vec<String> {
    let lines = plan.lines();
    lines.iter().map(|line| line.split(':').next().expect("a line").to_owned()).collect()
}

fn gone(by: DeactivatedBy) -> impl Fn(&mut LocalUser) {
    move |user| {
        suspended(Some(by))(user);
        user.link = Some(directory_core::Link { connection: here(), external_id: id("id-ann") });
    }
}

#[test]
fn nobody_is_absent_from_what_changed() {
    let world = World::default().linked("ann").linked("bob").linked("cid");
    let plan = plan(&world, &[vec![DirectoryEntry::Removed(id("id-ann")), DirectoryEntry::Present(renamed("bob"))]]);
    assert_eq!(actions(&plan), ["id-ann deactivate ann@example.org", "id-bob update bob@example.org"]);
    assert_eq!(plan.summary.counts.seen, 2);
}

#[test]
fn a_change_of_somebody_in_scope_counts_and_one_of_a_stranger_does_not() {
    let world = World::default().linked("ann").linked("bob").with("dan", |_| {});
    let told = changed([renamed("ann"), disabled("bob"), person("cid"), person("dan")]);
    let plan = plan(&world, &[told]);
    assert_eq!(actions(&plan), ["id-ann update ann@example.org", "id-bob deactivate bob@example.org"]);
    assert_eq!(plan.summary.counts.seen, 2, "strangers are not seen, and not adopted");
}

#[test]
fn who_came_into_scope_in_the_same_listing_is_no_stranger() {
    let told = [vec![DirectoryEntry::Present(person("ann"))], changed([with_mail("ann", "ann@other.test")])];
    let plan = plan(&World::default(), &told);
    assert_eq!(actions(&plan), ["id-ann create ann@other.test"], "the last word counts");
}

#[test]
fn who_changed_and_then_left_is_gone() {
    let world = World::default().linked("ann");
    let told = [changed([renamed("ann")]), vec![DirectoryEntry::Removed(id("id-ann"))]];
    assert_eq!(actions(&plan(&world, &told)), ["id-ann deactivate ann@example.org"]);
}

#[test]
fn who_is_ignored_is_left_alone_when_they_change() {
    let world = World { ignored: vec![id("id-ann")], ..World::default().linked("ann") };
    assert!(actions(&plan(&world, &[changed([disabled("ann")])])).is_empty());
}

/// Whether the engine finds what was told enough.
fn is_unclear(world: &World, pages: &[Vec<DirectoryEntry>]) -> bool {
    let mut engine =
        Reconciler::new(here(), Policy::default_for(false), "member".to_owned(), Roll::new(7)).ignoring(&world.ignored);
    let users: Vec<LocalUser> = world.users.values().cloned().collect();
    for page in pages {
        let page = engine.open(page).beside(&users);
        engine.page(&page, &users);
    }
    engine.is_unclear()
}

#[test]
fn who_is_inactive_here_and_changed_may_be_back_or_not() {
    for by in [DeactivatedBy::DirectoryAbsent, DeactivatedBy::DirectoryDisabled, DeactivatedBy::Admin] {
        let world = World::default().with("ann", gone(by));
        assert!(is_unclear(&world, &[changed([person("ann")])]), "{by:?}");
        let back = [vec![DirectoryEntry::Present(person("ann"))], changed([person("ann")])];
        assert!(!is_unclear(&world, &back), "whoever was read is in scope");
        let ignored = World { ignored: vec![id("id-ann")], ..world };
        assert!(!is_unclear(&ignored, &[changed([person("ann")])]), "{by:?}");
    }
}

#[test]
fn a_change_after_a_removal_is_unclear() {
    let told = [vec![DirectoryEntry::Removed(id("id-ann"))], changed([person("ann")])];
    assert!(is_unclear(&World::default().linked("ann"), &told));
    assert!(!is_unclear(&World::default(), &told), "nobody here is concerned");
}

#[test]
fn other_changes_are_clear() {
    let world = World::default().linked("ann").with("dan", |_| {});
    assert!(!is_unclear(&world, &[changed([renamed("ann"), person("cid"), person("dan")])]));
}
