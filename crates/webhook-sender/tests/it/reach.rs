//! How far messages go.

use std::net::SocketAddr;

use rstest::rstest;
use tokio::net::TcpListener;
use webhook_sender::{Failure, Names, Options, Outcome, Reach, Sender, SystemNames};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::any};

use crate::support::{Forged, failed, options, send};

/// A listener that says whether anybody has come.
struct Trap(TcpListener);

impl Trap {
    async fn new() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    fn address(&self) -> SocketAddr {
        self.0.local_addr().unwrap()
    }

    /// Whoever connected before is in the queue by now.
    fn caught_nobody(self) -> bool {
        let listener = self.0.into_std().unwrap();
        matches!(listener.accept(), Err(error) if error.kind() == std::io::ErrorKind::WouldBlock)
    }
}

/// A name of the internet that leads to this machine or its network.
#[rstest]
#[case("127.0.0.1")]
#[case("::1")]
#[case("10.0.0.1")]
#[case("169.254.169.254")]
#[case("100.64.0.1")]
#[case("::ffff:127.0.0.1")]
#[case("fd00:ec2::254")]
#[case("0.0.0.0")]
#[tokio::test]
async fn a_name_that_leads_inside_is_not_followed(#[case] address: &str) {
    let trap = Trap::new().await;
    let names = Forged::new(&[&[address]]);
    let sender = Sender::new(&options(Reach::Public, names.clone())).unwrap();
    let url = format!("https://hooks.example.test:{}/", trap.address().port());
    assert_eq!(send(&sender, &url).await, failed(Failure::Address));
    assert_eq!(names.asked(), ["hooks.example.test"]);
    assert!(trap.caught_nobody());
}

/// A number needs no name server, and the client asks none.
#[rstest]
#[case("127.0.0.1")]
#[case("2130706433")]
#[case("[::1]")]
#[case("[::ffff:127.0.0.1]")]
#[tokio::test]
async fn a_number_that_leads_inside_is_not_followed(#[case] host: &str) {
    let trap = Trap::new().await;
    let sender = Sender::new(&Options::new(Reach::Public)).unwrap();
    for scheme in ["https", "http"] {
        let url = format!("{scheme}://{host}:{}/", trap.address().port());
        assert_eq!(send(&sender, &url).await, failed(Failure::Address));
    }
    assert!(trap.caught_nobody());
}

/// Nothing is remembered of where a name led the time before.
#[tokio::test]
async fn a_name_is_judged_each_time() {
    let trap = Trap::new().await;
    let names = Forged::new(&[&[], &["127.0.0.1"], &["10.0.0.1", "::1"]]);
    let sender = Sender::new(&options(Reach::Public, names.clone())).unwrap();
    let url = format!("https://hooks.example.test:{}/", trap.address().port());
    let mut outcomes = Vec::new();
    for _ in 0..3 {
        outcomes.push(send(&sender, &url).await);
    }
    assert_eq!(outcomes, [failed(Failure::Name), failed(Failure::Address), failed(Failure::Address)]);
    assert_eq!(names.asked().len(), 3);
    assert!(trap.caught_nobody());
}

/// The names of this very machine are names like any other.
#[tokio::test]
async fn the_machines_own_name_leads_inside() {
    assert!(SystemNames.addresses("localhost").await.unwrap().iter().all(std::net::IpAddr::is_loopback));
    let trap = Trap::new().await;
    let sender = Sender::new(&Options::new(Reach::Public)).unwrap();
    let url = format!("https://localhost:{}/", trap.address().port());
    assert_eq!(send(&sender, &url).await, failed(Failure::Address));
    assert!(trap.caught_nobody());
}

#[tokio::test]
async fn where_the_operator_allows_it_messages_go_inside() {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(200)).mount(&server).await;
    let names = Forged::new(&[&["127.0.0.1"]]);
    let sender = Sender::new(&options(Reach::Anywhere, names.clone())).unwrap();
    let url = format!("http://localhost:{}/", server.address().port());
    assert_eq!(send(&sender, &url).await, Outcome::Delivered { status: 200 });
    assert_eq!(names.asked(), ["localhost"]);
    // But without TLS to this machine only.
    let url = format!("http://hooks.example.test:{}/", server.address().port());
    assert_eq!(send(&sender, &url).await, failed(Failure::Address));
    assert_eq!(names.asked(), ["localhost"]);
}
