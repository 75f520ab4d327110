//! A run as it is shown, and what may be said when asking for one.

use chrono::{DateTime, Utc};
use directory_core::{ConnectionId, Counts, HoldReason, Policy, RunErrorCode, RunId};
use serde::{Deserialize, Serialize};
use store::{Draft, ModeReason, Run, RunError, RunMode, RunPhase, RunStatus, Trigger};

use utoipa::ToSchema;

use crate::{
    model::input,
    openapi::{
        CountsShape, HoldReasonShape, ModeReasonWord, PolicyShape, RunErrorCodeWord, RunModeWord, RunPhaseWord,
        RunStatusWord, TriggerWord,
    },
};

/// How to run a sync. Every member may be left out or null; other members are refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = SyncRequest)]
pub struct SyncInput {
    /// How to read the directory; `auto` unless said.
    #[serde(default, deserialize_with = "input::word")]
    #[schema(value_type = Option<RunModeWord>)]
    pub mode: Option<RunMode>,
    /// Plan, and write nothing; `false` unless said.
    pub dry_run: Option<bool>,
}

/// A run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Run)]
#[expect(missing_docs, reason = "the members are the interface's, and mean what store::Run says")]
pub struct RunView {
    #[schema(value_type = Uuid)]
    pub id: RunId,
    #[schema(value_type = Uuid)]
    pub connection_id: ConnectionId,
    #[schema(value_type = RunStatusWord)]
    pub status: RunStatus,
    #[schema(value_type = Option<RunPhaseWord>, required)]
    pub phase: Option<RunPhase>,
    /// How the directory is to be read; once the plan is complete, how it was.
    #[schema(value_type = RunModeWord)]
    pub mode: RunMode,
    /// Why it was read so. Null until the plan is complete.
    #[schema(value_type = Option<ModeReasonWord>, required)]
    pub mode_reason: Option<ModeReason>,
    #[schema(value_type = TriggerWord)]
    pub trigger: Trigger,
    pub dry_run: bool,
    /// Of a preview: what it goes by instead of what its connection says.
    #[schema(required)]
    pub preview: Option<PreviewView>,
    #[schema(value_type = CountsShape)]
    pub counts: Counts,
    /// Null until the plan is complete.
    #[schema(required)]
    pub planned_changes: Option<u64>,
    pub applied_changes: u64,
    #[schema(required)]
    pub plan_digest: Option<String>,
    /// Why the run is, or was, held; of a dry run, why a real one would be.
    #[schema(required)]
    pub hold: Option<HoldView>,
    /// Why the run failed.
    #[schema(required)]
    pub error: Option<RunErrorView>,
    /// Of a queued run: its directory asked to be left alone until then, and the run waits for that.
    #[schema(required)]
    pub not_before: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    #[schema(required)]
    pub started_at: Option<DateTime<Utc>>,
    #[schema(required)]
    pub finished_at: Option<DateTime<Utc>>,
    #[schema(required)]
    pub changes_deleted_at: Option<DateTime<Utc>>,
}

/// A scope and policy that are tried before they are saved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Preview)]
#[expect(missing_docs, reason = "the members are a connection's")]
pub struct PreviewView {
    #[schema(required)]
    pub group_id: Option<String>,
    pub default_role: String,
    #[schema(value_type = PolicyShape)]
    pub policy: Policy,
}

/// Why a run is held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Hold)]
pub struct HoldView {
    /// At least one.
    #[schema(min_items = 1)]
    pub reasons: Vec<HoldReasonView>,
}

/// One reason: its `code`, the numbers that belong to it, and a `message`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = HoldReason)]
pub struct HoldReasonView {
    /// The code and the numbers.
    #[serde(flatten)]
    #[schema(value_type = HoldReasonShape)]
    pub reason: HoldReason,
    /// The same for people.
    pub message: String,
}

/// Why a run failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RunError)]
pub struct RunErrorView {
    /// What kind of failure.
    #[schema(value_type = RunErrorCodeWord)]
    pub code: RunErrorCode,
    /// What happened.
    pub message: String,
    /// The next step.
    pub hint: String,
    /// The directory's id of the failed request.
    #[schema(required)]
    pub request_id: Option<String>,
}

impl From<Run> for RunView {
    fn from(run: Run) -> Self {
        Self {
            id: run.id,
            connection_id: run.connection,
            status: run.status,
            phase: run.phase,
            mode: run.mode,
            mode_reason: run.mode_reason,
            trigger: run.trigger,
            dry_run: run.dry_run,
            preview: run.draft.map(PreviewView::from),
            counts: run.counts,
            planned_changes: run.planned_changes,
            applied_changes: run.applied_changes,
            plan_digest: run.plan_digest,
            hold: HoldView::of(run.hold),
            error: run.error.map(RunErrorView::from),
            not_before: run.not_before,
            created_at: run.created_at,
            started_at: run.started_at,
            finished_at: run.finished_at,
            changes_deleted_at: run.changes_deleted_at,
        }
    }
}

impl From<Draft> for PreviewView {
    fn from(draft: Draft) -> Self {
        Self { group_id: draft.group_id, default_role: draft.default_role, policy: draft.policy }
    }
}

impl HoldView {
    fn of(reasons: Vec<HoldReason>) -> Option<Self> {
        let reasons: Vec<_> = reasons.into_iter().map(HoldReasonView::from).collect();
        (!reasons.is_empty()).then_some(Self { reasons })
    }
}

impl From<HoldReason> for HoldReasonView {
    fn from(reason: HoldReason) -> Self {
        Self { message: reason.message(), reason }
    }
}

impl From<RunError> for RunErrorView {
    fn from(error: RunError) -> Self {
        Self { code: error.code, message: error.message, hint: error.hint, request_id: error.request_id }
    }
}

#[cfg(test)]
mod tests {
    use directory_core::MaxDeactivations;
    use serde_json::{Value, json};

    use super::*;

    const AT: &str = "2026-01-02T03:04:05Z";

    fn run() -> Run {
        let id = "01890a5d-ac96-774b-bcce-b302099a8057";
        Run {
            id: id.parse().unwrap(),
            tenant: id.parse().unwrap(),
            connection: id.parse().unwrap(),
            status: RunStatus::Queued,
            phase: None,
            mode: RunMode::Auto,
            mode_reason: None,
            trigger: Trigger::Manual,
            dry_run: false,
            draft: None,
            counts: Counts::default(),
            planned_changes: None,
            applied_changes: 0,
            exceptions: 0,
            plan_digest: None,
            hold: Vec::new(),
            error: None,
            not_before: None,
            created_at: AT.parse().unwrap(),
            started_at: None,
            finished_at: None,
            changes_deleted_at: None,
        }
    }

    fn view(run: Run) -> Value {
        serde_json::to_value(RunView::from(run)).unwrap()
    }

    #[test]
    fn a_queued_run_has_every_member() {
        let id = "01890a5d-ac96-774b-bcce-b302099a8057";
        let counts = json!({
            "seen": 0, "created": 0, "updated": 0, "linked": 0, "deactivated": 0, "reactivated": 0, "unchanged": 0,
            "excluded": 0, "protected": 0, "conflicts": 0,
        });
        assert_eq!(
            view(run()),
            json!({
                "id": id, "connectionId": id, "status": "queued", "phase": null, "mode": "auto", "modeReason": null, "trigger": "manual",
                "dryRun": false, "preview": null, "counts": counts, "plannedChanges": null, "appliedChanges": 0,
                "planDigest": null, "hold": null, "error": null, "notBefore": null, "createdAt": AT, "startedAt": null,
                "finishedAt": null, "changesDeletedAt": null,
            })
        );
    }

    #[test]
    fn a_run_tells_how_far_it_got_and_that_its_changes_are_gone() {
        let run = Run {
            planned_changes: Some(7),
            applied_changes: 3,
            changes_deleted_at: Some(AT.parse().unwrap()),
            ..run()
        };
        let view = view(run);
        assert_eq!((&view["plannedChanges"], &view["appliedChanges"]), (&json!(7), &json!(3)));
        assert_eq!(view["changesDeletedAt"], AT);
    }

    #[test]
    fn a_preview_says_what_it_goes_by() {
        let policy = Policy::default_for(true);
        let draft = Draft { group_id: Some("g".to_owned()), default_role: "guest".to_owned(), policy: policy.clone() };
        let view = view(Run { draft: Some(draft), ..run() });
        assert_eq!(view["preview"], json!({"groupId": "g", "defaultRole": "guest", "policy": policy}));
    }

    #[test]
    fn a_hold_reason_has_its_code_its_numbers_and_a_message() {
        let limit = MaxDeactivations { percent: 20, count: 10 };
        let reason = HoldReason::TooManyDeactivations { deactivations: 30, active: 100, limit };
        let view = view(Run { hold: vec![reason.clone()], ..run() });
        let expected = json!({"reasons": [{
            "code": "too_many_deactivations", "deactivations": 30, "active": 100,
            "limit": {"percent": 20, "count": 10}, "message": reason.message(),
        }]});
        assert_eq!(view["hold"], expected);
    }

    #[test]
    fn an_error_keeps_the_directorys_request_id() {
        let error = RunError {
            code: RunErrorCode::CredentialInvalid,
            message: "m".to_owned(),
            hint: "h".to_owned(),
            request_id: Some("r".to_owned()),
        };
        let expected = json!({"code": "credential_invalid", "message": "m", "hint": "h", "requestId": "r"});
        assert_eq!(view(Run { error: Some(error), ..run() })["error"], expected);
    }
}
