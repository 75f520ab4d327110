use std::{fs, os::unix::fs::PermissionsExt, process::Stdio};

use crate::world::World;

#[test]
fn the_first_command_makes_database_and_key_for_their_owner_only() {
    let world = World::new();
    world.run(&["tenant", "create", "acme"]).done();
    for name in ["data/directory.db", "data/encryption.keys"] {
        let mode = fs::metadata(world.path(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    assert_eq!(fs::metadata(world.path("data")).unwrap().permissions().mode() & 0o777, 0o700);
}

#[test]
fn migrating_says_so_and_may_be_repeated() {
    let world = World::new();
    for _ in 0..2 {
        let said = world.run(&["migrate"]).done();
        assert_eq!(said.stdout, "");
        assert!(said.stderr.contains("up to date"), "{said:?}");
    }
}

#[test]
fn processes_that_start_at_once_share_one_key_and_one_database() {
    let world = World::new();
    let children: Vec<_> =
        (0..6).map(|at| world.command(&["tenant", "create", &format!("t{at}")]).spawn().unwrap()).collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    assert_eq!(world.run(&["tenant", "list"]).json()["items"].as_array().unwrap().len(), 6);
    assert_eq!(fs::read_to_string(world.path("data/encryption.keys")).unwrap().lines().count(), 1);
}

#[test]
fn what_needs_no_database_makes_none() {
    let world = World::new();
    let page = world.run(&["man"]).done();
    assert!(page.stdout.contains("directoryctl"));
    for shell in ["bash", "zsh", "fish"] {
        assert!(world.run(&["completions", shell]).done().stdout.contains("directoryctl"), "{shell}");
    }
    world.run(&["--version"]).done();
    world.run(&["--help"]).done();
    let key = world.run(&["key", "generate", "--kid", "k7"]).done();
    assert!(key.stdout.starts_with("k7:") && key.stdout.lines().count() == 1, "{key:?}");
    assert_eq!(fs::read_dir(world.folder()).unwrap().count(), 0);

    world.run(&["man", "--directory", "pages"]).done();
    assert!(world.path("pages/directoryctl-tenant-create.1").exists());
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let world = World::new();
    let mut child = world.command(&["completions", "bash"]).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_closed_standard_error_is_no_panic() {
    let world = World::new();
    let status = world.command(&["tenant", "list", "--nonsense"]).stderr(Stdio::null()).status().unwrap();
    assert_eq!(status.code(), Some(2));
}
