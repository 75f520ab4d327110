//! When a connection synchronises next, and what a run's end means for it. Both stores ask here, so that they agree.

use std::time::Duration;

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use directory_core::ConnectionId;

use crate::{
    Connection, ConnectionEffect, ConnectionState, ConnectionUpdate, NewConnection, Run, Schedule, ScheduleError,
    schedule::spread,
};

/// How long after its beginning a quarantine is first tried; then daily.
const QUARANTINE_RETRIES: [TimeDelta; 2] = [TimeDelta::hours(6), TimeDelta::hours(12)];
const DAY: TimeDelta = TimeDelta::hours(24);

/// How long a schedule leaves a held plan to a person. A newer run supersedes it, so that a schedule of minutes would leave
/// no time to look at it; and a plan that nobody looks at must not keep a connection from synchronising for ever.
const REVIEW: TimeDelta = DAY;

/// How soon a run that failed of the circumstances is tried again, at first and at last.
const FIRST_PAUSE: TimeDelta = TimeDelta::minutes(1);
const LONGEST_PAUSE: TimeDelta = TimeDelta::hours(1);
/// A pause is longer by less than this part of it, so that connections that failed together do not come back together.
const SHARE_OF_PAUSE: i32 = 4;

/// What a connection's next time follows from.
#[derive(Clone, Copy, Debug)]
pub struct Timing<'a> {
    /// Connections of one schedule are spread by their ids.
    pub connection: ConnectionId,
    /// See [`Connection::schedule`].
    pub schedule: Option<&'a str>,
    /// See [`Connection::state`].
    pub state: ConnectionState,
    /// See [`Connection::quarantined_at`].
    pub quarantined_at: Option<DateTime<Utc>>,
    /// See [`Connection::held_until`].
    pub held_until: Option<DateTime<Utc>>,
}

impl Timing<'_> {
    /// When the connection is due next: as its schedule says; in quarantine, when it is tried again; while a plan is held,
    /// not before that has had its time; `None` while it is paused or synchronised by hand.
    pub fn next(&self, now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>, ScheduleError> {
        let Some(text) = self.schedule else { return Ok(None) };
        let schedule: Schedule = text.parse()?;
        let next = match self.state {
            ConnectionState::Paused => return Ok(None),
            ConnectionState::Quarantined => retry(self.quarantined_at.unwrap_or(now), now),
            ConnectionState::Active => schedule.next(now, self.connection).ok_or(ScheduleError::Never)?,
        };
        Ok(Some(self.held_until.map_or(next, |until| next.max(until))))
    }

    /// The same once the connection has failed so many times in a row of what is not its own fault: soon, and later each
    /// time, but no later than it would be due anyway, and no sooner than the directory asked for.
    fn next_after(
        &self,
        setbacks: u32,
        retry_after: Option<Duration>,
        now: DateTime<Utc>,
    ) -> Result<Option<DateTime<Utc>>, ScheduleError> {
        let Some(next) = self.next(now)? else { return Ok(None) };
        let soon = match self.state {
            ConnectionState::Active => next.min(now + self.pause(setbacks)),
            ConnectionState::Paused | ConnectionState::Quarantined => next,
        };
        let allowed = retry_after.and_then(|wait| not_before(now, wait));
        Ok(Some(whole_second(allowed.map_or(soon, |allowed| soon.max(allowed)))))
    }

    fn pause(&self, setbacks: u32) -> TimeDelta {
        let doublings = setbacks.saturating_sub(1).min(10);
        let pause = (FIRST_PAUSE * (1 << doublings)).min(LONGEST_PAUSE);
        pause + TimeDelta::seconds(spread(self.connection, pause / SHARE_OF_PAUSE))
    }
}

/// The first retry of a quarantine after `now`.
fn retry(quarantined_at: DateTime<Utc>, now: DateTime<Utc>) -> DateTime<Utc> {
    let early = QUARANTINE_RETRIES.map(|wait| quarantined_at + wait).into_iter().find(|retry| *retry > now);
    whole_second(early.unwrap_or_else(|| {
        let days = (now - quarantined_at).num_days().saturating_add(1);
        let days = i32::try_from(days).unwrap_or(i32::MAX);
        quarantined_at.checked_add_signed(DAY * days).unwrap_or(now + DAY)
    }))
}

/// Until when a directory is left alone that asked for this at `now`.
#[must_use]
pub fn not_before(now: DateTime<Utc>, retry_after: Duration) -> Option<DateTime<Utc>> {
    now.checked_add_signed(TimeDelta::from_std(retry_after).ok()?).map(whole_second)
}

/// Until when a plan that is held at `now` is left to a person.
#[must_use]
pub fn held_until(now: DateTime<Utc>) -> DateTime<Utc> {
    whole_second(now + REVIEW)
}

/// The next whole second, which every store keeps exactly.
fn whole_second(time: DateTime<Utc>) -> DateTime<Utc> {
    time.duration_trunc(TimeDelta::seconds(1))
        .map_or(time, |whole| if whole == time { whole } else { whole + TimeDelta::seconds(1) })
}

impl Connection {
    /// What its next time follows from.
    #[must_use]
    pub fn timing(&self) -> Timing<'_> {
        Timing {
            connection: self.id,
            schedule: self.schedule.as_deref(),
            state: self.state,
            quarantined_at: self.quarantined_at,
            held_until: self.held_until,
        }
    }

    /// When it is due next once a plan of it is held until then, or none is any more.
    #[must_use]
    pub fn next_sync_holding(&self, held_until: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        planned(Timing { held_until, ..self.timing() }.next(now))
    }

    /// When it is due next once it has another credential: as before, unless one that works lifts a quarantine.
    #[must_use]
    pub fn next_sync_with(&self, works: bool, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        if !works || self.state != ConnectionState::Quarantined {
            return self.next_sync_at;
        }
        planned(Timing { state: ConnectionState::Active, ..self.timing() }.next(now))
    }
}

impl NewConnection {
    /// When it synchronises first by itself.
    #[must_use]
    pub fn first_sync(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let new = Timing {
            connection: self.id,
            schedule: self.schedule.as_deref(),
            state: ConnectionState::Active,
            quarantined_at: None,
            held_until: None,
        };
        planned(new.next(now))
    }
}

impl ConnectionUpdate {
    /// When the connection is due next once it is updated: as before, unless schedule or state become others.
    #[must_use]
    pub fn next_sync(&self, current: &Connection, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let state = match current.state {
            _ if self.paused => ConnectionState::Paused,
            ConnectionState::Paused => ConnectionState::Active,
            other => other,
        };
        if state == current.state && self.schedule == current.schedule {
            return current.next_sync_at;
        }
        planned(Timing { schedule: self.schedule.as_deref(), state, ..current.timing() }.next(now))
    }
}

/// A schedule that cannot be read plans nothing.
fn planned(next: Result<Option<DateTime<Utc>>, ScheduleError>) -> Option<DateTime<Utc>> {
    next.ok().flatten()
}

/// What becomes of a connection when a run of it ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aftermath {
    /// See [`Connection::state`].
    pub state: ConnectionState,
    /// See [`Connection::state_reason`].
    pub state_reason: Option<String>,
    /// See [`Connection::quarantined_at`].
    pub quarantined_at: Option<DateTime<Utc>>,
    /// See [`Connection::setbacks`].
    pub setbacks: u32,
    /// See [`Connection::next_sync_at`].
    pub next_sync_at: Option<DateTime<Utc>>,
}

impl Aftermath {
    /// What becomes of the connection; `None` when it stays as it is, so that a sync without changes writes nothing.
    #[must_use]
    pub fn of(run: &Run, effect: &ConnectionEffect, connection: &Connection, now: DateTime<Utc>) -> Option<Self> {
        let current = Self::current(connection);
        let after = match effect {
            ConnectionEffect::Keep => return None,
            ConnectionEffect::Lift => current.clone().lifted(connection, now),
            ConnectionEffect::Quarantine(reason) => {
                // A credential that is younger than the run is not what the run failed of.
                let renewed = run.started_at.is_some_and(|started| connection.credential_updated_at > started);
                if renewed || current.state == ConnectionState::Paused {
                    return None;
                }
                current.clone().quarantined(reason, connection, now)
            }
            ConnectionEffect::BackOff { retry_after } => {
                if run.dry_run || current.state == ConnectionState::Paused || connection.schedule.is_none() {
                    return None;
                }
                let setbacks = current.setbacks.saturating_add(1);
                let next = connection.timing().next_after(setbacks, *retry_after, now);
                Self { setbacks, next_sync_at: planned(next), ..current.clone() }
            }
        };
        (after != current).then_some(after)
    }

    fn current(connection: &Connection) -> Self {
        Self {
            state: connection.state,
            state_reason: connection.state_reason.clone(),
            quarantined_at: connection.quarantined_at,
            setbacks: connection.setbacks,
            next_sync_at: connection.next_sync_at,
        }
    }

    fn lifted(self, connection: &Connection, now: DateTime<Utc>) -> Self {
        if self.state != ConnectionState::Quarantined && self.setbacks == 0 {
            return self;
        }
        let (state, state_reason) = match self.state {
            ConnectionState::Quarantined => (ConnectionState::Active, None),
            other => (other, self.state_reason),
        };
        let next_sync_at = planned(Timing { state, ..connection.timing() }.next(now));
        Self { state, state_reason, quarantined_at: None, setbacks: 0, next_sync_at }
    }

    fn quarantined(self, reason: &str, connection: &Connection, now: DateTime<Utc>) -> Self {
        let state = ConnectionState::Quarantined;
        // One that goes on keeps its beginning, and with it its retries.
        let quarantined_at = match self.state {
            ConnectionState::Quarantined => self.quarantined_at.unwrap_or(now),
            ConnectionState::Active | ConnectionState::Paused => now,
        };
        let timing = Timing { state, quarantined_at: Some(quarantined_at), ..connection.timing() };
        let next_sync_at = if self.state == state && self.quarantined_at.is_some() {
            self.next_sync_at
        } else {
            planned(timing.next(now))
        };
        Self {
            state,
            state_reason: Some(reason.to_owned()),
            quarantined_at: Some(quarantined_at),
            setbacks: 0,
            next_sync_at,
        }
    }

    /// Whether the state or its reason become others, which whoever edits the connection is to notice.
    #[must_use]
    pub fn alters_state(&self, connection: &Connection) -> bool {
        self.state != connection.state || self.state_reason != connection.state_reason
    }
}

#[cfg(test)]
mod tests;
