//! Connections.

use http_api::model::{ConnectionView, ListView};

use crate::{
    table::{Table, or_dash, time},
    words::email_attribute,
};

pub(crate) fn one(connection: &ConnectionView) -> Table {
    let mut table = Table::facts();
    table
        .fact("ID", connection.id.to_string())
        .fact("Name", connection.display_name.clone())
        .fact("Provider", connection.provider.clone())
        .fact("Cloud", connection.cloud.clone())
        .fact("Directory", connection.directory_id.clone())
        .fact("Client", connection.client_id.clone())
        .fact("Group", or_dash(connection.group_id.as_ref()))
        .fact("Default role", connection.default_role.clone())
        .fact("Schedule", connection.schedule.clone().unwrap_or_else(|| "by hand".to_owned()))
        .fact("Next sync", connection.next_sync_at.map(time))
        .fact("State", connection.state.as_str().to_owned())
        .fact("Reason", connection.state_reason.clone())
        .fact("Credential", connection.credential_kind.name().to_owned())
        .fact("Credential set", time(connection.credential_updated_at))
        .fact("Credential ends", connection.credential_expires_at.map(time))
        .fact("Registered", time(connection.created_at));
    policy(&mut table, connection);
    if let Some(run) = &connection.last_run {
        table.fact("Last run", format!("{} {}", run.id, run.status.as_str()));
    }
    table
}

fn policy(table: &mut Table, connection: &ConnectionView) {
    let policy = &connection.policy;
    let yes = |yes: bool| if yes { "yes" } else { "no" }.to_owned();
    let limit = policy.max_deactivations;
    table
        .fact("Deactivate missing", yes(policy.deactivate_missing))
        .fact("Include guests", yes(policy.include_guests))
        .fact("Include disabled", yes(policy.include_disabled))
        .fact("Include nested groups", yes(policy.include_nested_groups))
        .fact("E-mail attribute", email_attribute(policy.email_attribute).to_owned())
        .fact("Adopt by e-mail", yes(policy.adopt_by_email))
        .fact("Adopt domains", policy.adopt_domains.as_ref().map(|domains| domains.join(", ")))
        .fact("Protected roles", policy.protected_roles.join(", "))
        .fact("Hold when deactivating", format!("more than {} % and more than {}", limit.percent, limit.count));
}

/// The credential's end has a column where one of them is to be warned of.
pub(crate) fn list(connections: &ListView<ConnectionView>) -> Table {
    let warned = connections.items.iter().any(|connection| connection.credential_warning.is_some());
    let ends = warned.then_some("CREDENTIAL ENDS");
    let header = ["ID", "NAME", "PROVIDER", "STATE", "SCHEDULE", "NEXT SYNC", "LAST RUN", "AT"];
    let mut table = Table::list(header.into_iter().chain(ends));
    for connection in &connections.items {
        let run = connection.last_run.as_ref();
        let cells = [
            connection.id.to_string(),
            connection.display_name.clone(),
            connection.provider.clone(),
            connection.state.as_str().to_owned(),
            or_dash(connection.schedule.as_ref()),
            or_dash(connection.next_sync_at.map(time)),
            or_dash(run.map(|run| run.status.as_str())),
            or_dash(run.map(|run| time(run.created_at))),
        ];
        let end = connection.credential_expires_at.filter(|_| connection.credential_warning.is_some());
        table.row(cells.into_iter().chain(warned.then(|| or_dash(end.map(time)))));
    }
    table
}
