//! What receivers get, and what is made of what they answer.

use std::time::Duration;

use rstest::rstest;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use webhook_sender::{Failure, Options, Outcome, Reach, Sender};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::any};

use crate::support::{SECRET, failed, failed_for, send, send_with, sender};

async fn receiver(answer: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(answer).mount(&server).await;
    server
}

/// The very request of the published vector: what any library of Standard Webhooks takes.
#[tokio::test]
async fn a_message_arrives_signed() {
    let server = receiver(ResponseTemplate::new(204)).await;
    let outcome = send(&sender(), &format!("{}/in?code=7", server.uri())).await;
    assert_eq!(outcome, Outcome::Delivered { status: 204 });

    let requests = server.received_requests().await.unwrap();
    assert_eq!(requests.len(), 1);
    let request = &requests[0];
    let header = |name: &str| request.headers.get(name).unwrap().to_str().unwrap();
    assert_eq!((request.method.as_str(), request.url.path(), request.url.query()), ("POST", "/in", Some("code=7")));
    assert_eq!(header("content-type"), "application/json");
    assert_eq!(header("webhook-id"), "msg_p5jXN8AQM9LWM0D4loKWxJek");
    assert_eq!(header("webhook-timestamp"), "1614265330");
    assert_eq!(header("webhook-signature"), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    assert!(header("user-agent").starts_with("webhook-sender/"));
    assert_eq!(request.body, br#"{"test": 2432232314}"#);
}

#[tokio::test]
async fn while_a_secret_is_replaced_both_sign() {
    let server = receiver(ResponseTemplate::new(200)).await;
    send_with(&sender(), &server.uri(), &["whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD", SECRET]).await;
    let requests = server.received_requests().await.unwrap();
    let signature = requests[0].headers.get("webhook-signature").unwrap().to_str().unwrap();
    let (new, old) = signature.split_once(' ').unwrap();
    assert!(new.starts_with("v1,") && new != old);
    assert_eq!(old, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

#[rstest]
#[case(ResponseTemplate::new(201), Outcome::Delivered { status: 201 })]
#[case(ResponseTemplate::new(410), Outcome::Gone)]
#[case(ResponseTemplate::new(400), failed(Failure::Status(400)))]
#[case(ResponseTemplate::new(500), failed(Failure::Status(500)))]
#[case(ResponseTemplate::new(429).insert_header("retry-after", "17"), failed_for(Failure::Status(429), 17))]
#[tokio::test]
async fn an_answer_is_told_by_its_status(#[case] answer: ResponseTemplate, #[case] outcome: Outcome) {
    assert_eq!(send(&sender(), &receiver(answer).await.uri()).await, outcome);
}

/// A date is told in the receiver's own time, whatever ours is.
#[tokio::test]
async fn a_date_to_come_back_at_is_the_receivers() {
    let answer = ResponseTemplate::new(503)
        .insert_header("date", "Sun, 06 Nov 1994 08:49:37 GMT")
        .insert_header("retry-after", "Sun, 06 Nov 1994 08:50:37 GMT");
    assert_eq!(send(&sender(), &receiver(answer).await.uri()).await, failed_for(Failure::Status(503), 60));
}

/// Not even to where it was: a redirect could lead to what nobody has checked.
#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = receiver(ResponseTemplate::new(200)).await;
    for status in [301, 302, 303, 307, 308] {
        let server = receiver(ResponseTemplate::new(status).insert_header("location", elsewhere.uri())).await;
        assert_eq!(send(&sender(), &server.uri()).await, failed(Failure::Status(status)));
    }
    assert_eq!(elsewhere.received_requests().await.unwrap().len(), 0);
}

/// A receiver that answers with one hand and goes on for ever with the other holds nobody up.
#[tokio::test]
async fn an_endless_answer_is_not_read_to_its_end() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let endless = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = [0; 4096];
        let _ = stream.read(&mut request).await.unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await.unwrap();
        let chunk = [b"1000\r\n".as_slice(), &[b'a'; 0x1000], b"\r\n"].concat();
        let mut written = 0_usize;
        while stream.write_all(&chunk).await.is_ok() {
            written += chunk.len();
        }
        written
    });
    let outcome = send(&sender(), &url).await;
    assert_eq!(outcome, Outcome::Delivered { status: 200 });
    // It ends because nobody listens any more, and not because it was heard out.
    assert!(endless.await.unwrap() > 0);
}

#[tokio::test]
async fn a_receiver_that_takes_too_long_is_left() {
    let server = receiver(ResponseTemplate::new(200).set_delay(Duration::from_mins(1))).await;
    let options = Options { time: Duration::from_millis(50), ..Options::new(Reach::Anywhere) };
    let outcome = send(&Sender::new(&options).unwrap(), &server.uri()).await;
    assert_eq!(outcome, failed(Failure::Timeout));
}

#[tokio::test]
async fn nobody_there_is_told_apart_from_a_lost_answer() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let hangs_up = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = [0; 4096];
        let _ = stream.read(&mut request).await.unwrap();
    });
    assert_eq!(send(&sender(), &url).await, failed(Failure::Cut));
    hangs_up.await.unwrap();
    // The listener is gone.
    assert_eq!(send(&sender(), &url).await, failed(Failure::Connect));
}

#[tokio::test]
async fn what_speaks_no_tls_is_told() {
    let server = receiver(ResponseTemplate::new(200)).await;
    let url = server.uri().replace("http://", "https://");
    assert_eq!(send(&sender(), &url).await, failed(Failure::Tls));
}
