//! What was found.

use std::fmt::Display;

use serde::Serialize;

use crate::table::{Table, or_dash};

/// Everything that was looked at.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Report {
    checks: Vec<Check>,
}

/// One thing that was looked at.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Check {
    name: String,
    status: Status,
    /// How it is.
    detail: String,
    /// What to do about it; `None` where there is nothing to do.
    hint: Option<String>,
}

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Status {
    /// It is as it should be.
    Ok,
    /// It works, and wants a look.
    Warning,
    /// It does not work.
    Failed,
}

impl Status {
    fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Failed => "failed",
        }
    }
}

impl Report {
    pub(super) fn ok(&mut self, name: impl Into<String>, detail: impl Display) {
        self.add(name, Status::Ok, detail, None);
    }

    pub(super) fn warn(&mut self, name: impl Into<String>, detail: impl Display, hint: impl Into<String>) {
        self.add(name, Status::Warning, detail, Some(hint.into()));
    }

    pub(super) fn fail(&mut self, name: impl Into<String>, detail: impl Display, hint: impl Into<String>) {
        self.add(name, Status::Failed, detail, Some(hint.into()));
    }

    pub(super) fn add(&mut self, name: impl Into<String>, status: Status, detail: impl Display, hint: Option<String>) {
        self.checks.push(Check { name: name.into(), status, detail: detail.to_string(), hint });
    }

    pub(super) fn has_failed(&self) -> bool {
        self.checks.iter().any(|check| check.status == Status::Failed)
    }
}

pub(super) fn table(report: &Report) -> Table {
    let mut table = Table::list(["CHECK", "STATUS", "FOUND", "NEXT STEP"]);
    for Check { name, status, detail, hint } in &report.checks {
        table.row([name.clone(), status.as_str().to_owned(), detail.clone(), or_dash(hint.as_ref())]);
    }
    table
}
