//! Webhooks: what is sent when, on a clock that the test turns.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use directory_core::{TenantId, fake::FakeDirectory};
use secrecy::ExposeSecret;
use store::{
    Actor, Delivery, DeliveryState, EventId, EventKind, IdPage, Replay, SendLimits, UpdatedWebhook, Webhook,
    WebhookState, WebhookUpdate,
};
use sync_engine::{
    SyncEngine, Worker,
    webhooks::{
        MOST_ATTEMPTS, MOST_PENDING, MOST_WEBHOOKS, WebhookMessage, WebhookOutcome, WebhookRegistration, WebhookSender,
    },
};
use tokio_util::sync::CancellationToken;

use crate::{
    logs::lines,
    support::{Bench, keyring_with, person, quick},
};

const URL: &str = "https://hooks.example.test/in?code=7";
const LIMITS: SendLimits = SendLimits { pending: MOST_PENDING, per_tenant: 9 };
const ALL: IdPage = IdPage { after: None, limit: 1_000 };

/// What time it is, by the test's word.
type Now = Arc<Mutex<DateTime<Utc>>>;

/// A message as it arrived.
#[derive(Clone, Debug)]
struct Received {
    id: String,
    kind: String,
    data: serde_json::Value,
    secrets: Vec<String>,
    at: DateTime<Utc>,
}

/// Answers as it is told, and remembers what it got.
#[derive(Default)]
struct Receiver {
    received: Mutex<Vec<Received>>,
    answers: Mutex<HashMap<String, WebhookOutcome>>,
    usual: Mutex<Option<WebhookOutcome>>,
    under_way: AtomicUsize,
    most_under_way: AtomicUsize,
    /// The clock, and how far it goes on with each message.
    slowness: Mutex<Option<(Now, TimeDelta)>>,
}

impl Receiver {
    fn answer(&self, usual: WebhookOutcome) {
        *self.usual.lock().unwrap() = Some(usual);
    }

    fn answer_to(&self, id: &str, outcome: WebhookOutcome) {
        self.answers.lock().unwrap().insert(id.to_owned(), outcome);
    }

    fn take(&self) -> Vec<Received> {
        std::mem::take(&mut *self.received.lock().unwrap())
    }
}

#[async_trait]
impl WebhookSender for Receiver {
    fn fault_of(&self, url: &str) -> Option<String> {
        (!url.starts_with("https://")).then(|| "must be https".to_owned())
    }

    async fn send(&self, message: WebhookMessage<'_>) -> WebhookOutcome {
        assert_eq!(message.url, URL);
        let now = self.under_way.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_under_way.fetch_max(now, Ordering::SeqCst);
        self.received.lock().unwrap().push(Received {
            id: message.id.to_owned(),
            kind: message.kind.to_owned(),
            data: message.data.clone(),
            secrets: message.secrets.iter().map(|secret| secret.expose_secret().to_owned()).collect(),
            at: message.at,
        });
        if let Some((clock, time)) = &*self.slowness.lock().unwrap() {
            *clock.lock().unwrap() += *time;
        }
        // They are sent in order, and on their way together.
        tokio::task::yield_now().await;
        self.under_way.fetch_sub(1, Ordering::SeqCst);
        let own = self.answers.lock().unwrap().get(message.id).cloned();
        own.or_else(|| self.usual.lock().unwrap().clone()).unwrap_or(WebhookOutcome::Delivered { status: 200 })
    }
}

fn failed(status: u16, retry_after: Option<Duration>) -> WebhookOutcome {
    let (code, message) = ("status".to_owned(), "the receiver answered".to_owned());
    WebhookOutcome::Failed { status: Some(status), code, message, retry_after }
}

/// An engine with a receiver and a clock.
struct Stage {
    bench: Bench,
    engine: SyncEngine,
    receiver: Arc<Receiver>,
    now: Now,
}

impl Stage {
    async fn new() -> Self {
        let people = ["ann", "bob", "cid"];
        // Everybody comes with the first listing; later ones are the same.
        Self::with(Bench::listing(&people).await)
    }

    fn with(bench: Bench) -> Self {
        let receiver = Arc::new(Receiver::default());
        let engine = bench.engine.clone().with_webhooks(receiver.clone());
        Self { bench, engine, receiver, now: Arc::new(Mutex::new(Utc::now())) }
    }

    fn now(&self) -> DateTime<Utc> {
        *self.now.lock().unwrap()
    }

    fn pass(&self, time: TimeDelta) {
        *self.now.lock().unwrap() += time;
    }

    fn tenant(&self) -> TenantId {
        self.bench.tenant
    }

    async fn webhook(&self, kinds: Option<Vec<EventKind>>) -> Webhook {
        let (webhook, secret) =
            self.engine.create_webhook(Actor::SYSTEM, self.registration(kinds)).await.unwrap().unwrap();
        assert!(secret.expose_secret().starts_with("whsec_"));
        webhook
    }

    fn registration(&self, kinds: Option<Vec<EventKind>>) -> WebhookRegistration {
        WebhookRegistration { tenant: self.tenant(), url: URL.to_owned(), description: None, kinds }
    }

    /// A sync of a new connection, which makes three users.
    async fn sync(&self) {
        let connection = self.bench.connection().await;
        let run = self.bench.request(&connection, false).await;
        self.engine.execute(self.bench.claim(&run).await, &CancellationToken::new()).await;
    }

    async fn turn(&self) -> bool {
        self.turn_of(&self.engine).await
    }

    async fn turn_of(&self, engine: &SyncEngine) -> bool {
        engine.send_to_a_webhook(&|| self.now(), &CancellationToken::new()).await.unwrap()
    }

    /// Until nobody has anything to do any more.
    async fn settle(&self) {
        for _ in 0..100 {
            if !self.turn().await {
                return;
            }
        }
        panic!("there is no end to it");
    }

    async fn read(&self, webhook: &Webhook) -> Webhook {
        self.engine.store().webhook(self.tenant(), webhook.id).await.unwrap().unwrap()
    }

    async fn deliveries(&self, webhook: &Webhook, state: DeliveryState) -> Vec<Delivery> {
        self.engine.store().deliveries(self.tenant(), webhook.id, Some(state), ALL).await.unwrap()
    }

    async fn replay(&self, webhook: &Webhook, replay: Replay) -> Option<u64> {
        self.engine.store().replay_webhook(Actor::SYSTEM, self.tenant(), webhook.id, replay, self.now()).await.unwrap()
    }
}

fn kinds(received: &[Received]) -> Vec<&str> {
    received.iter().map(|message| message.kind.as_str()).collect()
}

#[tokio::test]
async fn what_happens_is_sent_once_and_in_order() {
    let stage = Stage::new().await;
    let webhook = stage.webhook(None).await;
    stage.settle().await;
    assert_eq!(stage.receiver.take().len(), 0, "nothing has happened yet");

    stage.sync().await;
    stage.settle().await;
    let received = stage.receiver.take();
    assert_eq!(kinds(&received), ["user.created", "user.created", "user.created", "run.finished"]);
    let ids: HashSet<&str> = received.iter().map(|message| message.id.as_str()).collect();
    assert_eq!(ids.len(), 4);
    let first = &received[0];
    assert_eq!(
        (first.data["id"].as_str(), first.data["type"].as_str()),
        (Some(first.id.as_str()), Some("user.created"))
    );
    assert!(first.data["data"]["email"].as_str().unwrap().contains('@'));
    assert_eq!(first.at, stage.now());

    stage.settle().await;
    assert_eq!(stage.receiver.take().len(), 0);
    let now = stage.read(&webhook).await;
    assert_eq!((now.pending, now.dead, now.state), (0, 0, WebhookState::Enabled));
}

#[tokio::test]
async fn a_webhook_gets_what_it_wants_and_what_comes_after_it_was_made() {
    let stage = Stage::new().await;
    stage.sync().await;
    let webhook = stage.webhook(Some(vec![EventKind::RunFinished])).await;
    stage.sync().await;
    stage.settle().await;
    assert_eq!(kinds(&stage.receiver.take()), ["run.finished"]);
    let none = stage.replay(&webhook, Replay::After(EventId::START)).await;
    assert_eq!(none, Some(0));
    stage.settle().await;
    assert_eq!(kinds(&stage.receiver.take()), ["run.finished", "run.finished"], "the one before it as well");
}

#[tokio::test]
async fn a_message_that_fails_is_tried_again_for_three_days_and_then_given_up() {
    let stage = Stage::new().await;
    let webhook = stage.webhook(Some(vec![EventKind::RunFinished])).await;
    stage.sync().await;
    stage.receiver.answer(failed(500, None));
    stage.settle().await;
    let id = stage.receiver.take().remove(0).id;

    let mut pauses = Vec::new();
    loop {
        let pending = stage.deliveries(&webhook, DeliveryState::Pending).await;
        let Some(delivery) = pending.first() else { break };
        assert_eq!((pending.len(), delivery.event.to_string()), (1, id.clone()));
        assert_eq!((delivery.last_status, delivery.last_code.as_str()), (Some(500), "status"));
        let pause = delivery.next_attempt_at.unwrap() - stage.now();
        stage.pass(pause - TimeDelta::milliseconds(10));
        assert!(!stage.turn().await, "it is not due yet");
        stage.pass(TimeDelta::milliseconds(20));
        assert!(stage.turn().await);
        let again = stage.receiver.take();
        assert_eq!(again.iter().map(|message| message.id.as_str()).collect::<Vec<_>>(), [id.as_str()]);
        assert_eq!(again[0].at, stage.now());
        assert_eq!(again[0].data["type"], "run.finished");
        pauses.push(pause);
    }
    assert_eq!(u32::try_from(pauses.len()).unwrap(), MOST_ATTEMPTS - 1);
    assert!(pauses.is_sorted() && pauses.iter().sum::<TimeDelta>() > TimeDelta::days(3));
    let dead = stage.deliveries(&webhook, DeliveryState::Dead).await;
    assert_eq!((dead.len(), dead[0].attempts, dead[0].next_attempt_at), (1, MOST_ATTEMPTS, None));
    stage.pass(TimeDelta::days(7));
    stage.settle().await;
    assert_eq!(stage.receiver.take().len(), 0, "it is given up");

    // Asked for, it is sent at once, and arrives.
    stage.receiver.answer(WebhookOutcome::Delivered { status: 200 });
    assert_eq!(stage.replay(&webhook, Replay::One(dead[0].id)).await, Some(1));
    stage.settle().await;
    assert_eq!(stage.receiver.take()[0].id, id);
    let now = stage.read(&webhook).await;
    assert_eq!((now.pending, now.dead), (0, 0));
}

#[tokio::test]
async fn one_that_fails_keeps_no_other_back_and_arrives_by_its_id() {
    let stage = Stage::new().await;
    let webhook = stage.webhook(None).await;
    stage.sync().await;
    // Which it will be is known before it is sent.
    let store::Feed::Page(page) =
        stage.engine.store().events(stage.tenant(), None, &store::EventFilter::default(), 10).await.unwrap()
    else {
        panic!("the feed is there");
    };
    let second = page.events[1].id.to_string();
    stage.receiver.answer_to(&second, failed(503, None));
    stage.settle().await;
    assert_eq!(stage.receiver.take().len(), 4);
    assert_eq!(stage.read(&webhook).await.pending, 1);
    stage.receiver.answer_to(&second, WebhookOutcome::Delivered { status: 202 });
    stage.pass(TimeDelta::seconds(7));
    stage.settle().await;
    let again = stage.receiver.take();
    assert_eq!(again.iter().map(|message| message.id.as_str()).collect::<Vec<_>>(), [second.as_str()]);
    assert_eq!(again[0].data["data"]["userId"], serde_json::to_value(&page.events[1]).unwrap()["data"]["userId"]);
    assert_eq!(stage.read(&webhook).await.pending, 0);
}

#[tokio::test]
async fn a_receiver_is_left_alone_for_as_long_as_it_asks() {
    let stage = Stage::new().await;
    let webhook = stage.webhook(Some(vec![EventKind::RunFinished])).await;
    stage.sync().await;
    stage.receiver.answer(failed(429, Some(Duration::from_mins(10))));
    stage.settle().await;
    assert_eq!(stage.receiver.take().len(), 1);
    let next = stage.deliveries(&webhook, DeliveryState::Pending).await[0].next_attempt_at.unwrap();
    assert!((next - stage.now() - TimeDelta::minutes(10)).abs() < TimeDelta::seconds(1), "{next}");
}

#[tokio::test]
async fn a_receiver_that_is_gone_is_sent_nothing_more() {
    let stage = Stage::new().await;
    let webhook = stage.webhook(None).await;
    stage.sync().await;
    stage.receiver.answer(WebhookOutcome::Gone);
    stage.settle().await;
    assert_eq!(stage.receiver.take().len(), 4, "they were on their way already");
    let gone = stage.read(&webhook).await;
    assert_eq!(gone.state, WebhookState::Disabled);
    assert!(gone.state_reason.as_deref().unwrap().contains("410"), "{:?}", gone.state_reason);
    stage.sync().await;
    stage.pass(TimeDelta::days(1));
    stage.settle().await;
    assert_eq!(stage.receiver.take().len(), 0);

    // Enabled again, it misses nothing.
    stage.receiver.answer(WebhookOutcome::Delivered { status: 200 });
    let update = WebhookUpdate { url: gone.url.clone(), description: None, kinds: None, enabled: true };
    let store = stage.engine.store();
    let updated = store.update_webhook(Actor::SYSTEM, stage.tenant(), gone.id, gone.updated_at, &update).await.unwrap();
    let UpdatedWebhook::Done(enabled) = updated else { panic!("not enabled: {updated:?}") };
    assert_eq!((enabled.state, enabled.state_reason), (WebhookState::Enabled, None));
    stage.settle().await;
    let received = stage.receiver.take();
    assert_eq!(received.iter().map(|message| &message.id).collect::<HashSet<_>>().len(), received.len());
    assert!(received.len() >= 5, "the four, and the second run's: {:?}", kinds(&received));
}

/// With many messages in the list the feed waits, so that the list does not grow without end; nothing is lost.
#[tokio::test]
async fn while_a_receiver_is_away_the_feed_waits() {
    let names: Vec<String> = (0..150).map(|n| format!("p{n}")).collect();
    let pages = vec![names.iter().map(|name| person(name)).collect()];
    let bench = Bench::new(move |_| Box::new(FakeDirectory::complete(pages.clone()))).await;
    let stage = Stage::with(bench);
    let webhook = stage.webhook(None).await;
    stage.sync().await;
    stage.receiver.answer(failed(500, None));
    stage.settle().await;
    let pending = stage.read(&webhook).await.pending;
    assert!((u64::from(MOST_PENDING)..u64::from(MOST_PENDING) + 8).contains(&pending), "{pending}");
    assert!(stage.receiver.most_under_way.load(Ordering::SeqCst) <= 8);

    let tried = stage.receiver.take().len();
    stage.receiver.answer(WebhookOutcome::Delivered { status: 200 });
    stage.pass(TimeDelta::hours(1));
    stage.settle().await;
    let arrived: HashSet<String> = stage.receiver.take().into_iter().map(|message| message.id).collect();
    assert_eq!(arrived.len(), 151, "every user and the run, of which {tried} were tried before");
    assert_eq!(stage.read(&webhook).await.pending, 0);
}

/// A receiver that is slow has its place for a while, and then it is others' turn.
#[tokio::test]
async fn a_turn_ends_however_much_there_is_to_send() {
    let names: Vec<String> = (0..40).map(|n| format!("p{n}")).collect();
    let pages = vec![names.iter().map(|name| person(name)).collect()];
    let stage = Stage::with(Bench::new(move |_| Box::new(FakeDirectory::complete(pages.clone()))).await);
    stage.webhook(None).await;
    stage.sync().await;
    *stage.receiver.slowness.lock().unwrap() = Some((stage.now.clone(), TimeDelta::seconds(1)));
    assert!(stage.turn().await);
    assert_eq!(stage.receiver.take().len(), 16, "after eight it has time left, after sixteen it has none");
    stage.settle().await;
    assert_eq!(stage.receiver.take().len(), 25, "every user and the run, by and by");
}

/// The line says which webhook it is, and not where it is.
#[tokio::test]
async fn a_webhook_that_cannot_be_sent_to_is_named_in_the_log() {
    let log = tempfile::tempfile().unwrap();
    let subscriber = tracing_subscriber::fmt().json().with_writer(log.try_clone().unwrap()).finish();
    let stage = Stage::new().await;
    let webhook = stage.webhook(None).await;
    stage.sync().await;
    let Bench { store, providers, .. } = &stage.bench;
    let keyless = SyncEngine::new(store.clone(), keyring_with("other"), providers.clone())
        .with_options(quick())
        .with_webhooks(stage.receiver.clone());
    let stop = CancellationToken::new();
    let told = || lines(log.try_clone().unwrap()).into_iter().find(|line| line["fields"]["webhook_id"].is_string());
    let _logging = tracing::subscriber::set_default(subscriber);
    let script = async {
        let line = loop {
            match told() {
                Some(line) => break line,
                None => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        };
        stop.cancel();
        line
    };
    let ((), line) = tokio::join!(Worker::new(keyless, 1).run(stop.clone()), script);
    assert_eq!(line["fields"]["webhook_id"], webhook.id.to_string());
    assert_eq!(line["fields"]["tenant"], stage.tenant().to_string());
    assert!(line["fields"]["error"].as_str().unwrap().contains("`test`"), "{line}");
    assert!(!line.to_string().contains("hooks.example"), "{line}");
}

#[tokio::test]
async fn two_servers_send_nothing_twice() {
    let stage = Stage::new().await;
    stage.webhook(None).await;
    stage.webhook(Some(vec![EventKind::UserCreated])).await;
    let other = stage.engine.clone();
    for _ in 0..4 {
        stage.sync().await;
    }
    for _ in 0..10 {
        tokio::join!(stage.turn_of(&stage.engine), stage.turn_of(&other), stage.turn_of(&stage.engine));
    }
    stage.settle().await;
    let mut times: HashMap<String, u32> = HashMap::new();
    for message in stage.receiver.take() {
        *times.entry(message.id).or_default() += 1;
    }
    // Users for both webhooks, runs for one of them.
    assert_eq!(times.values().filter(|count| **count == 2).count(), 3, "{times:?}");
    assert!(times.values().all(|count| *count <= 2), "{times:?}");
    assert!(times.len() > 3);
}

/// The webhook is another server's after a crash, as soon as the lease has passed; what was on its way then is sent again.
#[tokio::test]
async fn what_a_dead_server_had_is_sent_by_another() {
    let stage = Stage::new().await;
    let webhook = stage.webhook(None).await;
    stage.sync().await;
    let lease =
        stage.engine.store().lease_webhook(uuid::Uuid::now_v7(), Duration::from_millis(300), stage.now(), LIMITS);
    let lease = lease.await.unwrap().unwrap().lease;
    assert_eq!(lease.webhook, webhook.id);
    assert!(!stage.turn().await, "somebody has it");
    while !stage.turn().await {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(stage.receiver.take().len(), 4);
}

#[tokio::test]
async fn while_a_secret_is_replaced_both_sign() {
    let stage = Stage::new().await;
    let (webhook, first) = stage.engine.create_webhook(Actor::SYSTEM, stage.registration(None)).await.unwrap().unwrap();
    let rotate = async || {
        let rotated =
            stage.engine.rotate_webhook_secret(Actor::SYSTEM, stage.tenant(), webhook.id, stage.now()).await.unwrap();
        rotated.unwrap().1
    };
    let second = rotate().await;
    let tried = async || {
        let outcome = stage.engine.test_webhook(stage.tenant(), webhook.id, stage.now()).await.unwrap();
        assert_eq!(outcome, Some(WebhookOutcome::Delivered { status: 200 }));
        let mut received = stage.receiver.take();
        assert_eq!((received.len(), received[0].kind.as_str()), (1, "webhook.test"));
        received.remove(0).secrets
    };
    let text = |secret: &secrecy::SecretString| secret.expose_secret().to_owned();
    assert_eq!(tried().await, [text(&second), text(&first)]);
    let third = rotate().await;
    assert_eq!(tried().await, [text(&third), text(&second)], "the first is out for good");
    stage.pass(TimeDelta::hours(24));
    assert_eq!(tried().await, [text(&third)]);
}

#[tokio::test]
async fn a_tenant_has_so_many_webhooks_and_no_more() {
    let stage = Stage::new().await;
    for _ in 0..MOST_WEBHOOKS {
        stage.webhook(None).await;
    }
    assert!(stage.engine.create_webhook(Actor::SYSTEM, stage.registration(None)).await.unwrap().is_none());
    assert_eq!(stage.engine.webhook_address_fault("http://x").as_deref(), Some("must be https"));
}
