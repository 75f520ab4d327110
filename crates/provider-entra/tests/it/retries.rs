//! Failures that pass, and those that do not.

use std::time::{Duration, SystemTime};

use directory_core::{FailureKind, RunErrorCode};
use rstest::rstest;
use wiremock::ResponseTemplate;

use crate::support::{
    Entra, REQUEST_ID, answer, assert_transient, connect, graph_error, ids, impatient, page, quick,
    raw::{Raw, whole},
};

fn date(from_now: Duration) -> String {
    httpdate::fmt_http_date(SystemTime::now() + from_now)
}

#[rstest]
#[case(graph_error(429, "TooManyRequests").insert_header("retry-after", "0"))]
#[case(graph_error(429, "TooManyRequests").insert_header("retry-after", "0.002"))]
#[case(graph_error(429, "TooManyRequests").insert_header("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT"))]
#[case(graph_error(429, "TooManyRequests").insert_header("retry-after", "nonsense"))]
#[case(graph_error(429, "activityLimitReached"))]
#[case(answer(429).set_body_string("Too Many Requests"))]
#[case(graph_error(500, "generalException"))]
#[case(answer(502).set_body_string("<html>Bad gateway</html>"))]
#[case(graph_error(503, "serviceNotAvailable").insert_header("retry-after", "0"))]
#[case(answer(503))]
#[case(graph_error(504, "UnknownError"))]
#[case(graph_error(409, "conflict").insert_header("retry-after", "0"))]
#[tokio::test]
async fn the_same_url_is_asked_again(#[case] failure: ResponseTemplate) {
    let entra = Entra::start().await;
    let next = entra.link("a");
    entra.graph([page(&["u1"], Some(&next)), failure.clone(), failure, page(&["u2"], None)]).await;
    assert_eq!(ids(&*entra.users()).await.expect("listed"), ["u1", "u2"]);
    let reads = entra.reads().await;
    let urls: Vec<_> = reads[1..].iter().map(|read| read.url.query()).collect();
    assert_eq!(urls, [Some("$skiptoken=a"); 3]);
    assert_eq!(entra.tokens_asked().await.len(), 1);
}

#[rstest]
#[case("3600".to_owned(), 3600..=3600)]
#[case("3600.9".to_owned(), 3600..=3600)]
#[case(date(Duration::from_hours(1)), 3590..=3600)]
#[tokio::test]
async fn a_wait_that_is_too_long_is_reported_instead(
    #[case] retry_after: String,
    #[case] seconds: std::ops::RangeInclusive<u64>,
) {
    let entra = Entra::start().await;
    entra.graph([graph_error(429, "TooManyRequests").insert_header("retry-after", retry_after.as_str())]).await;
    let error = ids(&*entra.users()).await.expect_err("throttled");
    assert_eq!(error.code, RunErrorCode::Throttled);
    let FailureKind::Transient { retry_after: Some(wait) } = error.kind else { panic!("{error:?}") };
    assert!(seconds.contains(&wait.as_secs()), "{wait:?}");
    assert_eq!(error.request_id.as_deref(), Some(REQUEST_ID));
    assert_eq!(entra.reads().await.len(), 1);
}

#[rstest]
#[case(graph_error(429, "TooManyRequests"), RunErrorCode::Throttled, "TooManyRequests")]
#[case(graph_error(503, "serviceNotAvailable"), RunErrorCode::ProviderUnavailable, "serviceNotAvailable")]
#[case(graph_error(504, "UnknownError"), RunErrorCode::ProviderUnavailable, "HTTP 504")]
#[tokio::test]
async fn what_stays_broken_ends_the_listing(
    #[case] failure: ResponseTemplate,
    #[case] code: RunErrorCode,
    #[case] message: &str,
) {
    let mut entra = Entra::start().await;
    entra.bounds = impatient();
    entra.graph([page(&["u1"], Some(&entra.link("a"))), failure]).await;
    let mut listing = entra.users().list().await.expect("listing");
    listing.next_page().await.expect("first page");
    let error = listing.next_page().await.expect_err("gives up");
    assert_transient(&error, code);
    assert!(error.message.contains(message), "{error:?}");
    assert_eq!(error.request_id.as_deref(), Some(REQUEST_ID));
    assert!(entra.reads().await.len() > 3, "gave up early");
    assert_eq!(listing.next_page().await.expect_err("stays failed"), error);
}

#[tokio::test]
async fn a_503_is_repeated_on_a_new_connection() {
    let server = Raw::start([whole("503 Busy", ""), whole("503 Busy", ""), whole("200 OK", r#"{"value":[]}"#)]).await;
    let provider = connect(&server.url, quick(), None, false, None);
    assert!(ids(&*provider).await.expect("listed").is_empty());
    let mut connections: Vec<_> = server.reads().into_iter().map(|(connection, _)| connection).collect();
    assert_eq!(connections.len(), 3);
    connections.dedup();
    assert_eq!(connections.len(), 3, "a connection was used again");
}

#[tokio::test]
async fn requests_share_a_connection_while_all_is_well() {
    let server = Raw::start([whole("200 OK", r#"{"value":[]}"#)]).await;
    let provider = connect(&server.url, quick(), None, false, None);
    for _ in 0..3 {
        ids(&*provider).await.expect("listed");
    }
    let connections: Vec<_> = server.reads().into_iter().map(|(connection, _)| connection).collect();
    assert_eq!(connections, [0, 0, 0]);
}

#[tokio::test]
async fn a_stalled_answer_counts_against_the_budget() {
    let mut entra = Entra::start().await;
    entra.bounds = impatient();
    entra.bounds.request_timeout = Duration::from_millis(100);
    entra.graph([page(&["u1"], None).set_delay(Duration::from_mins(1))]).await;
    let error = ids(&*entra.users()).await.expect_err("gives up");
    assert_transient(&error, RunErrorCode::ProviderUnavailable);
    assert!(error.message.contains("in time"), "{error:?}");
    assert!(entra.reads().await.len() > 1);
}

#[tokio::test]
async fn nobody_answers() {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.expect("bind");
    let url = format!("http://{}", listener.local_addr().expect("address"));
    drop(listener);
    let provider = connect(&url, impatient(), None, false, None);
    let error = ids(&*provider).await.expect_err("gives up");
    assert_transient(&error, RunErrorCode::ProviderUnavailable);
    assert!(error.message.contains("connection") && error.message.contains("127.0.0.1"), "{error:?}");
}
