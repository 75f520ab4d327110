//! Bodies that are cut, endless or something else.

use directory_core::RunErrorCode;
use rstest::rstest;

use crate::support::{
    Entra, REQUEST_ID, answer, assert_protocol, assert_transient, connect, gzip, ids, impatient, page, quick,
    raw::{Raw, Scripted, whole},
};

const PAGE: &str = r#"{"value":[{"id":"u1","displayName":"A"}]}"#;

/// A page that says it is longer than what is sent before the connection closes.
fn cut() -> Scripted {
    let bytes = format!("HTTP/1.1 200 OK\r\ncontent-length: 5000\r\nrequest-id: raw-1\r\n\r\n{PAGE}").into_bytes();
    Scripted { bytes, close: true }
}

fn chunk_cut() -> Scripted {
    let bytes = format!(
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nrequest-id: raw-1\r\n\r\n{:x}\r\n{PAGE}\r\n",
        PAGE.len()
    );
    Scripted { bytes: bytes.into_bytes(), close: true }
}

fn reset() -> Scripted {
    Scripted { bytes: Vec::new(), close: true }
}

#[rstest]
#[case(cut())]
#[case(chunk_cut())]
#[case(reset())]
#[tokio::test]
async fn a_cut_answer_is_asked_for_again(#[case] bad: Scripted) {
    let server = Raw::start([bad.clone(), bad, whole("200 OK", PAGE)]).await;
    let provider = connect(&server.url, quick(), None, false, None);
    assert_eq!(ids(&*provider).await.expect("listed"), ["u1"]);
    let reads = server.reads();
    assert_eq!(reads.len(), 3);
    assert!(reads.iter().all(|(_, target)| *target == reads[0].1), "{reads:?}");
}

#[rstest]
#[case(cut(), Some("raw-1"))]
#[case(chunk_cut(), Some("raw-1"))]
#[case(reset(), None)]
#[tokio::test]
async fn and_never_taken_for_a_whole_one(#[case] bad: Scripted, #[case] request_id: Option<&str>) {
    let server = Raw::start([bad]).await;
    let provider = connect(&server.url, impatient(), None, false, None);
    let error = ids(&*provider).await.expect_err("gives up");
    assert_transient(&error, RunErrorCode::ProviderUnavailable);
    assert!(error.message.contains("cut off"), "{error:?}");
    assert_eq!(error.request_id.as_deref(), request_id);
    assert!(server.reads().len() > 1);
}

#[rstest]
#[case("<html>Please sign in to the network</html>")]
#[case("")]
#[case(r#"{"value":[{"id":"u1","displayName":"A"},{"id":"u2","dis"#)]
#[tokio::test]
async fn what_is_not_json_is_asked_for_twice_more(#[case] body: &str) {
    let entra = Entra::start().await;
    entra.graph([answer(200).set_body_string(body)]).await;
    let error = ids(&*entra.users()).await.expect_err("refused");
    assert_protocol(&error, "not JSON or is incomplete");
    assert_eq!(error.request_id.as_deref(), Some(REQUEST_ID));
    assert_eq!(entra.reads().await.len(), 3);
}

#[tokio::test]
async fn a_page_that_comes_whole_at_last_is_taken() {
    let entra = Entra::start().await;
    let html = answer(200).set_body_string("<html>");
    entra.graph([html.clone(), html, page(&["u1"], None)]).await;
    assert_eq!(ids(&*entra.users()).await.expect("listed"), ["u1"]);
}

#[tokio::test]
async fn the_content_type_is_not_trusted() {
    let entra = Entra::start().await;
    entra.graph([answer(200).set_body_raw(PAGE, "text/html")]).await;
    assert_eq!(ids(&*entra.users()).await.expect("listed"), ["u1"]);
}

/// Ten mebibytes, announced, in chunks or compressed to a few kilobytes.
#[rstest]
#[case(whole("200 OK", &" ".repeat(10 << 20)).bytes)]
#[case({
    let chunk = format!("{:x}\r\n{}\r\n", 1 << 20, " ".repeat(1 << 20));
    format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{}0\r\n\r\n", chunk.repeat(10)).into_bytes()
})]
#[case({
    let body = gzip::bomb((10 << 20) / 258);
    assert!(body.len() < 1 << 20, "{}", body.len());
    let head = format!("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n", body.len());
    [head.into_bytes(), body].concat()
})]
#[tokio::test]
async fn an_oversized_page_is_not_read(#[case] bytes: Vec<u8>) {
    let mut bounds = quick();
    bounds.page_bytes = 1 << 20;
    let server = Raw::start([Scripted { bytes, close: false }]).await;
    let provider = connect(&server.url, bounds, None, false, None);
    assert_protocol(&ids(&*provider).await.expect_err("refused"), "larger");
    assert_eq!(server.reads().len(), 1);
}

#[tokio::test]
async fn a_page_just_within_the_limit_is_read() {
    let mut entra = Entra::start().await;
    entra.bounds.page_bytes = PAGE.len();
    entra.graph([answer(200).set_body_string(PAGE)]).await;
    assert_eq!(ids(&*entra.users()).await.expect("listed"), ["u1"]);
    entra.bounds.page_bytes = PAGE.len() - 1;
    assert_protocol(&ids(&*entra.users()).await.expect_err("refused"), "larger");
}

#[tokio::test]
async fn an_endless_explanation_does_not_hide_the_refusal() {
    let entra = Entra::start().await;
    entra.graph([answer(403).set_body_string("x".repeat(1 << 20))]).await;
    let error = ids(&*entra.users()).await.expect_err("denied");
    assert_protocol(&error, "HTTP 403");
    assert_eq!(error.request_id.as_deref(), Some(REQUEST_ID));
}
