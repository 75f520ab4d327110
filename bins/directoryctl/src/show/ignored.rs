//! Directory users whom a connection leaves alone.

use http_api::model::{IgnoredUserView, ListView};

use crate::table::{Table, time};

pub(crate) fn list(users: &ListView<IgnoredUserView>) -> Table {
    let mut table = Table::list(["EXTERNAL ID", "SINCE"]);
    for user in &users.items {
        table.row([user.external_id.to_string(), time(user.created_at)]);
    }
    table
}
