//! Following the feed in the process itself.

use std::sync::Mutex;

use async_trait::async_trait;
use store::{BoxError, Event, EventFilter, EventId, EventKind, Feed};
use sync_engine::{EventSubscriber, FollowError};
use tokio_util::sync::CancellationToken;

use crate::support::Bench;

/// Fails a few times of an event, and stops after so many.
struct Memory {
    handled: Mutex<Vec<Event>>,
    failures: Mutex<u32>,
    until: usize,
    stop: CancellationToken,
}

impl Memory {
    fn of(until: usize, failures: u32) -> Self {
        let (handled, failures) = (Mutex::new(Vec::new()), Mutex::new(failures));
        Self { handled, failures, until, stop: CancellationToken::new() }
    }

    fn kinds(&self) -> Vec<EventKind> {
        self.handled.lock().unwrap().iter().map(|event| event.kind).collect()
    }
}

#[async_trait]
impl EventSubscriber for Memory {
    async fn handle(&self, event: &Event) -> Result<(), BoxError> {
        let mut handled = self.handled.lock().unwrap();
        let mut failures = self.failures.lock().unwrap();
        if handled.len() == 1 && *failures > 0 {
            *failures -= 1;
            return Err("not now".into());
        }
        handled.push(event.clone());
        if handled.len() == self.until {
            self.stop.cancel();
        }
        Ok(())
    }
}

#[tokio::test]
async fn events_are_handed_over_in_order_and_again_when_that_fails() {
    let bench = Bench::listing(&["ann", "bob", "cid"]).await;
    let connection = bench.connection().await;
    bench.sync(&connection, false).await;
    let engine = &bench.engine;
    let Feed::Page(all) = engine.store().events(bench.tenant, None, &EventFilter::default(), 100).await.unwrap() else {
        panic!("nothing was deleted");
    };
    assert_eq!(all.events.len(), 4);

    let memory = Memory::of(2, 2);
    let follower = engine.follow(bench.tenant, EventId::START, EventFilter::default());
    let place = follower.run(&memory, &memory.stop).await.unwrap();
    assert_eq!(*memory.failures.lock().unwrap(), 0);
    assert_eq!(*memory.handled.lock().unwrap(), all.events[..2]);
    assert_eq!(place, all.events[1].id);

    let rest = Memory::of(2, 0);
    let follower = engine.follow(bench.tenant, place, EventFilter::default());
    follower.run(&rest, &rest.stop).await.unwrap();
    assert_eq!(*rest.handled.lock().unwrap(), all.events[2..]);
}

#[tokio::test]
async fn a_follower_waits_for_what_is_to_come() {
    let bench = Bench::listing(&["ann", "bob"]).await;
    let connection = bench.connection().await;
    let memory = Memory::of(1, 0);
    let filter = EventFilter { kinds: vec![EventKind::RunFinished] };
    let follower = bench.engine.follow(bench.tenant, EventId::START, filter);
    let (outcome, _) = tokio::join!(follower.run(&memory, &memory.stop), bench.sync(&connection, false));
    outcome.unwrap();
    assert_eq!(memory.kinds(), [EventKind::RunFinished]);
}

#[tokio::test]
async fn a_follower_that_comes_too_late_ends() {
    let bench = Bench::listing(&["ann"]).await;
    let memory = Memory::of(1, 0);
    let place = EventId::of(uuid::Uuid::from_u128(7));
    let follower = bench.engine.follow(bench.tenant, place, EventFilter::default());
    let ended = follower.run(&memory, &memory.stop).await;
    assert!(matches!(ended, Err(FollowError::Gone(after)) if after == place), "{ended:?}");
}
