//! The client secret is in no answer.

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use serde_json::json;

use crate::api::{Api, SECRET, person, registration, text};

fn disguises() -> Vec<String> {
    let hex = SECRET.bytes().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
    vec![
        SECRET.to_owned(),
        STANDARD.encode(SECRET),
        STANDARD_NO_PAD.encode(SECRET),
        URL_SAFE_NO_PAD.encode(SECRET),
        hex.to_uppercase(),
        hex,
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_answer_and_no_file_shows_the_secret() {
    let api = Api::start().await;
    let acme = api.account("acme").await;
    let worker = api.start_worker();
    let mut answers = Vec::new();

    // Refused in every way that looks at the body.
    let mut wrong = registration();
    wrong["cloud"] = json!(SECRET);
    answers.push(api.post(&acme.admin, "/entra", &wrong).await);
    wrong["policy"] = json!(SECRET);
    answers.push(api.post(&acme.admin, "/entra", &wrong).await);
    wrong["policy"] = json!({"emailAttribute": SECRET});
    answers.push(api.post(&acme.admin, "/entra", &wrong).await);

    let registered = api.post(&acme.admin, "/entra", &registration()).await;
    let connection = text(&registered.json()["id"]);
    answers.push(registered);
    api.directory_lists(vec![person("e1", "ada")]);
    let run = text(&api.sync(&acme.admin, &connection, &json!({})).await["id"]);
    for path in [
        "/connections".to_owned(),
        format!("/connections/{connection}"),
        format!("/connections/{connection}/runs"),
        format!("/runs/{run}"),
        format!("/runs/{run}/changes"),
        "/users".to_owned(),
    ] {
        answers.push(api.get(&acme.admin, &path).await);
    }
    for answer in &answers {
        for disguise in disguises() {
            assert!(!answer.text.contains(&disguise), "{}", answer.text);
        }
    }

    api.stop.cancel();
    worker.await.unwrap();
    let mut files = 0;
    for entry in std::fs::read_dir(api.folder.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        for disguise in disguises() {
            assert!(!bytes.windows(disguise.len()).any(|window| window == disguise.as_bytes()));
        }
        files += 1;
    }
    assert!(files > 0);
}
