//! Clients that take their time.

use std::time::Duration;

use futures_util::future::join_all;
use http_api::{ApiConfig, Limits};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::api::{Api, config};

/// How long a test waits before it fails.
const PATIENCE: Duration = Duration::from_secs(30);
/// Of a connection's times.
const SHORTEST: Duration = Duration::from_millis(600);

async fn hasty(change: impl FnOnce(&mut Limits)) -> Api {
    let mut limits = config().limits;
    change(&mut limits);
    Api::with_config(ApiConfig { limits, ..config() }).await
}

/// Says something, and gives everything that is answered until the server hangs up.
async fn said(api: &Api, text: &str) -> String {
    let mut connection = connect(api).await;
    connection.write_all(text.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let hung_up = timeout(PATIENCE, connection.read_to_end(&mut answer)).await;
    hung_up.unwrap_or_else(|_| panic!("{text}: the server does not hang up")).unwrap();
    String::from_utf8(answer).unwrap()
}

async fn connect(api: &Api) -> TcpStream {
    TcpStream::connect(api.url.strip_prefix("http://").unwrap()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_head_that_does_not_come_is_not_waited_for() {
    let api = hasty(|limits| limits.head_time = SHORTEST).await;
    let parts = ["", "GET /heal", "GET /healthz HTTP/1.1\r\nx-slow: "];
    for answer in join_all(parts.map(|part| said(&api, part))).await {
        assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stranger_has_one_request_for_each_connection() {
    let api = Api::start().await;
    for path in ["/healthz", "/api/directory/users", "/elsewhere"] {
        let answer = said(&api, &format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\nGET /heal")).await;
        assert!(answer.starts_with("HTTP/1.1 ") && answer.contains("connection: close\r\n"), "{path}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let api = hasty(|limits| {
        limits.body_time = Duration::from_millis(50);
        limits.disconnect_time = SHORTEST;
    })
    .await;
    let acme = api.account("acme").await;
    let head = format!(
        "POST /api/directory/entra HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\n",
        acme.admin
    );
    for part in ["content-length: 100\r\n\r\n{\"display", "transfer-encoding: chunked\r\n\r\n5\r\n{\"dis"] {
        let answer = said(&api, &format!("{head}{part}")).await;
        assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("request_timeout"), "{part}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_nobody_wants_is_not_waited_for() {
    let api = hasty(|limits| limits.disconnect_time = SHORTEST).await;
    let part = "host: x\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{\"dis";
    for request in ["POST /api/directory/entra", "GET /healthz", "PUT /elsewhere"] {
        let answer = said(&api, &format!("{request} HTTP/1.1\r\n{part}")).await;
        assert!(answer.contains("connection: close\r\n"), "{request}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_without_requests_is_closed() {
    let api = hasty(|limits| limits.keep_alive = SHORTEST).await;
    let acme = api.account("acme").await;
    let token = acme.viewer;
    let head = format!("GET /api/directory/users HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\r\n");
    let answer = said(&api, &head).await;
    assert!(answer.starts_with("HTTP/1.1 200 ") && !answer.contains("connection: close"), "{answer}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idle_connections_make_room_for_others() {
    // One for each of the server's threads.
    let api = hasty(|limits| {
        limits.connections = 1;
        limits.head_time = SHORTEST;
    })
    .await;
    let acme = api.account("acme").await;
    let mut idle = Vec::new();
    let threads = std::thread::available_parallelism().unwrap().get();
    for _ in 0..2 * threads {
        idle.push(connect(&api).await);
    }
    assert_eq!(api.get(&acme.viewer, "/users").await.status, 200);
}
