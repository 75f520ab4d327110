//! SQLite has one server for each file, and the command line beside it.

use std::process::{Output, Stdio};

use entra_simulator::Config;
use serde_json::json;

use crate::support::{Cli, Kind, System};

/// Starts another server, which has to end by itself.
fn refused(cli: &Cli) -> Output {
    let mut command = cli.command("directory-server");
    command.env("DIRECTORY_LISTEN", "127.0.0.1:0").stdin(Stdio::null()).output().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_server_on_one_file_is_refused() {
    let mut system = System::start(Kind::Sqlite, Config::with_users(20)).await;
    let connection = system.register(json!({})).await;
    let link = system.database.dir.path().join("link.db");
    std::os::unix::fs::symlink(system.database.dir.path().join("directory.db"), &link).unwrap();
    let linked = system.cli.with("DIRECTORY_DATABASE_URL", &format!("sqlite://{}", link.display()));
    for cli in [system.cli.clone(), linked, system.cli.with("DIRECTORY_WORKERS", "0")] {
        let output = refused(&cli);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), said.lines().count()), (Some(2), 1), "{said}");
        assert!(said.starts_with("error: another directory-server is running on "), "{said}");
        assert!(output.stdout.is_empty(), "it never listened");
    }

    let (code, run) = system.cli.json(&["sync", &connection], "");
    assert_eq!((code, &run["status"]), (0, &json!("succeeded")), "the command line works beside the first one");
    assert_eq!(system.sync(&connection).await["status"], "succeeded", "and so does the first one");

    system.take_server().kill();
    system.start_server();
    assert_eq!(system.sync(&connection).await["status"], "succeeded", "whoever is dead reserves nothing");
}
