//! Credentials that end: what a worker says of them, and how it counts them.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use metrics::{Counter, Gauge, GaugeFn, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};
use secrecy::SecretString;
use serde_json::Value;
use store::{Actor, Connection};
use sync_engine::{EngineOptions, Worker};
use tokio_util::sync::CancellationToken;

use crate::{
    logs::lines,
    support::{Bench, quick},
};

/// Keeps what gauges were set to, by their label, and how often.
#[derive(Default)]
struct Gauges(Mutex<BTreeMap<String, Arc<Kept>>>);

#[derive(Default)]
struct Kept(Mutex<(f64, u32)>);

impl GaugeFn for Kept {
    fn increment(&self, _: f64) {}
    fn decrement(&self, _: f64) {}
    fn set(&self, value: f64) {
        let mut kept = self.0.lock().unwrap();
        *kept = (value, kept.1 + 1);
    }
}

impl Recorder for Gauges {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn register_counter(&self, _: &Key, _: &Metadata<'_>) -> Counter {
        Counter::noop()
    }
    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        if key.name() != "directory_credentials_expiring" {
            return Gauge::noop();
        }
        let label = key.labels().flat_map(|label| [label.key(), "=", label.value()]).collect();
        Gauge::from_arc(Arc::clone(self.0.lock().unwrap().entry(label).or_default()))
    }
}

impl Gauges {
    fn values(&self) -> Vec<(String, f64)> {
        self.0.lock().unwrap().iter().map(|(label, kept)| (label.clone(), kept.0.lock().unwrap().0)).collect()
    }

    /// Complete looks so far: this label is set last.
    fn looks(&self) -> u32 {
        self.0.lock().unwrap().get("within=expired").map_or(0, |kept| kept.0.lock().unwrap().1)
    }
}

fn counted(numbers: [(&str, f64); 4]) -> Vec<(String, f64)> {
    numbers.map(|(within, number)| (format!("within={within}"), number)).to_vec()
}

async fn ending(bench: &Bench, expires_at: Option<DateTime<Utc>>) -> Connection {
    let mut registration = bench.registration("scripted");
    registration.credential_expires_at = expires_at;
    bench.engine.register(Actor::SYSTEM, registration).await.unwrap()
}

/// Lets a worker look `more` times from now on.
async fn look(gauges: &Gauges, more: u32) {
    let enough = gauges.looks() + more;
    while gauges.looks() < enough {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test]
async fn each_credential_that_ends_is_told_once_and_counted_at_each_look() {
    let log = tempfile::tempfile().unwrap();
    let writer = log.try_clone().unwrap();
    let subscriber = tracing_subscriber::fmt().json().with_writer(writer).finish();
    let gauges = Gauges::default();
    let bench = Bench::listing(&["ann"]).await;
    let now = Utc::now();
    let month = ending(&bench, Some(now + TimeDelta::days(20))).await;
    let week = ending(&bench, Some(now + TimeDelta::days(3))).await;
    let gone = ending(&bench, Some(now - TimeDelta::days(1))).await;
    ending(&bench, Some(now + TimeDelta::days(40))).await;
    ending(&bench, None).await;

    let (_logging, _counting) =
        (tracing::subscriber::set_default(subscriber), metrics::set_default_local_recorder(&gauges));
    let (keep_changes, keep_events) = (None, None);
    let options = EngineOptions { expiry_look: Duration::from_millis(5), keep_changes, keep_events, ..quick() };
    let engine = bench.engine.clone().with_options(options);
    let stop = CancellationToken::new();
    let script = async {
        look(&gauges, 3).await;
        assert_eq!(gauges.values(), counted([("1d", 0.0), ("30d", 1.0), ("7d", 1.0), ("expired", 1.0)]));
        // The next one of this connection ends soon, too; the other has time enough.
        for (connection, days) in [(&gone, 2), (&week, 300)] {
            let credential = directory_core::Credential::ClientSecret(SecretString::from("s3cret"));
            let ends = Some(now + TimeDelta::days(days));
            bench
                .engine
                .set_credential(Actor::SYSTEM, bench.tenant, connection.id, credential, ends, false)
                .await
                .unwrap();
        }
        // The one that is under way may have begun before.
        look(&gauges, 2).await;
        assert_eq!(gauges.values(), counted([("1d", 0.0), ("30d", 1.0), ("7d", 1.0), ("expired", 0.0)]));
        stop.cancel();
    };
    tokio::join!(Worker::new(engine, 1).run(stop.clone()), script);

    let told: Vec<(String, Value, Value)> = lines(log)
        .into_iter()
        .filter(|line| line["fields"]["hint"].as_str().is_some_and(|hint| hint.contains("set-secret")))
        .map(|mut line| (line["fields"]["connection_id"].to_string(), line["level"].take(), line["fields"].take()))
        .collect();
    let of = |connection: &Connection| {
        let id = format!("\"{}\"", connection.id);
        told.iter()
            .filter(|(told, ..)| *told == id)
            .map(|(_, level, fields)| (level, &fields["warning"]))
            .collect::<Vec<_>>()
    };
    assert_eq!(of(&month), [(&Value::from("WARN"), &Value::from("expires_in_30_days"))]);
    assert_eq!(of(&week), [(&Value::from("WARN"), &Value::from("expires_in_7_days"))]);
    let expected =
        [(&Value::from("ERROR"), &Value::from("expired")), (&Value::from("WARN"), &Value::from("expires_in_7_days"))];
    assert_eq!(of(&gone), expected);
    assert_eq!(told.len(), 4, "{told:?}");
    for (_, _, fields) in &told {
        assert_eq!(fields["tenant"], bench.tenant.to_string());
        assert!(fields["expires_at"].is_string() && !fields.to_string().contains("Test"), "{fields}");
    }
}
