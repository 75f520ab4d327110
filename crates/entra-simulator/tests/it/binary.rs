//! The program that people start.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use super::{Answer, client};

fn start() -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_entra-simulator"));
    command.args(["--listen", "127.0.0.1:0", "--users", "7", "--seed", "3"]);
    command.stdout(Stdio::piped()).spawn().expect("starts")
}

async fn serves_and_ends_on(signal: &str) {
    let mut program = start();
    let mut lines = BufReader::new(program.stdout.take().expect("piped")).lines();
    let first = lines.next().expect("a line").expect("readable");
    let url = first.strip_prefix("listening on ").expect("the address first").to_owned();
    let answer = client().get(format!("{url}/control")).send().await.expect("an answer");
    let tenant = &Answer::read(answer).await.body["tenants"][0];
    assert_eq!(tenant["users"], 7);
    let kill = Command::new("kill").args([signal, &program.id().to_string()]).status().expect("runs");
    assert!(kill.success());
    let printed: Vec<String> = lines.map(|line| line.expect("readable")).collect();
    assert!(program.wait().expect("ends").success());
    let printed = printed.join("\n");
    for said in [tenant["directoryId"].as_str(), tenant["engineeringGroupId"].as_str(), Some("/control/users")] {
        assert!(printed.contains(said.expect("named")), "{printed}");
    }
}

#[tokio::test]
async fn it_serves_until_it_is_terminated() {
    serves_and_ends_on("-TERM").await;
}

#[tokio::test]
async fn it_serves_until_it_is_interrupted() {
    serves_and_ends_on("-INT").await;
}
