//! `connection list`

use http_api::model::ListView;

use crate::{session::Invocation, show::connection};

pub(super) async fn run(invocation: Invocation) -> anyhow::Result<()> {
    let session = invocation.open().await?;
    let tenant = session.tenant().await?;
    let connections = session.connections(&tenant).await?;
    let items = super::views(&session, connections).await?;
    session.format.show(&ListView { items, next_cursor: None }, connection::list)
}
