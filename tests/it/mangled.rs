//! No input gives a 500 or a panic: sound requests of every kind, each mangled in one place, over a socket, since a client
//! library would not send most of them.

use std::{
    fmt::Write as _,
    io::{Read, Write as _},
    net::TcpStream,
    time::Duration,
};

use fastrand::Rng;
use serde_json::json;

use crate::{
    main_job::plain,
    support::{Kind, System, on_both_stores, registration},
    twins::chance,
};

on_both_stores!(no_request_breaks_the_server);

const REQUESTS: usize = 1_500;
const ABSENT: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

/// Instead of an id or of the value of a parameter.
const WORDS: [&str; 18] = [
    "",
    "%00",
    "a%00b",
    "%FF",
    "%C3%28",
    "%ED%A0%80",
    "%F0%9F%98%80",
    "%EF%BF%BD",
    "..",
    "%2e%2e%2f",
    "%2F%2F",
    "%",
    "%zz",
    "{id}",
    "-1",
    "18446744073709551616",
    "urn:uuid:01890a5d-ac96-774b-bcce-b302099a8057",
    "a@b%00.test",
];

/// Instead of a member of a body; not all of them are JSON.
const VALUES: [&str; 20] = [
    "null",
    "true",
    "-1",
    "1e400",
    "-0.0",
    "18446744073709551616",
    "\"\"",
    "\" \"",
    "\"\\u0000\"",
    "\"a\\u0000b\"",
    "\"\\ud800\"",
    "\"\\udbff\\udfff\"",
    "\"\\u202e\\ufeff\"",
    "\"\u{130}@\u{df}.example\"",
    "\"\u{1e9b}\u{323}\"",
    "[]",
    "{}",
    "[[[[[[[[[[",
    "{\"policy\":{\"policy\":{}}}",
    "\"every 4294967295d\"",
];

/// A sound request. In its path `{}` is where an id goes.
struct Request {
    method: &'static str,
    path: String,
    id: String,
    /// A parameter's name and value.
    query: Option<(&'static str, &'static str)>,
    /// Names and JSON.
    body: Vec<(String, String)>,
}

impl Request {
    fn new(method: &'static str, path: &str, id: &str) -> Self {
        Self { method, path: path.to_owned(), id: id.to_owned(), query: None, body: Vec::new() }
    }

    fn asking(self, name: &'static str, value: &'static str) -> Self {
        Self { query: Some((name, value)), ..self }
    }

    fn saying(self, body: &serde_json::Value) -> Self {
        let members = body.as_object().unwrap().iter().map(|(name, value)| (name.clone(), value.to_string()));
        Self { body: members.collect(), ..self }
    }

    /// The request with one thing wrong, as bytes.
    fn mangled(&self, token: &str, chance: &mut Rng) -> Vec<u8> {
        let mut id = self.id.clone();
        let mut value = self.query.map(|(_, value)| value.to_owned());
        let mut body = self.body.clone();
        let mut header = String::new();
        let mut length_is_wrong = false;
        let word = |chance: &mut Rng| chance.choice(WORDS).unwrap_or_default().repeat(chance.usize(1..3));
        match chance.u8(0..6) {
            0 => id = word(chance),
            1 if value.is_some() => value = Some(word(chance)),
            2 => header = format!("X-Request-Id: {}\r\nPrefer: wait={}\r\n", word(chance), word(chance)),
            3 => length_is_wrong = !body.is_empty(),
            _ if body.is_empty() => id = format!("{id}{}", word(chance)),
            _ => {
                let at = chance.usize(..body.len());
                chance.choice(VALUES).unwrap_or_default().clone_into(&mut body[at].1);
            }
        }
        let query = self.query.zip(value).map_or_else(String::new, |((name, _), value)| format!("?{name}={value}"));
        let body = match body.as_slice() {
            [] => String::new(),
            members => {
                let members: Vec<String> = members.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
                format!("{{{}}}", members.join(","))
            }
        };
        let length = if length_is_wrong { chance.usize(..body.len()) } else { body.len() };
        let path = self.path.replace("{}", &id);
        let mut text = format!("{} /api/directory{path}{query} HTTP/1.1\r\nHost: localhost\r\n", self.method);
        let _ = write!(text, "Authorization: Bearer {token}\r\nContent-Type: application/json\r\n{header}");
        let _ = write!(text, "Content-Length: {length}\r\nConnection: close\r\n\r\n{body}");
        text.into_bytes()
    }
}

async fn no_request_breaks_the_server(kind: Kind) {
    let mut chance = chance();
    let system = System::start(kind, plain(20)).await;
    let connection = system.register(json!({})).await;
    let run = system.sync(&connection).await["id"].as_str().unwrap().to_owned();
    let requests = requests(&connection, &run);
    let address = system.server().address.strip_prefix("http://").unwrap().to_owned();
    for _ in 0..REQUESTS {
        let request = chance.choice(&requests).unwrap().mangled(&system.token, &mut chance);
        let mut answer = answer(&address, &request);
        // Runs go on meanwhile, and one of them may get in between: then a client is to try again, and does.
        for _ in 0..5 {
            if answer.as_ref().is_some_and(|answer| answer.0 == 503) {
                answer = self::answer(&address, &request);
            }
        }
        assert!(
            answer.as_ref().is_none_or(|(status, _)| *status < 500),
            "{answer:?} to {}",
            String::from_utf8_lossy(&request).replace(&system.token, "TOKEN")
        );
    }
    assert!(!system.server().log().contains("panicked"), "{}", system.server().log());
    assert_eq!(system.all("/api/directory/users").await.len(), 20, "it goes on as if nothing had been");
}

/// Of every route one, and nothing that takes away what the others are about.
fn requests(connection: &str, run: &str) -> Vec<Request> {
    let patch = json!({
        "displayName": "New", "groupId": null, "defaultRole": "member", "schedule": "every 15m", "paused": false,
        "policy": {"adoptDomains": ["example.org"]},
    });
    let digest = "0123456789abcdef".repeat(4);
    vec![
        Request::new("GET", "/connections{}", "").asking("limit", "5"),
        Request::new("GET", "/connections/{}", connection),
        Request::new("GET", "/connections/{}/runs", connection).asking("cursor", "AQ"),
        Request::new("GET", "/connections/{}/ignored", connection).asking("cursor", "AQ"),
        Request::new("GET", "/runs/{}", run),
        Request::new("GET", "/runs/{}/changes", run).asking("action", "create"),
        Request::new("GET", "/runs/{}/events", run),
        Request::new("GET", "/users{}", "").asking("email", "a@example.org"),
        Request::new("GET", "/users{}", "").asking("connectionId", ABSENT),
        Request::new("GET", "/users/{}", ABSENT),
        Request::new("GET", "/audit{}", "").asking("cursor", "AQ"),
        Request::new("POST", "/entra{}", "").saying(&registration(json!({
            "groupId": ABSENT, "defaultRole": "member", "cloud": "global", "clientSecretExpiresAt": "2030-01-31T00:00:00Z",
            "schedule": "0 3 * * *", "policy": {"protectedRoles": ["owner"]},
        }))),
        Request::new("PATCH", "/connections/{}", connection).saying(&patch),
        Request::new("POST", "/connections/{}/preview", connection).saying(&patch),
        Request::new("POST", "/connections/{}/sync", connection).saying(&json!({"mode": "full", "dryRun": true})),
        Request::new("POST", "/connections/{}/test", ABSENT),
        Request::new("PUT", "/connections/{}/credential", connection)
            .asking("verify", "false")
            .saying(&json!({"clientSecret": "synthetic", "clientSecretExpiresAt": "9999-12-31T23:59:59.999999999Z"})),
        Request::new("PUT", &format!("/connections/{connection}/ignored/{{}}"), "e1"),
        Request::new("DELETE", &format!("/connections/{connection}/ignored/{{}}"), "e1"),
        Request::new("POST", "/runs/{}/approve", run).saying(&json!({"planDigest": digest, "changes": [1]})),
        Request::new("POST", "/runs/{}/approve", run).saying(&json!({"planDigest": digest, "except": [1]})),
        Request::new("POST", "/runs/{}/reject", ABSENT),
        Request::new("POST", "/runs/{}/cancel", ABSENT),
        Request::new("POST", "/users/{}/link", ABSENT).saying(&json!({"connectionId": connection, "externalId": "e1"})),
        Request::new("DELETE", "/users/{}/link", ABSENT),
        Request::new("DELETE", "/connections/{}", ABSENT),
    ]
}

/// What is answered, as far as the first piece of the body, if anything is: a request that is cut short may be answered by
/// hanging up.
fn answer(address: &str, request: &[u8]) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(90))).unwrap();
    stream.write_all(request).unwrap();
    let mut answer = Vec::new();
    let mut piece = [0; 4096];
    while !answer.contains(&b'\n') {
        match stream.read(&mut piece) {
            Ok(0) => break,
            Ok(bytes) => answer.extend_from_slice(&piece[..bytes]),
            Err(error) => panic!("no answer to {}: {error}", String::from_utf8_lossy(request)),
        }
    }
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let status = answer.split(' ').nth(1)?;
    let status = status.parse().unwrap_or_else(|_| panic!("{answer}"));
    Some((status, answer))
}
