//! `user show`

use http_api::model::UserView;

use super::{OneUser, named::Named};
use crate::{session::Invocation, show::user};

pub(super) async fn run(args: &OneUser, invocation: Invocation) -> anyhow::Result<()> {
    let named = Named::parse(&args.user)?;
    let session = invocation.open().await?;
    let tenant = session.tenant().await?;
    let record = named.find(&session, &tenant).await?;
    session.format.show(&UserView::from(record), user::one)
}
