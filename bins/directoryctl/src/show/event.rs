//! Events.

use http_api::model::{EventPageView, EventView};
use store::{EventData, RunEvent, UserEvent};

use super::difference;
use crate::{
    output::{Format, line_of_json},
    table::{Table, printable, time},
};

pub(crate) fn list(page: &EventPageView) -> Table {
    let mut table = Table::list(["AT", "TYPE", "ABOUT", "WHAT", "ID"]);
    for event in &page.items {
        table.row(cells(event));
    }
    table
}

/// One line, with its end.
pub(crate) fn line(format: Format, event: &EventView) -> anyhow::Result<String> {
    Ok(match format {
        Format::Json => format!("{}\n", line_of_json(event)?),
        Format::Table => format!("{}\n", printable(&cells(event).join("  "))),
    })
}

fn cells(event: &EventView) -> [String; 5] {
    let (about, what) = match &event.data {
        EventData::User(user) => (name(user), changed(user)),
        EventData::Run(run) => (event.run_id.map_or(String::new(), |run| format!("run {run}")), ended(run)),
        EventData::Quarantine(data) => {
            (format!("connection {}", event.connection_id), data.reason.clone().unwrap_or_default())
        }
    };
    [time(event.at), event.kind.as_str().to_owned(), about, what, event.id.to_string()]
}

fn name(user: &UserEvent) -> String {
    user.email.clone().unwrap_or_else(|| user.user.to_string())
}

fn changed(user: &UserEvent) -> String {
    difference::values(Some(&user.before), Some(&user.after)).join("; ")
}

fn ended(run: &RunEvent) -> String {
    let error = run.error.as_ref().map(|error| error.message.clone());
    [Some(run.status.as_str().to_owned()), error].into_iter().flatten().collect::<Vec<_>>().join(": ")
}
