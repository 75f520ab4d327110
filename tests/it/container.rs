//! The image's build, as far as it can be followed without building it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use cargo_metadata::MetadataCommand;
use serde_json::Value;

use crate::{
    main_job::plain,
    support::{Kind, System, on_both_stores},
};

on_both_stores!(the_health_check_asks_the_server);

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The instructions, each with its continued lines joined, without comments.
fn instructions() -> Vec<(String, String)> {
    let text = fs::read_to_string(root().join("Dockerfile")).unwrap();
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    let joined = lines.join("\n").replace("\\\n", " ");
    joined
        .lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| line.split_once(' ').unwrap_or_else(|| panic!("{line}")))
        .map(|(instruction, rest)| (instruction.to_owned(), rest.trim().to_owned()))
        .collect()
}

/// What follows each instruction of this name.
fn all(name: &str) -> Vec<String> {
    instructions().into_iter().filter(|(instruction, _)| instruction == name).map(|(_, rest)| rest).collect()
}

#[test]
fn the_compiler_is_the_workspaces_and_the_bases_are_one_release_of_debian() {
    let metadata = MetadataCommand::new().manifest_path(root().join("Cargo.toml")).no_deps().exec().unwrap();
    let wanted = metadata.packages[0].rust_version.clone().unwrap();
    let bases = all("FROM");
    let image = format!("rust:{}.{}-bookworm", wanted.major, wanted.minor);
    assert_eq!(
        bases,
        [format!("{image} AS manifests"), format!("{image} AS build"), "debian:bookworm-slim".to_owned()]
    );
}

#[test]
fn what_is_copied_exists_and_what_is_built_is_a_program() {
    let known =
        ["FROM", "WORKDIR", "COPY", "RUN", "USER", "VOLUME", "ENV", "EXPOSE", "STOPSIGNAL", "HEALTHCHECK", "CMD"];
    assert!(instructions().iter().all(|(name, _)| known.contains(&name.as_str())));
    let builds: Vec<String> = all("RUN").into_iter().filter(|run| run.contains("cargo build")).collect();
    assert_eq!(builds.len(), 2, "the dependencies, then the programs");
    let build = builds[0].as_str();
    assert!(builds[1].ends_with(build), "the same command, or the dependencies are built twice");
    let ignored = fs::read_to_string(root().join(".dockerignore")).unwrap();
    for copy in all("COPY") {
        let words: Vec<&str> = copy.split_whitespace().collect();
        let (_, sources) = words.split_last().unwrap();
        match sources {
            ["--from=manifests", "/manifests"] => assert!(all("RUN")[0].ends_with("deploy/manifests.sh /manifests")),
            ["--from=build", programs @ ..] => {
                for program in programs {
                    let name = program.strip_prefix("/build/target/release/").unwrap();
                    assert!(build.contains(&format!("-p {name}")), "{name} is not built");
                    assert!(root().join("bins").join(name).join("src/main.rs").exists(), "{name}");
                }
            }
            sources => {
                for source in sources {
                    assert!(root().join(source).exists() && !ignored.lines().any(|line| line == *source), "{source}");
                }
            }
        }
    }
    for needed in ["Cargo.lock", "crates", "bins", "migrations", "deploy", "README.md"] {
        assert!(root().join(needed).exists() && !ignored.lines().any(|line| line == needed), "{needed}");
    }
}

#[test]
fn the_manifests_alone_are_a_workspace_of_the_same_targets() {
    let folder = tempfile::tempdir().unwrap();
    let script = Command::new("sh").arg("deploy/manifests.sh").arg(folder.path()).current_dir(root()).status().unwrap();
    assert!(script.success());
    let targets = |at: &Path| {
        let mut command = MetadataCommand::new();
        command.manifest_path(at.join("Cargo.toml")).no_deps().other_options(["--locked".to_owned()]);
        let packages = command.exec().unwrap().packages;
        let mut targets: Vec<String> = packages
            .iter()
            .flat_map(|package| package.targets.iter().map(move |target| (package, target)))
            .filter(|(_, target)| target.is_lib() || target.is_bin())
            .map(|(package, target)| format!("{} {}", package.name, target.name))
            .collect();
        targets.sort();
        targets
    };
    assert_eq!(targets(folder.path()), targets(&root()));
}

#[test]
fn it_runs_as_nobody_in_particular_and_keeps_its_data_in_a_volume() {
    let user = all("USER").pop().unwrap();
    assert!(!user.starts_with('0') && !user.contains("root"), "{user}");
    let volume = all("VOLUME").pop().unwrap();
    assert_eq!(all("WORKDIR").pop().unwrap(), volume);
    let env = all("ENV").pop().unwrap();
    assert!(env.contains(&format!("sqlite://{volume}/")) && env.contains("DIRECTORY_LISTEN=0.0.0.0:8080"), "{env}");
    assert_eq!((all("EXPOSE"), all("STOPSIGNAL")), (vec!["8080".to_owned()], vec!["SIGTERM".to_owned()]));
}

/// The very command of the image, asked of a server that is there and of one that has gone.
async fn the_health_check_asks_the_server(kind: Kind) {
    let mut system = System::start(kind, plain(1)).await;
    let check = all("HEALTHCHECK").pop().unwrap();
    let command: Vec<String> =
        serde_json::from_str::<Value>(check.split_once("CMD ").unwrap().1).and_then(serde_json::from_value).unwrap();
    let port = system.server().address.rsplit_once(':').unwrap().1.to_owned();
    let healthy = || {
        let script = command[2].replace("/8080", &format!("/{port}"));
        assert_ne!(script, command[2]);
        Command::new(&command[0]).arg(&command[1]).arg(script).output().unwrap().status.success()
    };
    assert!(healthy());
    assert!(system.take_server().terminate().success());
    assert!(!healthy());
}
