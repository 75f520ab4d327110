use std::{
    fs::File,
    io::{Read, Seek},
};

use serde_json::Value;
use sync_engine::SyncEngine;
use tokio_util::sync::CancellationToken;
use tracing_subscriber::filter::LevelFilter;

use crate::support::{Bench, keyring_with};

/// The lines that were logged, in the form that programs read.
pub(crate) fn lines(mut log: File) -> Vec<Value> {
    let mut text = String::new();
    log.rewind().unwrap();
    log.read_to_string(&mut text).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The JSON form shows the top of an error alone, unless the line spells its causes out.
#[tokio::test]
async fn a_failed_runs_line_has_the_cause_in_json_too() {
    let log = tempfile::tempfile().unwrap();
    let subscriber = tracing_subscriber::fmt()
        .json()
        .with_max_level(LevelFilter::INFO)
        .with_writer(log.try_clone().unwrap())
        .finish();
    let bench = Bench::listing(&["ann"]).await;
    let run = bench.request(&bench.connection().await, false).await;
    let keyless = SyncEngine::new(bench.store.clone(), keyring_with("other"), bench.providers.clone());
    let claim = bench.claim(&run).await;
    {
        let _logging = tracing::subscriber::set_default(subscriber);
        keyless.execute(claim, &CancellationToken::new()).await;
    }
    let lines = lines(log);
    let line = lines.iter().find(|line| line["fields"]["message"] == "the run failed").unwrap();
    assert_eq!(line["span"]["run_id"], run.id.to_string());
    let error = line["fields"]["error"].as_str().unwrap();
    // The key that is missing is in the cause alone.
    assert!(error.starts_with("the stored credential cannot be opened: ") && error.contains("`test`"), "{error}");
}
