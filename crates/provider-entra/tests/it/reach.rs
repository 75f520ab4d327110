//! Whether hosts answer, and what their clocks say.

use std::time::{Duration, SystemTime};

use provider_entra::{EntraOptions, Probe, Reached, Unreached};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use url::Url;
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::any};

async fn reach(url: &str) -> Result<Reached, Unreached> {
    let url: Url = url.parse().expect("URL");
    let options =
        EntraOptions { login_url: Some(url.clone()), graph_url: Some(url.clone()), ..EntraOptions::default() };
    Probe::new(&options).expect("client").reach(&url).await
}

async fn answering(answer: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(answer).mount(&server).await;
    server
}

#[tokio::test]
async fn any_answer_is_an_answer_and_redirects_are_not_followed() {
    for status in [200, 401, 404, 503] {
        let server = answering(ResponseTemplate::new(status)).await;
        assert_eq!(reach(&server.uri()).await.expect("reached").status, status);
    }
    let elsewhere = answering(ResponseTemplate::new(200)).await;
    let server = answering(ResponseTemplate::new(302).insert_header("location", elsewhere.uri())).await;
    assert_eq!(reach(&server.uri()).await.expect("reached").status, 302);
    assert!(elsewhere.received_requests().await.expect("recorded").is_empty());
}

#[tokio::test]
async fn a_request_carries_nothing_of_ours_but_the_programs_name() {
    let server = answering(ResponseTemplate::new(200)).await;
    reach(&server.uri()).await.expect("reached");
    let requests = server.received_requests().await.expect("recorded");
    assert_eq!(requests.len(), 1);
    assert!(requests[0].body.is_empty() && !requests[0].headers.contains_key("authorization"));
}

#[tokio::test]
async fn a_clock_that_is_wrong_is_told_with_its_direction() {
    let hour = Duration::from_hours(1);
    for (ahead, date) in [(true, SystemTime::now() + hour), (false, SystemTime::now() - hour)] {
        let date = httpdate::fmt_http_date(date);
        let server = answering(ResponseTemplate::new(200).insert_header("date", date)).await;
        let skew = reach(&server.uri()).await.expect("reached").clock.expect("a date");
        assert_eq!(skew.ahead, ahead);
        assert!(skew.apart.abs_diff(hour) < Duration::from_mins(5), "{skew:?}");
    }
    let server = answering(ResponseTemplate::new(200).insert_header("date", "today")).await;
    assert_eq!(reach(&server.uri()).await.expect("reached").clock, None);
}

#[tokio::test]
async fn each_way_of_not_answering_is_told_apart() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("bind");
    let address = listener.local_addr().expect("address");
    tokio::spawn(async move {
        // Takes connections and closes them at once.
        while let Ok((stream, _)) = listener.accept().await {
            drop(stream);
        }
    });
    assert_eq!(reach(&format!("http://{address}")).await, Err(Unreached::Cut));

    let free = TcpListener::bind(("127.0.0.1", 0)).await.expect("bind").local_addr().expect("address");
    assert_eq!(reach(&format!("http://{free}")).await, Err(Unreached::Connect));

    // Longer than a name may be, which no name server needs to be asked for.
    let nowhere = format!("https://{}.invalid", "n".repeat(64));
    assert_eq!(reach(&nowhere).await, Err(Unreached::Name));

    let plain = TcpListener::bind(("127.0.0.1", 0)).await.expect("bind");
    let address = plain.local_addr().expect("address");
    tokio::spawn(async move {
        // Answers, but not in TLS, and waits for the other side to leave.
        while let Ok((mut stream, _)) = plain.accept().await {
            stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.expect("written");
            let mut rest = Vec::new();
            let _ = stream.read_to_end(&mut rest).await;
        }
    });
    assert_eq!(reach(&format!("https://{address}")).await, Err(Unreached::Tls));
}
