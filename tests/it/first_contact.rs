//! What a newcomer runs first works as it stands.

use std::{env, process::Command};

/// Runs a program that was built beside this test; what it printed.
fn output_of(path: &str, arguments: &[&str]) -> String {
    let folder = env::current_exe().unwrap().parent().unwrap().parent().unwrap().to_owned();
    let output = Command::new(folder.join(path)).args(arguments).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{path}: {text}\n{}", String::from_utf8_lossy(&output.stderr));
    text
}

#[test]
fn the_demo_tells_its_story() {
    let story = output_of("directory-demo", &["--once", "--users", "120"]);
    let counts: Vec<&str> = story.lines().filter(|line| line.contains(" seen, ")).collect();
    assert_eq!(counts.len(), 3, "{story}");
    assert!(counts[0].contains("117 created, 3 excluded"), "{story}");
    assert!(counts[1].contains("3 updated, 2 deactivated"), "{story}");
    assert!(counts[2].contains("nothing has changed"), "{story}");
    assert!(story.contains("curl -X POST -H"), "{story}");
}

#[test]
fn the_examples_run() {
    let told = output_of("examples/embedding", &[]);
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!((lines[0], lines.len()), ("succeeded: 100 seen, 98 created", 1 + 98 + 2), "{told}");
    assert!(lines[1..99].iter().all(|line| line.ends_with(" user.created")), "{told}");
    assert!(lines[99].ends_with(" run.finished"), "{told}");
    assert_eq!(output_of("examples/custom_provider", &[]), "completed_with_errors: 2 created, 1 conflicts\n");
}
