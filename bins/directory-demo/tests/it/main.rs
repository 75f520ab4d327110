//! The program, interrupted.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    process::{Command, Stdio},
};

/// Stops the demo as soon as it has said something that starts with `said`; gives the rest of what it said, and whether it
/// ended well.
fn stopped_after(said: &str, signal: &str, users: &str) -> (String, bool) {
    let temporary = tempfile::tempdir().unwrap();
    let mut demo = Command::new(env!("CARGO_BIN_EXE_directory-demo"))
        .args(["--users", users])
        .env("TMPDIR", temporary.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(demo.stdout.take().unwrap());
    let mut line = String::new();
    while !line.starts_with(said) {
        line.clear();
        assert_ne!(out.read_line(&mut line).unwrap(), 0, "the demo ended before it said `{said}`");
    }
    assert_ne!(fs::read_dir(temporary.path()).unwrap().count(), 0, "the demo works in the temporary folder");
    assert!(Command::new("kill").args([signal, &demo.id().to_string()]).status().unwrap().success());
    let mut rest = String::new();
    out.read_to_string(&mut rest).unwrap();
    let status = demo.wait().unwrap();
    let left: Vec<_> = fs::read_dir(temporary.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(left.is_empty(), "left behind: {left:?}");
    assert!(status.code().is_some(), "the signal ended the process where it stood");
    (rest, status.success())
}

#[test]
fn nothing_is_left_behind_by_an_interrupted_story() {
    for signal in ["-INT", "-TERM"] {
        let (rest, well) = stopped_after("2. The first sync", signal, "20000");
        assert!(!well && !rest.contains("5. A third sync"), "{rest}");
    }
}

#[test]
fn nothing_is_left_behind_by_the_whole_story() {
    let (_, well) = stopped_after("Serving until Ctrl-C", "-INT", "20");
    assert!(well);
}
