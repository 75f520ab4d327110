//! Every kind of fault, as a client meets it.

use std::time::Duration;

use entra_simulator::{Fault, FaultKind, Route};

use super::{Answer, World, ids};

/// A world of ten users whose next listing is struck.
async fn struck(kind: FaultKind) -> World {
    let world = World::with_users(10).await;
    world.simulator.add_fault(Fault::new(Route::Users, kind));
    world
}

#[tokio::test]
async fn a_status_comes_in_the_shape_of_the_route() {
    let world = struck(FaultKind::throttled("2.128")).await;
    let answer = world.get("/users").await;
    assert_eq!(answer.error(), (429, "TooManyRequests"));
    assert_eq!(answer.headers["retry-after"], "2.128");
    assert!(answer.headers.contains_key("request-id"));
    assert_eq!(world.get("/users").await.status, 200);

    world.simulator.add_fault(Fault::new(Route::Token, FaultKind::status(503, "temporarily_unavailable")));
    let answer = world.ask_token(&[]).await;
    assert_eq!((answer.status, answer.body["error"].as_str()), (503, Some("temporarily_unavailable")));
    assert_eq!(world.ask_token(&[]).await.status, 200);
}

#[tokio::test]
async fn the_token_endpoint_throttles_in_plain_text() {
    let world = World::with_users(1).await;
    world.simulator.add_fault(Fault::new(Route::Token, FaultKind::throttled_in_plain_text("60")));
    let answer = world.ask_token(&[]).await;
    assert_eq!((answer.status, answer.body.as_str()), (429, Some("Too Many Requests")));
    assert_eq!(
        (&answer.headers["retry-after"], &answer.headers["content-type"]),
        (&"60".parse().expect("text"), &"text/plain".parse().expect("text"))
    );
}

#[tokio::test]
async fn throttling_strikes_every_nth_request() {
    let world = World::with_users(10).await;
    world.simulator.add_fault(Fault::new(Route::Graph, FaultKind::throttled("0")).every(3).forever());
    let mut statuses = Vec::new();
    for _ in 0..7 {
        statuses.push(world.get("/users").await.status);
    }
    assert_eq!(statuses, [200, 200, 429, 200, 200, 429, 200]);
    world.simulator.faults().clear();
    assert_eq!(world.get("/users").await.status, 200);
    assert_eq!(world.get("/users").await.status, 200);
}

#[tokio::test]
async fn a_revoked_token_stays_revoked() {
    let mut world = struck(FaultKind::RevokeToken).await;
    for _ in 0..2 {
        assert_eq!(world.get("/users").await.error(), (401, "InvalidAuthenticationToken"));
    }
    world.renew().await;
    assert_eq!(world.get("/users").await.status, 200);
}

#[tokio::test]
async fn a_page_token_expires() {
    let world = struck(FaultKind::ExpiredPageToken).await;
    let first = world.get("/users?$top=6").await;
    let link = first.next().expect("a next link");
    assert_eq!(world.get(link).await.error(), (400, "Directory_ExpiredPageToken"));
    assert_eq!(world.get(link).await.value().len(), 4);
}

#[tokio::test]
async fn an_empty_page_leads_to_the_real_one() {
    let world = World::with_users(10).await;
    world.simulator.add_fault(Fault::new(Route::Users, FaultKind::EmptyPage).after(1));
    let (users, pages) = world.list("/users?$top=4", false).await;
    assert_eq!((ids(&users).len(), pages), (10, 4));

    world.simulator.add_fault(Fault::new(Route::Users, FaultKind::EmptyPage));
    let page = world.get("/users?$top=4").await;
    assert!(page.value().is_empty() && page.next().is_some());
}

#[tokio::test]
async fn a_page_lacks_its_value() {
    let world = struck(FaultKind::MissingValue).await;
    let page = world.get("/users?$top=4").await;
    assert_eq!((page.status, page.body.get("value")), (200, None));
    assert!(page.next().is_some());
}

#[tokio::test]
async fn a_next_link_loops() {
    let world = World::with_users(10).await;
    world.simulator.add_fault(Fault::new(Route::Users, FaultKind::LoopingNextLink).after(1).times(2));
    let first = world.get("/users?$top=4").await;
    let link = first.next().expect("a next link");
    assert_eq!(world.get(link).await.next(), Some(link));
    assert_eq!(world.get(link).await.next(), Some(link));
    assert_ne!(world.get(link).await.next(), Some(link));
}

#[tokio::test]
async fn a_next_link_leads_elsewhere() {
    let url = "https://elsewhere.example/v1.0/users?$skiptoken=x".to_owned();
    let world = struck(FaultKind::ForeignNextLink { url: url.clone() }).await;
    assert_eq!(world.get("/users").await.next(), Some(url.as_str()));
}

#[tokio::test]
async fn items_are_doubled_or_dropped() {
    let world = struck(FaultKind::DuplicateItems).await;
    let page = world.get("/users").await;
    assert_eq!((page.value().len(), ids(page.value()).len()), (20, 10));
    for (count, left) in [(3, 7), (10, 0), (11, 0)] {
        world.simulator.add_fault(Fault::new(Route::Users, FaultKind::DropItems { count }));
        assert_eq!(world.get("/users").await.value().len(), left);
    }
}

#[tokio::test]
async fn a_body_ends_in_the_middle_or_is_not_json() {
    let world = struck(FaultKind::TruncatedBody).await;
    let answer = world.get("/users").await;
    assert!(answer.status == 200 && answer.body.as_str().is_some_and(|text| text.starts_with("{\"@odata.context\"")));
    world.simulator.add_fault(Fault::new(Route::Token, FaultKind::TruncatedBody));
    assert!(world.ask_token(&[]).await.body.is_string());
    world.simulator.add_fault(Fault::new(Route::Users, FaultKind::NotJson));
    let answer = world.get("/users").await;
    assert_eq!((answer.status, &answer.headers["content-type"]), (200, &"text/html".parse().expect("text")));
    assert!(answer.body.is_string());
}

#[tokio::test]
async fn a_connection_is_cut_within_the_body() {
    let world = struck(FaultKind::CutConnection).await;
    let response = world.send("/users").await.expect("the head arrives");
    assert_eq!(response.status(), 200);
    assert!(response.bytes().await.is_err());
    assert_eq!(world.get("/users").await.status, 200);
}

#[tokio::test]
async fn a_body_is_as_long_as_scripted() {
    let world = struck(FaultKind::OversizedBody { bytes: 3_000_000 }).await;
    let response = world.send("/users").await.expect("an answer");
    assert_eq!((response.status().as_u16(), response.content_length()), (200, None));
    let body = response.bytes().await.expect("a body");
    assert_eq!(body.len(), 3_000_000 + 10);
    assert!(body.starts_with(b"{\"value\":[ "));
}

#[tokio::test]
async fn a_redirect_names_its_target() {
    let location = "https://elsewhere.example/".to_owned();
    let world = struck(FaultKind::Redirect { location: location.clone() }).await;
    let answer = world.get("/users").await;
    assert_eq!((answer.status, answer.headers["location"].to_str().ok()), (302, Some(location.as_str())));
}

#[tokio::test]
async fn a_stalled_answer_outlasts_the_client_and_does_not_hold_up_the_end() {
    let world = struck(FaultKind::Stall { seconds: 3_600 }).await;
    let impatient = world.request("/users").timeout(Duration::from_millis(50)).send().await;
    assert!(impatient.expect_err("no answer").is_timeout());
    assert_eq!(world.get("/users").await.status, 200);
    world.simulator.add_fault(Fault::new(Route::Users, FaultKind::Stall { seconds: 3_600 }));
    let waiting = tokio::spawn(world.request("/users").send());
    while !world.simulator.faults().pending().is_empty() {
        tokio::task::yield_now().await;
    }
    world.simulator.stop();
    assert!(waiting.await.expect("no panic").is_err());
}

#[tokio::test]
async fn a_fault_strikes_only_its_route() {
    let world = World::with_users(30).await;
    world.simulator.add_fault(Fault::new(Route::GroupMembers, FaultKind::status(504, "UnknownError")));
    assert_eq!(world.get("/users").await.status, 200);
    let group = world.simulator.directory().engineering();
    assert_eq!(world.get(&format!("/groups/{group}/members")).await.error(), (504, "UnknownError"));
    assert!(world.simulator.faults().pending().is_empty());
}

#[tokio::test]
async fn graph_takes_its_time_when_told_to() {
    let world = World::with_users(1).await;
    world.simulator.set_latency(Duration::from_hours(1));
    let slow = world.request("/users").timeout(Duration::from_millis(50)).send().await;
    assert!(slow.expect_err("no answer").is_timeout());
    world.simulator.set_latency(Duration::ZERO);
    let answer = Answer::read(world.send("/users").await.expect("an answer")).await;
    assert_eq!(answer.status, 200);
}
