//! A run's progress as server-sent events.

use std::time::Duration;
use store::Actor;

use http_api::{ApiConfig, Limits, Watching};
use reqwest::{Method, Response};
use serde_json::{Value, json};
use store::TokenRole;

use crate::{
    api::{ABSENT, Account, Api, config, send, text},
    sign_in::Platform,
};

/// A stream that is being read.
struct Events {
    response: Response,
    rest: String,
}

/// What stands between two empty lines.
#[derive(Debug, Default, PartialEq)]
struct Block {
    id: String,
    event: String,
    data: String,
    /// Whatever else: the time to come back after, and comments.
    other: String,
}

impl Events {
    async fn open(api: &Api, token: &str, run: &str, last_id: &str) -> Self {
        let mut request = api.request(Method::GET, &format!("/runs/{run}/events"), token);
        if !last_id.is_empty() {
            request = request.header("last-event-id", last_id);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        Self { response, rest: String::new() }
    }

    /// `None` at the end, which must be a clean one.
    async fn next(&mut self) -> Option<Block> {
        loop {
            if let Some((block, rest)) = self.rest.split_once("\n\n") {
                let (block, rest) = (Block::of(block), rest.to_owned());
                self.rest = rest;
                return Some(block);
            }
            let chunk = self.response.chunk().await.unwrap()?;
            self.rest.push_str(str::from_utf8(&chunk).unwrap());
        }
    }

    async fn event(&mut self) -> Option<Block> {
        loop {
            let block = self.next().await?;
            if !block.event.is_empty() {
                return Some(block);
            }
        }
    }

    /// Everything up to the end.
    async fn all(mut self) -> Vec<Block> {
        let mut events = Vec::new();
        while let Some(event) = self.event().await {
            events.push(event);
        }
        events
    }
}

impl Block {
    fn of(text: &str) -> Self {
        let mut block = Self::default();
        for line in text.lines() {
            match line.split_once(": ") {
                Some(("id", id)) => id.clone_into(&mut block.id),
                Some(("event", event)) => event.clone_into(&mut block.event),
                Some(("data", data)) => data.clone_into(&mut block.data),
                _ => block.other.push_str(line),
            }
        }
        block
    }

    fn run(&self) -> Value {
        serde_json::from_str(&self.data).unwrap()
    }
}

/// A stream of a platform's token that has ended meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whose_sign_in_has_ended_hears_no_more() {
    let watching = Watching { recheck: Duration::from_millis(5), ..config().watching };
    let platform = Platform::default();
    let api = Api::with_sign_in(ApiConfig { watching, ..config() }, platform.port()).await;
    let acme = api.account("acme").await;
    let connection = api.connection(&acme.admin, "Acme").await;
    let run = api.queue(&acme.admin, &connection, &json!({})).await;
    platform.signs_in("h.short.s", "ada", "acme", TokenRole::Viewer, chrono::TimeDelta::zero());
    platform.signs_in("h.long.s", "ada", "acme", TokenRole::Viewer, chrono::TimeDelta::hours(1));
    let mut short = Events::open(&api, "h.short.s", &run, "").await;
    let mut long = Events::open(&api, "h.long.s", &run, "").await;
    assert!(short.event().await.is_some() && long.event().await.is_some());
    assert_eq!(short.event().await, None);
    cancel(&api, &acme.admin, &run).await;
    assert_eq!(long.event().await.unwrap().event, "done");
}

async fn queued(config: ApiConfig) -> (Api, Account, String) {
    let api = Api::with_config(config).await;
    let acme = api.account("acme").await;
    let connection = api.connection(&acme.admin, "Acme").await;
    let run = api.queue(&acme.admin, &connection, &json!({})).await;
    (api, acme, run)
}

async fn cancel(api: &Api, token: &str, run: &str) {
    assert_eq!(api.bare(Method::POST, token, &format!("/runs/{run}/cancel")).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_is_followed_to_its_end() {
    let (api, acme, run) = queued(config()).await;
    let mut events = Events::open(&api, &acme.viewer, &run, "").await;
    let header = |name| events.response.headers().get(name).map(|value| value.to_str().unwrap());
    assert_eq!(header("content-type"), Some("text/event-stream"));
    assert_eq!(header("cache-control"), Some("no-cache"));
    assert_eq!(header("x-accel-buffering"), Some("no"));
    assert!(header("x-request-id").is_some() && header("content-length").is_none());

    assert_eq!(events.next().await.unwrap().other, "retry: 2000");
    let first = events.next().await.unwrap();
    assert_eq!((first.event.as_str(), &first.run()["status"]), ("progress", &json!("queued")));
    api.start_worker();
    let others = events.all().await;
    let (last, progress) = others.split_last().unwrap();
    assert!(progress.iter().all(|event| event.event == "progress"), "{progress:?}");
    assert_eq!((last.event.as_str(), &last.run()["status"]), ("done", &json!("succeeded")));
    assert_eq!(last.run(), api.get(&acme.viewer, &format!("/runs/{run}")).await.json());
    let mut ids: Vec<_> = others.iter().map(|event| &event.id).chain([&first.id]).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), others.len() + 1, "each event is news");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silence_is_broken_by_heartbeats() {
    let watching = Watching { heartbeat: Duration::from_millis(5), ..config().watching };
    let (api, acme, run) = queued(ApiConfig { watching, ..config() }).await;
    let mut events = Events::open(&api, &acme.viewer, &run, "").await;
    events.event().await.unwrap();
    for _ in 0..3 {
        assert_eq!(events.next().await.unwrap(), Block { other: ": heartbeat".to_owned(), ..Block::default() });
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_comes_back_is_told_only_what_is_new() {
    let watching = Watching { heartbeat: Duration::from_millis(5), ..config().watching };
    let (api, acme, run) = queued(ApiConfig { watching, ..config() }).await;
    let first = Events::open(&api, &acme.viewer, &run, "").await.event().await.unwrap();

    let mut events = Events::open(&api, &acme.viewer, &run, &first.id).await;
    assert_eq!(events.next().await.unwrap().other, "retry: 2000");
    assert_eq!(events.next().await.unwrap().other, ": heartbeat");
    cancel(&api, &acme.admin, &run).await;
    let done = events.event().await.unwrap();
    assert_eq!((done.event.as_str(), &done.run()["status"]), ("done", &json!("cancelled")));
    assert_eq!(events.next().await, None);

    // Whoever missed the end is told it; whoever knows it is told to stay away.
    for known in ["", "x", &first.id] {
        assert_eq!(Events::open(&api, &acme.viewer, &run, known).await.all().await, [&done].map(Block::copy));
    }
    let request = api.request(Method::GET, &format!("/runs/{run}/events"), &acme.viewer);
    let answer = send(request.header("last-event-id", &done.id)).await;
    assert_eq!((answer.status, answer.text.as_str()), (204, ""));
}

impl Block {
    fn copy(&self) -> Self {
        Self { id: self.id.clone(), event: self.event.clone(), data: self.data.clone(), other: self.other.clone() }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_held_run_is_done_until_it_is_approved() {
    let api = Api::start().await;
    let acme = api.account("acme").await;
    api.start_worker();
    let (_, held) = api.held(&acme.admin).await;
    let run = text(&held["id"]);
    let events = Events::open(&api, &acme.viewer, &run, "").await.all().await;
    assert_eq!((events.len(), events[0].event.as_str(), events[0].run()), (1, "done", held.clone()));

    let body = json!({"planDigest": held["planDigest"]});
    assert_eq!(api.post(&acme.admin, &format!("/runs/{run}/approve"), &body).await.status, 202);
    let events = Events::open(&api, &acme.viewer, &run, &events[0].id).await.all().await;
    let last = events.last().unwrap();
    assert_eq!((last.event.as_str(), &last.run()["status"]), ("done", &json!("succeeded")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_tenant_may_listen() {
    let (api, acme, run) = queued(config()).await;
    let other = api.account("other").await;
    let path = format!("/runs/{run}/events");
    api.get(&other.admin, &path).await.problem(404, "not_found");
    api.get(&acme.admin, &format!("/runs/{ABSENT}/events")).await.problem(404, "not_found");
    assert_eq!(api.get(&acme.admin, &format!("{path}?from=1")).await.pointers(), ["?from"]);
    send(api.client.get(format!("{}/api/directory{path}", api.url))).await.problem(401, "unauthorized");
    let head = api.bare(Method::HEAD, &acme.viewer, &path).await;
    assert_eq!((head.status, head.header("content-type")), (200, Some("text/event-stream")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_token_hears_no_more() {
    let watching = Watching { recheck: Duration::from_millis(5), ..config().watching };
    let (api, acme, run) = queued(ApiConfig { watching, ..config() }).await;
    let mut events = Events::open(&api, &acme.viewer, &run, "").await;
    let mut admins = Events::open(&api, &acme.admin, &run, "").await;
    assert!(events.event().await.is_some() && admins.event().await.is_some());
    let tokens = api.store.tokens(acme.id).await.unwrap();
    let viewer = tokens.iter().find(|token| token.role == store::TokenRole::Viewer).unwrap();
    assert!(api.store.revoke_token(Actor::SYSTEM, acme.id, viewer.id).await.unwrap());
    assert_eq!(events.event().await, None);
    cancel(&api, &acme.admin, &run).await;
    assert_eq!(admins.event().await.unwrap().event, "done");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn open_streams_are_limited() {
    let limits = Limits { watchers: 2, watchers_per_token: 1, ..config().limits };
    let (api, acme, run) = queued(ApiConfig { limits, ..config() }).await;
    let path = format!("/runs/{run}/events");
    let first = Events::open(&api, &acme.viewer, &run, "").await;
    let refused = api.get(&acme.viewer, &path).await;
    refused.problem(429, "rate_limited");
    assert_eq!(refused.header("retry-after"), Some("5"));

    let second = Events::open(&api, &acme.admin, &run, "").await;
    let third = api.token(acme.id, store::TokenRole::Viewer).await;
    let refused = api.get(&third, &path).await;
    refused.problem(503, "overloaded");
    assert_eq!(refused.header("retry-after"), Some("5"));

    // A place is free once the server notices that its client is gone.
    drop(first);
    let mut status = 503;
    while status == 503 {
        status = api.request(Method::GET, &path, &third).send().await.unwrap().status().as_u16();
    }
    assert_eq!(status, 200);
    drop(second);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopping_server_ends_its_streams_in_good_order() {
    let (api, acme, run) = queued(config()).await;
    let mut events = Events::open(&api, &acme.viewer, &run, "").await;
    assert!(events.event().await.is_some());
    api.stop.cancel();
    assert_eq!(events.event().await, None);
    api.task.await.unwrap().unwrap();
}
