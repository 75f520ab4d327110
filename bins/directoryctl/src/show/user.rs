//! Users.

use http_api::model::{ListView, UserView};

use crate::table::{Table, time};

pub(crate) fn one(user: &UserView) -> Table {
    let mut table = Table::facts();
    table
        .fact("ID", user.id.to_string())
        .fact("E-mail", user.email.clone())
        .fact("Display name", user.display_name.clone())
        .fact("Given name", user.given_name.clone())
        .fact("Family name", user.family_name.clone())
        .fact("Role", user.role.clone())
        .fact("Status", user.status.as_str().to_owned());
    if let Some(deactivation) = user.deactivation {
        table
            .fact("Deactivated by", deactivation.by.as_str().to_owned())
            .fact("Deactivated in run", deactivation.run_id.map(|run| run.to_string()))
            .fact("Deactivated", deactivation.at.map(time));
    }
    table
        .fact("Connection", user.connection_id.map_or_else(|| "- (a local user)".to_owned(), |id| id.to_string()))
        .fact("External id", user.external_id.as_ref().map(ToString::to_string))
        .fact("Made", time(user.created_at))
        .fact("Changed", time(user.updated_at));
    table
}

pub(crate) fn list(users: &ListView<UserView>) -> Table {
    let mut table = Table::list(["ID", "E-MAIL", "DISPLAY NAME", "ROLE", "STATUS", "SOURCE"]);
    for user in &users.items {
        table.row([
            user.id.to_string(),
            user.email.clone(),
            user.display_name.clone(),
            user.role.clone(),
            match user.deactivation {
                Some(deactivation) => format!("{} ({})", user.status.as_str(), deactivation.by.as_str()),
                None => user.status.as_str().to_owned(),
            },
            if user.connection_id.is_some() { "directory" } else { "local" }.to_owned(),
        ]);
    }
    table
}
