//! What trying a connection found out.

use http_api::model::TestView;

use crate::table::{Table, or_dash};

pub(crate) fn list(report: &TestView) -> Table {
    let mut table = Table::list(["CHECK", "OUTCOME", "NEXT STEP"]);
    for check in &report.checks {
        let subject = [Some(check.check), check.permission];
        let next_step = [check.message.as_deref(), check.hint.as_deref()];
        table.row([joined(subject).unwrap_or_default(), check.outcome.to_owned(), or_dash(joined(next_step))]);
    }
    table
}

fn joined(parts: [Option<&str>; 2]) -> Option<String> {
    let parts: Vec<&str> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(" "))
}
