//! Webhooks from end to end: a receiver that checks signatures, that fails, and a server that dies while it sends.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use reqwest::Method;
use ring::hmac;
use serde_json::{Value, json};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate, matchers::any};

use crate::{
    main_job::plain,
    support::{Kind, System, on_both_stores, wait_for},
};

on_both_stores!(
    every_event_arrives_signed_whatever_happens,
    a_webhook_is_administrated,
    what_only_a_newer_program_can_tell_waits_for_it
);

const LONG_AGO: &str = "2001-01-01T00:00:00.000Z";

/// How long a receiver thinks when it is asked to hang.
const HANGING: Duration = Duration::from_secs(3);

/// What a receiver has got: how often each message came, and what it said.
#[derive(Default)]
struct Inbox {
    secret: Mutex<Option<String>>,
    /// Answers 500 to the first so many attempts of each message.
    failures: Mutex<u32>,
    hangs: Mutex<bool>,
    attempts: Mutex<BTreeMap<String, u32>>,
    arrived: Mutex<BTreeMap<String, Value>>,
}

impl Inbox {
    fn attempts(&self) -> Vec<u32> {
        self.attempts.lock().unwrap().values().copied().collect()
    }

    fn arrived(&self) -> BTreeMap<String, Value> {
        self.arrived.lock().unwrap().clone()
    }
}

/// As any library of Standard Webhooks has it; the product's own code is not asked.
fn verify(secret: &str, request: &Request) -> String {
    let header = |name: &str| request.headers.get(name).unwrap().to_str().unwrap().to_owned();
    let (id, timestamp) = (header("webhook-id"), header("webhook-timestamp"));
    let seconds: i64 = timestamp.parse().unwrap();
    assert!((chrono::Utc::now().timestamp() - seconds).abs() < 300, "{timestamp}");
    let key = BASE64_STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    let signed = [format!("{id}.{timestamp}.").as_bytes(), &request.body].concat();
    let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
    let fits = header("webhook-signature").split(' ').any(|signature| {
        let tag = signature.strip_prefix("v1,").unwrap();
        hmac::verify(&key, &signed, &BASE64_STANDARD.decode(tag).unwrap()).is_ok()
    });
    assert!(fits, "no signature fits");
    id
}

struct Receiver(Arc<Inbox>);

impl Respond for Receiver {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let Some(secret) = self.0.secret.lock().unwrap().clone() else { return ResponseTemplate::new(401) };
        let id = verify(&secret, request);
        let mut attempts = self.0.attempts.lock().unwrap();
        let attempts = attempts.entry(id.clone()).or_default();
        *attempts += 1;
        if *attempts <= *self.0.failures.lock().unwrap() {
            let answer = ResponseTemplate::new(500);
            return if *self.0.hangs.lock().unwrap() { answer.set_delay(HANGING) } else { answer };
        }
        let body = serde_json::from_slice(&request.body).unwrap();
        self.0.arrived.lock().unwrap().insert(id, body);
        ResponseTemplate::new(204)
    }
}

/// A server that may send to this machine, and a receiver.
async fn start(kind: Kind, users: u32) -> (System, MockServer, Arc<Inbox>) {
    let mut system = System::start(kind, plain(users)).await;
    system.cli = system.cli.with("DIRECTORY_WEBHOOK_PRIVATE_HOSTS", "true");
    assert!(system.take_server().terminate().success());
    system.start_server();
    let (receiver, inbox) = (MockServer::start().await, Arc::new(Inbox::default()));
    Mock::given(any()).respond_with(Receiver(inbox.clone())).mount(&receiver).await;
    (system, receiver, inbox)
}

/// Makes a webhook; its path.
async fn webhook(system: &System, inbox: &Inbox, body: Value) -> String {
    let (status, made) = system.call(Method::POST, "/api/directory/webhooks", Some(&body)).await;
    assert_eq!(status, 201, "{made}");
    *inbox.secret.lock().unwrap() = Some(made["secret"].as_str().unwrap().to_owned());
    format!("/api/directory/webhooks/{}", made["webhook"]["id"].as_str().unwrap())
}

/// Time passes for every message that waits, and for whoever is to look after it.
async fn let_pauses_pass(system: &System) {
    system
        .database
        .execute(&format!("UPDATE webhook_deliveries SET next_attempt_at = '{LONG_AGO}' WHERE state = 'pending'"))
        .await;
    let turns = format!("UPDATE webhook_turns SET due_at = '{LONG_AGO}' WHERE due_at IS NOT NULL");
    system.database.execute(&turns).await;
}

/// Each message fails twice; while it fails the second time, the server is killed.
async fn every_event_arrives_signed_whatever_happens(kind: Kind) {
    const USERS: usize = 12;
    let (mut system, receiver, inbox) = start(kind, 12).await;
    let path = webhook(&system, &inbox, json!({"url": format!("{}/in", receiver.uri())})).await;
    *inbox.failures.lock().unwrap() = 2;
    let connection = system.register(json!({})).await;
    let run = system.sync(&connection).await;
    assert_eq!(run["counts"]["created"], USERS, "{run}");

    wait_for("the first failures", async || {
        let webhook = system.get(&path).await;
        (webhook["pendingDeliveries"] == USERS + 1).then_some(())
    })
    .await;
    assert_eq!(inbox.attempts().len(), USERS + 1);
    let pending = system.all(&format!("{path}/deliveries?state=pending")).await;
    assert!(pending.iter().all(|one| one["lastStatus"] == 500 && one["nextAttemptAt"].is_string()), "{pending:?}");

    *inbox.hangs.lock().unwrap() = true;
    let_pauses_pass(&system).await;
    wait_for("a second attempt", async || inbox.attempts().contains(&2).then_some(())).await;
    system.take_server().kill();
    assert_eq!(inbox.arrived().len(), 0);
    *inbox.hangs.lock().unwrap() = false;
    system.database.execute(&format!("UPDATE webhooks SET lease_until = '{LONG_AGO}'")).await;
    system.start_server();
    wait_for("every message's arrival", async || {
        let_pauses_pass(&system).await;
        let webhook = system.get(&path).await;
        (webhook["pendingDeliveries"] == 0 && inbox.arrived().len() == USERS + 1).then_some(())
    })
    .await;

    // Nothing is lost and nothing is made up: what arrived is what the users and the run are.
    let arrived = inbox.arrived();
    let of = |kind: &str| -> Vec<&Value> { arrived.values().filter(|message| message["type"] == kind).collect() };
    let created: BTreeSet<&str> =
        of("user.created").iter().map(|message| message["data"]["data"]["userId"].as_str().unwrap()).collect();
    let users = system.all("/api/directory/users").await;
    assert_eq!(created, users.iter().map(|user| user["id"].as_str().unwrap()).collect());
    let finished = of("run.finished");
    assert_eq!((finished.len(), &finished[0]["data"]["runId"]), (1, &run["id"]));
    for (id, message) in &arrived {
        assert_eq!((message["data"]["id"].as_str(), &message["data"]["type"]), (Some(id.as_str()), &message["type"]));
    }
    assert_eq!(system.get(&path).await["deadDeliveries"], 0);
    let log = system.server().log();
    let secret = inbox.secret.lock().unwrap().clone().unwrap();
    assert!(!log.contains(&secret[6..]) && !log.contains(&receiver.uri()), "in the log");
    let stored = String::from_utf8_lossy(&system.database.dump().await).into_owned();
    assert!(!stored.contains(&secret[6..]), "in the database");
}

/// What administrators do, over the API and from the command line.
async fn a_webhook_is_administrated(kind: Kind) {
    let plain_system = System::start(kind, plain(3)).await;
    let inside = json!({"url": "http://127.0.0.1:1/in"});
    let (status, refused) = plain_system.call(Method::POST, "/api/directory/webhooks", Some(&inside)).await;
    assert_eq!((status.as_u16(), &refused["errors"][0]["pointer"]), (400, &json!("/url")), "{refused}");
    let refused = plain_system.cli.run(&["webhook", "add", "https://169.254.169.254/latest"], "");
    assert_eq!(refused.status.code(), Some(2));
    drop(plain_system);

    let (system, receiver, inbox) = start(kind, 3).await;
    let url = format!("{}/in?code=s3cret", receiver.uri());
    let body = json!({"url": url, "description": "Payroll", "eventTypes": ["run.finished", "user.created"]});
    let path = webhook(&system, &inbox, body).await;
    let id = path.rsplit('/').next().unwrap().to_owned();
    let shown = system.get(&path).await;
    assert_eq!((&shown["description"], shown.get("secret")), (&json!("Payroll"), None));
    assert_eq!(shown["url"], url.as_str());
    let (_, viewer) = system.cli.json(&["token", "create", "--tenant", "acme", "--role", "viewer"], "");
    let viewer = viewer["token"].as_str().unwrap();
    let bare = format!("{}/in", receiver.uri());
    assert_eq!(system.get_as(viewer, &path).await["url"], bare.as_str());
    assert_eq!(system.get_as(viewer, "/api/directory/webhooks").await["items"][0]["url"], bare.as_str());
    for (method, at) in [(Method::PATCH, path.as_str()), (Method::POST, "/api/directory/webhooks")] {
        let (status, refused) = system.call(method, at, Some(&json!({"url": url, "eventTypes": []}))).await;
        assert_eq!((status.as_u16(), &refused["errors"][0]["pointer"]), (400, &json!("/eventTypes")), "{refused}");
    }
    let test = format!("{path}/test");
    let (_, tried) = system.call(Method::POST, &test, None).await;
    assert_eq!(tried, json!({"ok": true, "status": 204, "code": null, "message": null}));
    assert_eq!(inbox.arrived().values().next().unwrap()["type"], "webhook.test");

    // With another secret both sign; the receiver knows only one of them at a time.
    let (_, rotated) = system.call(Method::POST, &format!("{path}/secret"), None).await;
    assert_eq!(system.call(Method::POST, &test, None).await.1["ok"], true, "the old one still signs");
    *inbox.secret.lock().unwrap() = Some(rotated["secret"].as_str().unwrap().to_owned());
    let (code, tried) = system.cli.json(&["webhook", "test", &id], "");
    assert_eq!((code, &tried["ok"]), (0, &json!(true)));

    // A receiver that wants nothing more is sent nothing more, until somebody says so.
    let change = json!({"enabled": false, "eventTypes": null});
    let (status, paused) = system.call(Method::PATCH, &path, Some(&change)).await;
    assert_eq!((status.as_u16(), &paused["state"], &paused["eventTypes"]), (200, &json!("disabled"), &json!(null)));
    let before = inbox.arrived().len();
    let connection = system.register(json!({})).await;
    system.sync(&connection).await;
    let (code, enabled) = system.cli.json(&["webhook", "update", &id, "--enable"], "");
    assert_eq!((code, &enabled["state"]), (0, &json!("enabled")));
    wait_for("what happened meanwhile", async || (inbox.arrived().len() == before + 4).then_some(())).await;

    // Everything once more, from the start of the feed.
    let first = wait_for("the cursor", async || {
        let webhook = system.get(&path).await;
        let cursor = webhook["cursor"].as_str().unwrap().to_owned();
        (cursor != shown["cursor"]).then_some(cursor)
    })
    .await;
    assert!(first.starts_with("evt_"), "{first}");
    let attempts: u32 = inbox.attempts().iter().sum();
    let replay = json!({"after": shown["cursor"]});
    let (status, _) = system.call(Method::POST, &format!("{path}/replay"), Some(&replay)).await;
    assert_eq!(status, 202);
    wait_for("the replay", async || (inbox.attempts().iter().sum::<u32>() >= attempts + 4).then_some(())).await;
    assert_eq!(inbox.arrived().len(), before + 4, "by the ids that they had");

    let (_, unknown) = system.call(Method::POST, &format!("{path}/replay"), Some(&json!({"after": "x"}))).await;
    assert_eq!(unknown["errors"][0]["pointer"], "/after");
    let (_, other) = system.other_tenant("globex");
    assert_eq!(system.call_as(&other, Method::GET, &path, None).await.0, 404);
    let (code, listed) = system.cli.json(&["webhook", "list", "--tenant", "acme"], "");
    assert_eq!((code, listed["items"].as_array().unwrap().len()), (0, 1));
    assert_eq!(system.call(Method::DELETE, &path, None).await.0, 204);
    assert_eq!(system.call(Method::GET, &path, None).await.0, 404);
    let audit = system.all("/api/directory/audit").await;
    let actions: BTreeSet<&str> = audit.iter().filter_map(|entry| entry["action"].as_str()).collect();
    for action in
        ["webhook.created", "webhook.updated", "webhook.secret_rotated", "webhook.replayed", "webhook.deleted"]
    {
        assert!(actions.contains(action), "{action} in {actions:?}");
    }
}

/// An event of a kind that this version does not know is in the list, and goes out as soon as somebody knows it.
async fn what_only_a_newer_program_can_tell_waits_for_it(kind: Kind) {
    let (system, receiver, inbox) = start(kind, 2).await;
    let path = webhook(&system, &inbox, json!({"url": receiver.uri()})).await;
    let connection = system.register(json!({})).await;
    let tenant = "(SELECT id FROM tenants WHERE slug = 'acme')";
    let data =
        json!({"userId": connection, "externalId": null, "email": null, "status": null, "before": null, "after": null});
    let event = format!(
        "INSERT INTO events (tenant_id, kind, connection_id, data) VALUES ({tenant}, 'user.renamed', '{connection}', '{data}')"
    );
    system.database.execute(&event).await;
    system.sync(&connection).await;
    wait_for("the others", async || (inbox.arrived().len() == 3).then_some(())).await;
    let waiting = wait_for("the list", async || {
        let listed = system.all(&format!("{path}/deliveries")).await;
        (!listed.is_empty()).then_some(listed)
    })
    .await;
    let one = &waiting[0];
    assert_eq!(
        (waiting.len(), &one["eventType"], &one["lastCode"]),
        (1, &json!("user.renamed"), &json!("unknown_type"))
    );
    let_pauses_pass(&system).await;
    wait_for("another attempt in vain", async || {
        let listed = system.all(&format!("{path}/deliveries")).await;
        (listed[0]["attempts"].as_u64() >= Some(2) && listed[0]["state"] == "pending").then_some(())
    })
    .await;

    // The newer version is there.
    for table in ["events", "webhook_deliveries"] {
        let known = format!("UPDATE {table} SET kind = 'user.linked' WHERE kind = 'user.renamed'");
        system.database.execute(&known).await;
    }
    let_pauses_pass(&system).await;
    let id = one["eventId"].as_str().unwrap();
    let arrived = wait_for("its arrival", async || inbox.arrived().get(id).cloned()).await;
    assert_eq!(arrived["data"]["data"]["userId"], connection.as_str());
    wait_for("the end of the list", async || (system.get(&path).await["pendingDeliveries"] == 0).then_some(())).await;
}
