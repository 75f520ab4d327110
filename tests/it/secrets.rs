//! The client secret is in no response, no log line and no byte of the database.

use base64::{Engine, prelude::BASE64_STANDARD};
use entra_simulator::CLIENT_SECRET;
use reqwest::Method;
use serde_json::json;

use crate::{
    main_job::plain,
    support::{Kind, System, on_both_stores, registration},
};

on_both_stores!(the_secret_is_nowhere);

/// The secret in plain text, in hex of either case, and in base64 at each of the three alignments.
fn disguises(secret: &str) -> Vec<String> {
    let hex = secret.bytes().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
    let mut all = vec![secret.to_owned(), hex.to_uppercase(), hex];
    for offset in 0..3 {
        // Leave out the characters that depend on what stands before and after.
        let shifted = [vec![b' '; offset], secret.as_bytes().to_vec()].concat();
        let text = BASE64_STANDARD.encode(shifted);
        let text = text[4 * usize::from(offset > 0)..text.len() - 4].to_owned();
        all.extend([text.replace('+', "-").replace('/', "_"), text]);
    }
    all
}

fn finds(haystack: &[u8], secret: &str) -> bool {
    disguises(secret).iter().any(|needle| haystack.windows(needle.len()).any(|window| window == needle.as_bytes()))
}

#[test]
fn the_search_finds_every_disguise() {
    let secret = "~secret/of+some=length";
    for prefix in ["", "a", "ab", "abc"] {
        let text = format!("{prefix}{secret} and more");
        assert!(finds(text.as_bytes(), secret));
        assert!(finds(BASE64_STANDARD.encode(&text).as_bytes(), secret), "{prefix}");
    }
    assert!(!finds(b"nothing here", secret));
}

async fn the_secret_is_nowhere(kind: Kind) {
    let system = System::start(kind, plain(5)).await;
    let mut said = String::new();
    let wrong = "a-wrong-secret-that-nobody-shall-see-9Q~";

    // Registered, synchronised, refused by the directory, and sent in bodies that are refused.
    let (_, answer) = system.call(Method::POST, "/api/directory/entra", Some(&registration(json!({})))).await;
    said += &answer.to_string();
    let good = answer["id"].as_str().unwrap();
    said += &system.sync(good).await.to_string();
    let bad = system.register(json!({"clientSecret": wrong})).await;
    let failed = system.sync(&bad).await;
    assert_eq!(failed["error"]["code"], "credential_invalid", "{failed}");
    said += &failed.to_string();
    for odd in [
        json!({"clientSecret": [CLIENT_SECRET]}),
        json!({"clientSecret": {"value": CLIENT_SECRET}}),
        json!({"directoryId": CLIENT_SECRET}),
        json!({"clientSecret": format!(" {CLIENT_SECRET}\n")}),
        json!({"policy": {"emailAttribute": CLIENT_SECRET}}),
    ] {
        let (status, answer) = system.call(Method::POST, "/api/directory/entra", Some(&registration(odd))).await;
        assert_eq!(status, 400, "{answer}");
        said += &answer.to_string();
    }
    for path in ["connections", &format!("connections/{good}"), &format!("connections/{bad}/runs"), "users"] {
        said += &system.get(&format!("/api/directory/{path}")).await.to_string();
    }
    let listed = system.cli.run(&["connection", "list"], "");
    said += &String::from_utf8_lossy(&[listed.stdout, listed.stderr].concat());

    let dump = system.database.dump().await;
    let log = system.server().log();
    assert!(dump.len() > 1_000 && log.len() > 100 && said.len() > 1_000, "there is something to search");
    for secret in [CLIENT_SECRET, wrong, &system.token] {
        assert!(!finds(said.as_bytes(), secret), "in a response");
        assert!(!finds(log.as_bytes(), secret), "in the log");
        assert!(!finds(&dump, secret), "in the database");
    }
    let person = system.get("/api/directory/users").await["items"][0]["email"].as_str().unwrap().to_owned();
    assert!(!finds(log.as_bytes(), &person), "personal data in the log");
}
