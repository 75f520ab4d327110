//! What a page asks of the store when everybody who is linked was told of beforehand.

use directory_core::{DirectoryEntry, DirectoryUser, ExternalId, ListingEnd, Policy, Reconciler, Roll};

use crate::world::{World, disabled, here, id, page, person, with_mail};

fn looked_up(world: &World, entries: &[DirectoryEntry]) -> Vec<ExternalId> {
    engine(world, world.roll()).open(entries).ids_to_look_up().to_vec()
}

fn engine(world: &World, roll: Roll) -> Reconciler {
    Reconciler::new(here(), Policy::default_for(false), "member".to_owned(), roll).ignoring(&world.ignored)
}

#[test]
fn only_those_who_are_linked_and_different_are_looked_up() {
    let world = World::default().linked("ann").linked("bob").linked("cid").linked("dan").with("eve", |_| ());
    let moved = with_mail("bob", "new@example.org");
    let nameless = DirectoryUser { display_name: None, ..person("dan") };
    let users = page([person("ann"), moved, disabled("cid"), nameless, person("eve"), person("new")]);
    assert_eq!(looked_up(&world, &users), [id("id-bob"), id("id-cid"), id("id-dan")]);
    let unreadable = [DirectoryEntry::Unreadable(Some(id("id-ann"))), DirectoryEntry::Unreadable(None)];
    assert_eq!(looked_up(&world, &unreadable), [id("id-ann")]);
}

#[test]
fn without_a_roll_everybody_is_looked_up() {
    let engine = engine(&World::default(), Roll::new(7));
    assert_eq!(engine.open(&page([person("ann")])).ids_to_look_up(), [id("id-ann")]);
}

/// Whether the store has to tell of everybody once more, to find who is absent.
fn seeks_absent(world: &World, entries: &[DirectoryEntry]) -> bool {
    let mut engine = engine(world, world.roll());
    let linked: Vec<_> = world.users.values().cloned().collect();
    let page = engine.open(entries).beside(&linked);
    engine.page(&page, &[]);
    engine.end_of_listing(ListingEnd::Complete).seeks_absent()
}

#[test]
fn nobody_is_sought_once_everybody_was_listed() {
    let world = World::default().linked("ann").linked("bob");
    assert!(!seeks_absent(&world, &page([disabled("bob"), person("new"), person("ann")])));
    assert!(seeks_absent(&world, &page([person("ann"), person("new")])));
    let ignored = World { ignored: vec![id("id-bob")], ..world };
    assert!(!seeks_absent(&ignored, &page([person("ann"), person("bob")])));
}
