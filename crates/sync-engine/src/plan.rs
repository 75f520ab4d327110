//! From an empty plan to a checked one.

use chrono::Utc;
use crypto::Keyring;
use directory_core::{
    DirectoryProvider, ExternalId, FailureKind, ListingEnd, PlanSummary, ProviderError, Reconciler, RunErrorCode,
    Sweep, TenantFacts, Verdict, check,
};
use store::{
    Claim, Connection, ExternalPage, HeldPlan, ModeReason, PlanNext, Reading, RunMode, RunPhase, StagedPage, Store,
};

use crate::{
    EngineOptions, digest,
    failure::RunFailure,
    heartbeat::Pulse,
    pull::{self, Pulled},
    reading::{self, Way},
};

/// Ignored users read at a time.
const IGNORED_PAGE: u32 = 1_000;

/// What planning works with.
pub(crate) struct Planning<'a> {
    pub(crate) provider: &'a dyn DirectoryProvider,
    pub(crate) store: &'a dyn Store,
    pub(crate) keyring: &'a Keyring,
    pub(crate) options: &'a EngineOptions,
    pub(crate) claim: &'a Claim,
    pub(crate) pulse: &'a Pulse,
}

impl Planning<'_> {
    /// Plans a claimed run and sends it on: to applying (`true`), or to its end or a person (`false`).
    pub(crate) async fn plan(&self) -> Result<bool, RunFailure> {
        let Self { store, options, claim, .. } = *self;
        let ignored = ignored(store, &claim.connection).await?;
        let scope = reading::scope(&claim.connection, &ignored);
        let (Pulled { engine, end, continuation }, reason) = self.listing(&ignored, &scope).await?;
        self.pulse.enter(RunPhase::Planning);
        let summary = sweep(engine, end, store, options, claim).await?;
        let next = verdict(&summary, store, claim).await?;
        let mode = match end {
            ListingEnd::Complete => RunMode::Full,
            ListingEnd::Incremental => RunMode::Delta,
        };
        // Who was spared is told of again, until somebody else has the role.
        let continuation = continuation.filter(|_| summary.spared == 0);
        let seal = |place| reading::seal(self.keyring, &claim.connection, &place, scope);
        let continuation = continuation.map(seal).transpose()?;
        store.finish_plan(&claim.lease, &summary, &Reading { mode, reason, continuation }, &next).await?;
        Ok(next == PlanNext::Apply)
    }

    /// Reads and stages the listing. When its continuation expires, what was read is dropped and it starts over: half of
    /// one listing and half of another are no whole one.
    async fn listing(&self, ignored: &[ExternalId], scope: &str) -> Result<(Pulled, ModeReason), RunFailure> {
        let Self { provider, store, keyring, options, claim, pulse } = *self;
        let mut way = reading::choose(provider, store, keyring, options, claim, scope, Utc::now()).await?;
        let mut restarts = 0;
        loop {
            store.clear_plan(&claim.lease).await?;
            let listing = match &way {
                Way::Whole(_) => provider.list().await,
                Way::Changes { since, reread } => provider.list_changes(since, reread.clone()).await,
            };
            let pulled = match listing {
                Ok(listing) => {
                    let whole = matches!(way, Way::Whole(_));
                    pull::pull(listing, whole, store, &claim.connection, ignored, &claim.lease, pulse).await
                }
                Err(error) => Err(error.into()),
            };
            let error = match pulled {
                Err(RunFailure::Unclear) if matches!(way, Way::Changes { .. }) => {
                    way = Way::Whole(ModeReason::ScopeUnclear);
                    continue;
                }
                Err(RunFailure::Provider(error))
                    if error.kind == FailureKind::ListingExpired
                        || (error.kind == FailureKind::Protocol && matches!(way, Way::Changes { .. })) =>
                {
                    error
                }
                other => return Ok((other?, way.reason())),
            };
            let provider_request_id = error.request_id.as_deref();
            if matches!(way, Way::Changes { .. }) {
                tracing::info!(provider_request_id, reason = %error, "the directory is read as a whole");
                way = Way::Whole(ModeReason::ContinuationExpired);
                continue;
            }
            if restarts == options.listing_restarts {
                return Err(RunFailure::Provider(never_ends(error)));
            }
            restarts += 1;
            tracing::warn!(restarts, provider_request_id, "the listing expired and is started over");
        }
    }
}

/// Whom the connection was told to leave alone.
async fn ignored(store: &dyn Store, connection: &Connection) -> Result<Vec<ExternalId>, RunFailure> {
    let mut ignored: Vec<ExternalId> = Vec::new();
    loop {
        let page = ExternalPage { after: ignored.last().cloned(), limit: IGNORED_PAGE };
        let users = store.ignored_users(connection.tenant, connection.id, page).await?;
        let is_last = users.len() < IGNORED_PAGE as usize;
        ignored.extend(users.into_iter().map(|user| user.external_id));
        if is_last {
            return Ok(ignored);
        }
    }
}

fn never_ends(error: ProviderError) -> ProviderError {
    ProviderError {
        code: RunErrorCode::ProviderUnavailable,
        message: format!("The listing expired each time before it ended. {}", error.message),
        hint: "Nothing was changed. Start the sync again later; if it goes on, report the request id to the \
               directory's support."
            .to_owned(),
        ..error
    }
}

/// Finds the absent users, stages their changes and settles the plan.
async fn sweep(
    engine: Reconciler,
    end: ListingEnd,
    store: &dyn Store,
    options: &EngineOptions,
    claim: &Claim,
) -> Result<PlanSummary, RunFailure> {
    let connection = &claim.connection;
    let mut sweep: Sweep = engine.end_of_listing(end);
    let mut after = None;
    while sweep.seeks_absent() {
        let users =
            store.active_linked_users(connection.tenant, connection.id, after.as_ref(), options.sweep_page).await?;
        let Some(last) = users.last() else { break };
        after = Some(last.external_id.clone());
        let changes: Vec<_> = sweep.linked(&users).into_iter().map(pull::to_stage).collect();
        if !changes.is_empty() {
            store.stage(&claim.lease, &StagedPage { changes, ..StagedPage::default() }).await?;
        }
    }
    let facts = if sweep.needs_facts() {
        store.tenant_facts(connection.tenant, connection.id, &connection.policy.protected_roles).await?
    } else {
        TenantFacts::default()
    };
    let tail = sweep.finish(&facts);
    if !tail.amendments.is_empty() {
        store.amend(&claim.lease, &tail.amendments).await?;
    }
    Ok(tail.summary)
}

/// What the safeguards make of the finished plan.
async fn verdict(summary: &PlanSummary, store: &dyn Store, claim: &Claim) -> Result<PlanNext, RunFailure> {
    let reasons = match check(summary, claim.connection.policy.max_deactivations, claim.connection.new_scope) {
        Verdict::Go if !claim.run.dry_run => return Ok(PlanNext::Apply),
        Verdict::Go => Vec::new(),
        Verdict::Hold(reasons) => reasons,
    };
    let digest = digest::of_plan(store, &claim.lease).await?;
    Ok(if claim.run.dry_run {
        PlanNext::Planned { digest, reasons }
    } else {
        PlanNext::Hold(HeldPlan { digest, reasons })
    })
}
