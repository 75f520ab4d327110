//! Days of schedules, in a time that goes from one start to the next by itself.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use directory_core::{DirectoryProvider, FailureKind, ProviderError, RunErrorCode, fake::FakeDirectory};
use store::{Actor, ClaimLimits, Clock, Connection, ConnectionState, IdPage, Run, RunStatus, Trigger};
use sync_engine::Registration;
use tokio_util::sync::CancellationToken;

use crate::support::{Bench, failure, person};

const BEGIN: &str = "2026-03-02T00:00:00Z";

/// What befalls the directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Weather {
    Fair,
    /// Fair, and somebody is there.
    Inhabited,
    Misconfigured,
    Unreachable,
    /// It asks to be left alone for so many minutes.
    Busy(u64),
}

impl Weather {
    fn directory(self) -> Box<dyn DirectoryProvider> {
        let kind = match self {
            Self::Fair => return Box::new(FakeDirectory::complete(vec![vec![]])),
            Self::Inhabited => return Box::new(FakeDirectory::complete(vec![vec![person("ada")]])),
            Self::Misconfigured => FailureKind::Configuration,
            Self::Unreachable => FailureKind::Transient { retry_after: None },
            Self::Busy(minutes) => FailureKind::Transient { retry_after: Some(Duration::from_mins(minutes)) },
        };
        let code = match self {
            Self::Misconfigured => RunErrorCode::CredentialExpired,
            Self::Busy(_) => RunErrorCode::Throttled,
            Self::Fair | Self::Inhabited | Self::Unreachable => RunErrorCode::ProviderUnavailable,
        };
        Box::new(FakeDirectory::failing(vec![], ProviderError { code, ..failure(kind) }))
    }
}

/// An engine in a time of its own.
struct Simulation {
    bench: Bench,
    now: Arc<Mutex<DateTime<Utc>>>,
    weather: Arc<Mutex<Weather>>,
}

impl Simulation {
    async fn new() -> Self {
        let now = Arc::new(Mutex::new(at(BEGIN)));
        let weather = Arc::new(Mutex::new(Weather::Fair));
        let script = {
            let weather = weather.clone();
            move |_| weather.lock().unwrap().directory()
        };
        let clock = {
            let now = now.clone();
            Clock::new(move || *now.lock().unwrap())
        };
        Self { bench: Bench::in_time(clock, script).await, now, weather }
    }

    async fn scheduled(&self, schedule: &str) -> Connection {
        let registration = Registration { schedule: Some(schedule.to_owned()), ..self.bench.registration("scripted") };
        self.bench.engine.register(Actor::SYSTEM, registration).await.unwrap()
    }

    fn turns(&self, weather: Weather) {
        *self.weather.lock().unwrap() = weather;
    }

    fn goes_on_to(&self, time: DateTime<Utc>) {
        let mut now = self.now.lock().unwrap();
        assert!(time > *now, "{time} is over");
        *now = time;
    }

    async fn read(&self, connection: &Connection) -> Connection {
        self.bench.store.connection(self.bench.tenant, connection.id).await.unwrap().unwrap()
    }

    /// Executes whatever may be claimed.
    async fn works(&self) {
        let lease = Duration::from_mins(1);
        while let Some(claim) =
            self.bench.store.claim_next(uuid::Uuid::now_v7(), lease, ClaimLimits::NONE).await.unwrap()
        {
            self.bench.engine.execute(claim, &CancellationToken::new()).await;
        }
    }

    /// Goes on to the connection's next start, which the schedules start and a worker executes; when that was.
    async fn starts_next(&self, connection: &Connection) -> DateTime<Utc> {
        let next = self.read(connection).await.next_sync_at.expect("a next time");
        self.goes_on_to(next - TimeDelta::seconds(1));
        assert_eq!(self.bench.engine.start_due_runs().await.unwrap(), 0, "nothing starts before {next}");
        self.goes_on_to(next);
        assert_eq!(self.bench.engine.start_due_runs().await.unwrap(), 1, "one run starts at {next}");
        assert_eq!(self.bench.engine.start_due_runs().await.unwrap(), 0, "once");
        self.works().await;
        next
    }

    /// How long after each other the next starts are, in minutes, the first one after now.
    async fn minutes_to_starts(&self, connection: &Connection, starts: usize) -> Vec<i64> {
        let mut minutes = Vec::new();
        for _ in 0..starts {
            let before = *self.now.lock().unwrap();
            minutes.push((self.starts_next(connection).await - before).num_minutes());
        }
        minutes
    }

    async fn runs(&self, connection: &Connection) -> Vec<Run> {
        let page = IdPage { after: None, limit: 10_000 };
        self.bench.store.runs(self.bench.tenant, connection.id, page).await.unwrap()
    }
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

#[tokio::test]
async fn a_week_of_every_six_hours_is_28_runs() {
    let simulation = Simulation::new().await;
    let connection = simulation.scheduled("every 6h").await;
    let mut starts = 0;
    let end = at(BEGIN) + TimeDelta::days(7);
    let mut last: Option<DateTime<Utc>> = None;
    while simulation.read(&connection).await.next_sync_at.unwrap() < end {
        let start = simulation.starts_next(&connection).await;
        assert!(last.is_none_or(|last| start - last == TimeDelta::hours(6)));
        last = Some(start);
        starts += 1;
    }
    assert_eq!(starts, 28);
    let runs = simulation.runs(&connection).await;
    assert_eq!(runs.len(), 28);
    assert!(runs.iter().all(|run| run.trigger == Trigger::Schedule && run.status == RunStatus::Succeeded));
}

#[tokio::test]
async fn many_connections_of_a_week_are_each_started_when_they_are_due() {
    let simulation = Simulation::new().await;
    let schedules = ["every 90m", "0 3 * * *", "*/30 8-17 * * MON-FRI Europe/Berlin", "0 0 * * SUN", "every 1d"];
    let mut connections = Vec::new();
    for schedule in schedules {
        connections.push(simulation.scheduled(schedule).await);
    }
    // A server that looks every five minutes of that week.
    let end = at(BEGIN) + TimeDelta::days(7);
    let mut now = at(BEGIN);
    while now < end {
        now += TimeDelta::minutes(5);
        simulation.goes_on_to(now);
        simulation.bench.engine.start_due_runs().await.unwrap();
        simulation.works().await;
    }
    let mut runs = Vec::new();
    for connection in &connections {
        runs.push(simulation.runs(connection).await.len());
    }
    assert_eq!(runs, [7 * 16, 7, 5 * 20, 1, 7]);
}

#[tokio::test]
async fn what_was_missed_runs_once() {
    let simulation = Simulation::new().await;
    let connection = simulation.scheduled("every 15m").await;
    simulation.goes_on_to(at(BEGIN) + TimeDelta::days(3));
    assert_eq!(simulation.bench.engine.start_due_runs().await.unwrap(), 1);
    assert_eq!(simulation.bench.engine.start_due_runs().await.unwrap(), 0);
    simulation.works().await;
    assert_eq!(simulation.runs(&connection).await.len(), 1);
    assert!(
        simulation.read(&connection).await.next_sync_at.unwrap()
            <= at(BEGIN) + TimeDelta::days(3) + TimeDelta::minutes(15)
    );
}

#[tokio::test]
async fn a_preview_in_the_way_of_a_start_only_delays_it() {
    let simulation = Simulation::new().await;
    let connection = simulation.scheduled("every 1d").await;
    let dry = simulation.bench.request(&connection, true).await;
    let next = simulation.read(&connection).await.next_sync_at.unwrap();
    simulation.goes_on_to(next);
    for _ in 0..2 {
        assert_eq!(simulation.bench.engine.start_due_runs().await.unwrap(), 0);
    }
    simulation.works().await;
    assert_eq!(simulation.bench.run(&dry).await.status, RunStatus::Planned);
    simulation.goes_on_to(next + TimeDelta::seconds(2));
    assert_eq!(simulation.bench.engine.start_due_runs().await.unwrap(), 1);
    simulation.works().await;
    let after = simulation.read(&connection).await.next_sync_at;
    assert_eq!(after, Some(next + TimeDelta::days(1)), "its own next time");
}

#[tokio::test]
async fn a_held_plan_has_a_day_before_the_schedule_goes_on() {
    let simulation = Simulation::new().await;
    let connection = simulation.scheduled("every 5m").await;
    simulation.turns(Weather::Inhabited);
    simulation.starts_next(&connection).await;
    simulation.turns(Weather::Fair);
    let held = simulation.starts_next(&connection).await;
    assert_eq!(simulation.runs(&connection).await[0].status, RunStatus::Held, "everybody has left");
    // Nobody decides; a newer plan says the same, and has its day.
    for days in [1, 2] {
        assert_eq!(simulation.starts_next(&connection).await - held, TimeDelta::days(days));
        let runs = simulation.runs(&connection).await;
        assert_eq!((runs[0].status, runs[1].status), (RunStatus::Held, RunStatus::Superseded));
    }
    let newest = simulation.runs(&connection).await[0].id;
    simulation.bench.store.reject_run(Actor::SYSTEM, simulation.bench.tenant, newest).await.unwrap();
    assert!(simulation.minutes_to_starts(&connection, 1).await[0] <= 5);
}

#[tokio::test]
async fn a_quarantine_is_tried_at_6_12_24_and_48_hours_until_it_works() {
    let simulation = Simulation::new().await;
    let connection = simulation.scheduled("every 15m").await;
    simulation.starts_next(&connection).await;
    simulation.turns(Weather::Misconfigured);
    let began = simulation.starts_next(&connection).await;
    assert_eq!(simulation.read(&connection).await.state, ConnectionState::Quarantined);
    for hours in [6, 12, 24, 48] {
        assert_eq!(simulation.starts_next(&connection).await - began, TimeDelta::hours(hours));
        let quarantined = simulation.read(&connection).await;
        assert_eq!(quarantined.state, ConnectionState::Quarantined);
        assert_eq!(quarantined.state_reason.as_deref(), Some("It broke. Mend it."));
    }
    // Trouble that passes does not end it, nor does it begin it anew.
    simulation.turns(Weather::Unreachable);
    assert_eq!(simulation.starts_next(&connection).await - began, TimeDelta::hours(72));
    assert_eq!(simulation.read(&connection).await.state, ConnectionState::Quarantined);
    simulation.turns(Weather::Fair);
    assert_eq!(simulation.starts_next(&connection).await - began, TimeDelta::hours(96));
    assert_eq!(simulation.read(&connection).await.state, ConnectionState::Active);
    assert!(simulation.minutes_to_starts(&connection, 3).await.iter().skip(1).all(|minutes| *minutes == 15));
}

#[tokio::test]
async fn a_manual_sync_that_works_puts_the_schedule_back() {
    let simulation = Simulation::new().await;
    let connection = simulation.scheduled("every 15m").await;
    simulation.turns(Weather::Misconfigured);
    simulation.starts_next(&connection).await;
    simulation.turns(Weather::Fair);
    let before = *simulation.now.lock().unwrap();
    assert_eq!(simulation.bench.sync(&connection, false).await.status, RunStatus::Succeeded);
    assert!(simulation.starts_next(&connection).await - before <= TimeDelta::minutes(15));
}

#[tokio::test]
async fn an_outage_is_tried_later_each_time_and_never_quarantines() {
    let simulation = Simulation::new().await;
    let connection = simulation.scheduled("0 3 * * *").await;
    simulation.starts_next(&connection).await;
    simulation.turns(Weather::Unreachable);
    simulation.starts_next(&connection).await;
    let pauses = simulation.minutes_to_starts(&connection, 12).await;
    for (pause, least) in pauses.iter().zip([1, 2, 4, 8, 16, 32, 60, 60, 60, 60, 60, 60]) {
        assert!((least..=least * 5 / 4 + 1).contains(pause), "{pauses:?}");
    }
    let connection = simulation.read(&connection).await;
    assert_eq!((connection.state, connection.setbacks), (ConnectionState::Active, 13));
    simulation.turns(Weather::Fair);
    simulation.starts_next(&connection).await;
    let next = simulation.read(&connection).await.next_sync_at.unwrap();
    assert_eq!(next.date_naive(), at("2026-03-04T00:00:00Z").date_naive(), "the schedule's own time again");
}

#[tokio::test]
async fn a_directory_that_asks_for_it_is_left_alone_by_all_of_its_connections() {
    let simulation = Simulation::new().await;
    let connection = simulation.scheduled("every 15m").await;
    // Without a schedule, which might start it first: when, depends on its id.
    let sibling = simulation.bench.connection().await;
    let asked = Arc::new(AtomicU32::new(0));
    simulation.turns(Weather::Busy(50));
    let heard = simulation.starts_next(&connection).await;
    asked.store(simulation.bench.listings.load(Ordering::SeqCst), Ordering::SeqCst);
    let until = heard + TimeDelta::minutes(50);
    assert_eq!(simulation.read(&connection).await.next_sync_at, Some(until));
    let failed = &simulation.runs(&connection).await[0];
    let error = failed.error.as_ref().unwrap();
    assert_eq!(error.code, RunErrorCode::Throttled);
    assert!(
        error.hint.ends_with("The directory asked to be left alone for 50 min; until then its runs wait."),
        "{error:?}"
    );

    // A person asks, and waits too.
    simulation.turns(Weather::Fair);
    let manual = simulation.bench.request(&sibling, false).await;
    simulation.goes_on_to(until - TimeDelta::seconds(1));
    simulation.bench.engine.start_due_runs().await.unwrap();
    simulation.works().await;
    let waiting = simulation.bench.run(&manual).await;
    assert_eq!((waiting.status, waiting.not_before), (RunStatus::Queued, Some(until)));
    assert_eq!(simulation.bench.listings.load(Ordering::SeqCst), asked.load(Ordering::SeqCst), "nobody asked it");
    simulation.goes_on_to(until);
    simulation.bench.engine.start_due_runs().await.unwrap();
    simulation.works().await;
    assert_eq!(simulation.bench.run(&manual).await.status, RunStatus::Succeeded);
    assert_eq!(simulation.runs(&connection).await[0].status, RunStatus::Succeeded);
    assert_eq!(simulation.read(&connection).await.state, ConnectionState::Active);
}

#[tokio::test]
async fn a_schedule_that_cannot_be_read_is_left_alone_and_holds_up_no_other() {
    let simulation = Simulation::new().await;
    let unreadable = simulation.scheduled("now and then").await;
    let connection = simulation.scheduled("every 15m").await;
    simulation.bench.engine.plan_schedules().await.unwrap();
    assert_eq!(simulation.read(&unreadable).await, unreadable);
    simulation.starts_next(&connection).await;
    assert_eq!(simulation.runs(&unreadable).await, []);
}
