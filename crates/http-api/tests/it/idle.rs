use tokio::net::TcpStream;

use crate::api::Api;

/// Each takes a file at either end.
const CONNECTIONS: u64 = 4_000;
const OTHER_FILES: u64 = 500;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_of_idle_connections_disturb_nobody() {
    let files = rlimit::increase_nofile_limit(u64::MAX).unwrap();
    let count = CONNECTIONS.min(files.saturating_sub(OTHER_FILES) / 2);
    let api = Api::start().await;
    let acme = api.account("acme").await;
    let address = api.url.strip_prefix("http://").unwrap();
    let mut idle = Vec::new();
    for _ in 0..count {
        idle.push(TcpStream::connect(address).await.unwrap());
    }
    for _ in 0..20 {
        // Not a connection that is open already.
        let client = reqwest::Client::new();
        let answer = client.get(format!("{}/api/directory/users", api.url)).bearer_auth(&acme.viewer).send().await;
        assert_eq!(answer.unwrap().status(), 200);
    }
}
