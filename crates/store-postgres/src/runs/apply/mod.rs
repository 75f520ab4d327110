//! Applying the staged plan: batch by batch, each one transaction that takes no decision but who is stale.

mod batch;
mod write;

use std::mem;

use directory_core::Counts;
use sqlx::PgConnection;
use store::{
    Applied, Lease, StoreError,
    batch::{Member, judge, tally},
};
use uuid::Uuid;

use crate::{
    access::Access,
    error::{Fault, expect_rows, persistently},
};

/// How far applying is, while only nothing or the entangled changes are done.
const ENTANGLED_DONE: i64 = 0;

/// A batch: the members, and where they are among the staged changes.
struct Batch {
    entangled: bool,
    members: Vec<Member>,
}

/// Where a batch lies among the staged changes: after this position, and through that one.
struct Span {
    entangled: bool,
    after: i64,
    through: i64,
}

impl Batch {
    fn span(&self) -> Span {
        let first = self.members.first().map_or(1, |member| i64::from(member.seq));
        let last = self.members.last().map_or(0, |member| i64::from(member.seq));
        Span { entangled: self.entangled, after: first - 1, through: last }
    }
}

/// A batch of nothing but new users is written at first without a look at the table, which would take half as long as the
/// writing. If somebody is in the way the unique indexes say so, and it starts over with that look.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Attempt {
    First,
    Another,
}

pub(super) async fn apply_batch(access: &Access, lease: &Lease, limit: u32) -> Result<Applied, StoreError> {
    let mut attempt = Attempt::First;
    persistently(|| {
        let attempt = mem::replace(&mut attempt, Attempt::Another);
        in_transaction(access, lease, i64::from(limit.max(1)), attempt)
    })
    .await
}

async fn in_transaction(access: &Access, lease: &Lease, limit: i64, attempt: Attempt) -> Result<Applied, Fault> {
    let mut tx = access.tenant(lease.tenant).await?;
    settle(&mut tx).await?;
    let run = batch::leased_run(&mut tx, lease).await?;
    let entangled = match run.applied_through {
        None => batch::entangled(&mut tx, lease).await?,
        Some(_) => Vec::new(),
    };
    let more = if entangled.is_empty() {
        let after = run.applied_through.unwrap_or(ENTANGLED_DONE);
        let new = match attempt {
            Attempt::First => batch::new_users(&mut tx, lease, after, limit).await?,
            Attempt::Another => None,
        };
        if let Some(new) = new {
            create(&mut tx, lease, run.connection, &new).await?;
            new.more
        } else {
            let (members, more) = batch::following(&mut tx, lease, after, limit).await?;
            let through = members.last().map(|member| i64::from(member.seq)).filter(|_| more);
            apply(&mut tx, lease, run.connection, Batch { entangled: false, members }, through).await?;
            more
        }
    } else {
        let (_, more) = batch::following(&mut tx, lease, ENTANGLED_DONE, 0).await?;
        let through = more.then_some(ENTANGLED_DONE);
        apply(&mut tx, lease, run.connection, Batch { entangled: true, members: entangled }, through).await?;
        more
    };
    tx.commit().await?;
    Ok(Applied { more })
}

/// Settings for this transaction alone.
///
/// A product's transaction that somebody forgot open must not hold a run, and its heartbeat, for ever. And a plan that
/// was made while the tables were small must not outlive that: they grow by a batch each time.
async fn settle(tx: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query(
        "SELECT set_config('lock_timeout', '10s', true), set_config('plan_cache_mode', 'force_custom_plan', true)",
    )
    .execute(tx)
    .await
    .map(|_| ())
}

/// Writes whatever of the batch is not stale, and notes how far the run is; `None` is to its end.
async fn apply(
    tx: &mut PgConnection,
    lease: &Lease,
    connection: Uuid,
    batch: Batch,
    through: Option<i64>,
) -> Result<(), Fault> {
    let standing = batch::standing(tx, lease, connection, &batch.members).await?;
    let verdict = judge(&batch.members, &standing);
    write::mark_stale(tx, lease, &verdict.stale).await?;
    write::park(tx, lease, &verdict.parked).await?;
    write::users(tx, lease, connection, &batch, &verdict.stale).await?;
    let stale = verdict.stale;
    let done = write::Done {
        counts: tally(&batch.members, &stale),
        applied: batch.members.len() - stale.len(),
        stale: stale.len(),
        through,
    };
    write::progress(tx, lease, &done).await
}

/// Creates users without a look at the table.
async fn create(tx: &mut PgConnection, lease: &Lease, connection: Uuid, new: &batch::NewUsers) -> Result<(), Fault> {
    let created = write::create(tx, lease, connection, &new.span).await?;
    expect_rows("creating users", new.users, created)?;
    let counts = Counts { created, ..Counts::default() };
    let done = write::Done { counts, applied: new.users, stale: 0, through: new.more.then_some(new.span.through) };
    write::progress(tx, lease, &done).await
}
