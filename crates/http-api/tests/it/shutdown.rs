use crate::api::{Api, send};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_server_ends_and_leaves_its_address() {
    let api = Api::start().await;
    let health = format!("{}/healthz", api.url);
    // Keeps a connection open, which must not keep the server.
    assert_eq!(send(api.client.get(&health)).await.status, 200);
    api.stop.cancel();
    api.task.await.unwrap().unwrap();
    assert!(api.client.get(&health).send().await.is_err());
}
