//! What trying a connection found out.

use directory_core::{Check, CheckOutcome, CheckSubject, ProviderError, RunErrorCode};
use serde::Serialize;
use utoipa::ToSchema;

use crate::openapi::{CheckOutcomeWord, CheckWord, RunErrorCodeWord};

/// A report: one line for each thing that reading the directory needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ConnectionTest)]
pub struct TestView {
    /// Whether nothing is missing.
    pub ok: bool,
    /// In the order in which a listing meets them.
    pub checks: Vec<CheckView>,
}

/// One thing, and how trying it went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Check)]
pub struct CheckView {
    /// `token`, `permission`, `users` or `group`.
    #[schema(value_type = CheckWord)]
    pub check: &'static str,
    /// Of a permission: its name.
    #[schema(required)]
    pub permission: Option<&'static str>,
    /// `passed`, `failed` or `unknown`: not tried, because something before it failed, or not to be told from outside.
    #[schema(value_type = CheckOutcomeWord)]
    pub outcome: &'static str,
    /// As of a run that fails so.
    #[schema(value_type = Option<RunErrorCodeWord>, required)]
    pub code: Option<RunErrorCode>,
    /// What happened.
    #[schema(required)]
    pub message: Option<String>,
    /// What to mend.
    #[schema(required)]
    pub hint: Option<String>,
    /// The directory's id of the failed request.
    #[schema(required)]
    pub request_id: Option<String>,
}

impl From<Vec<Check>> for TestView {
    fn from(checks: Vec<Check>) -> Self {
        let ok = !checks.iter().any(|check| matches!(check.outcome, CheckOutcome::Failed(_)));
        Self { ok, checks: checks.into_iter().map(CheckView::from).collect() }
    }
}

impl From<Check> for CheckView {
    fn from(check: Check) -> Self {
        let (name, permission) = match check.subject {
            CheckSubject::Token => ("token", None),
            CheckSubject::Permission(name) => ("permission", Some(name)),
            CheckSubject::Users => ("users", None),
            CheckSubject::Group => ("group", None),
        };
        let plain = |outcome| Self {
            check: name,
            permission,
            outcome,
            code: None,
            message: None,
            hint: None,
            request_id: None,
        };
        match check.outcome {
            CheckOutcome::Passed => plain("passed"),
            CheckOutcome::Unknown => plain("unknown"),
            CheckOutcome::Failed(ProviderError { code, message, hint, request_id, .. }) => {
                Self { code: Some(code), message: Some(message), hint: Some(hint), request_id, ..plain("failed") }
            }
        }
    }
}
