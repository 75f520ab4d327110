//! Whether a run reads all of a directory, or what changed since an earlier one.
//!
//! Changes are enough only if nothing else decides: the scope, the policy and the ignored users are what they were, and
//! whoever waited for a decision then is read again, since what they wait for may have happened here.

use chrono::{DateTime, Utc};
use crypto::{Context, Digest, Keyring, Purpose};
use directory_core::{Action, ChangesTold, Continuation, DirectoryProvider, ExternalId, RunId, TenantId};
use store::{
    ChangeFilter, Claim, Connection, Continued, ModeReason, RunMode, SealedContinuation, SeqPage, Store, StoreError,
};

use crate::{EngineOptions, failure::RunFailure};

/// Users who wait for a decision and are read one by one; for more of them a whole listing costs less.
const MOST_CASES: u64 = 1_000;

/// Changes read at a time.
const PAGE: u32 = 1_000;

/// What a run reads.
pub(crate) enum Way {
    /// Everybody in scope, for this reason.
    Whole(ModeReason),
    /// What changed, and these users.
    Changes { since: Continuation, reread: Vec<ExternalId> },
}

impl Way {
    /// What the run says of it.
    pub(crate) fn reason(&self) -> ModeReason {
        match self {
            Self::Whole(reason) => *reason,
            Self::Changes { .. } => ModeReason::Continued,
        }
    }
}

/// What a listing goes by, apart from the directory: while this digest stays, so does who is in scope and what is read of
/// them.
pub(crate) fn scope(connection: &Connection, ignored: &[ExternalId]) -> String {
    let settings = connection.settings();
    let fields = serde_json::json!([
        connection.provider,
        settings.directory_id,
        settings.group_id,
        settings.include_nested_groups,
        settings.cloud,
        connection.policy,
        ignored,
    ]);
    let mut digest = Digest::new();
    digest.update(fields.to_string().as_bytes());
    digest.finish_hex()
}

/// Decides how a claimed run reads its directory.
pub(crate) async fn choose(
    provider: &dyn DirectoryProvider,
    store: &dyn Store,
    keyring: &Keyring,
    options: &EngineOptions,
    claim: &Claim,
    scope: &str,
    now: DateTime<Utc>,
) -> Result<Way, RunFailure> {
    if claim.run.mode == RunMode::Full {
        return Ok(Way::Whole(ModeReason::Requested));
    }
    let policy = &claim.connection.policy;
    let exact = match provider.tells_changes() {
        ChangesTold::Nothing => false,
        ChangesTold::OfScope => true,
        // Everybody in scope has to be linked, and everybody who left it inactive.
        ChangesTold::OfDirectory => policy.deactivate_missing && policy.include_guests && policy.include_disabled,
    };
    if !exact {
        return Ok(Way::Whole(ModeReason::NotFollowed));
    }
    let Connection { tenant, id, .. } = claim.connection;
    let Some(continued) = store.continuation(tenant, id).await? else {
        return Ok(Way::Whole(ModeReason::NoContinuation));
    };
    if continued.place.scope != scope {
        return Ok(Way::Whole(ModeReason::ScopeChanged));
    }
    if claim.run.mode == RunMode::Auto && is_due(&continued, options, now) {
        return Ok(Way::Whole(ModeReason::ReconcileDue));
    }
    // A retired key takes its continuations with it.
    let Some(since) = open(keyring, &claim.connection, &continued.place) else {
        return Ok(Way::Whole(ModeReason::NoContinuation));
    };
    Ok(match open_cases(store, tenant, continued.run).await? {
        Some(cases) if cases.len() as u64 <= MOST_CASES => Way::Changes { since, reread: cases },
        Some(_) => Way::Whole(ModeReason::ManyOpenCases),
        None => Way::Whole(ModeReason::NoContinuation),
    })
}

fn is_due(continued: &Continued, options: &EngineOptions, now: DateTime<Utc>) -> bool {
    let Some(every) = options.full_sync_every else { return false };
    // A clock that was set back makes nothing due.
    (now - continued.reconciled_at).to_std().is_ok_and(|age| age >= every)
}

/// The directory users whom a run left to somebody's decision; `None` where that is not known any more. One more than are
/// read one by one stands for all of them.
async fn open_cases(store: &dyn Store, tenant: TenantId, run: RunId) -> Result<Option<Vec<ExternalId>>, StoreError> {
    let Some(record) = store.run(tenant, run).await?.filter(|run| run.changes_deleted_at.is_none()) else {
        return Ok(None);
    };
    let (mut cases, mut found) = (Vec::new(), 0);
    let counted = record.counts.conflicts + record.counts.protected;
    if counted == 0 {
        return Ok(Some(cases));
    }
    for action in [Action::Conflict, Action::Protected] {
        let filter = ChangeFilter { action: Some(action), outcome: None };
        let mut after = 0;
        while cases.len() as u64 <= MOST_CASES {
            let changes = store.changes(tenant, run, filter, SeqPage { after, limit: PAGE }).await?;
            let Some(last) = changes.last() else { break };
            after = last.seq;
            found += changes.len() as u64;
            cases.extend(changes.into_iter().filter_map(|change| change.external_id));
        }
    }
    // Old history is deleted a piece at a time: what is left of it does not tell of everybody.
    if found < counted && cases.len() as u64 <= MOST_CASES {
        return Ok(None);
    }
    cases.sort_unstable();
    cases.dedup();
    Ok(Some(cases))
}

/// Seals a continuation for its connection, and for no other.
pub(crate) fn seal(
    keyring: &Keyring,
    connection: &Connection,
    continuation: &Continuation,
    scope: String,
) -> Result<SealedContinuation, crypto::SealError> {
    let sealed = keyring.seal(continuation.expose().as_bytes(), &context(connection))?;
    Ok(SealedContinuation { sealed: sealed.into_bytes(), scope })
}

fn open(keyring: &Keyring, connection: &Connection, place: &SealedContinuation) -> Option<Continuation> {
    match keyring.open_string(&place.sealed, &context(connection)) {
        Ok(text) => Some(Continuation::from(text)),
        Err(error) => {
            tracing::info!(%error, "the place from which changes are told cannot be opened; the directory is read as a whole");
            None
        }
    }
}

fn context(connection: &Connection) -> Context<'_> {
    Context { tenant: connection.tenant.0.as_bytes(), row: connection.id.0.as_bytes(), purpose: Purpose::Continuation }
}
