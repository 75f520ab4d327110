//! `connection set-secret`

use anyhow::bail;
use http_api::model::GivenCredential;
use store::{Connection, ConnectionState, UpdatedConnection};

use super::{
    credential::CredentialArgs,
    problem::{bad_usage, refused},
};
use crate::{output::note, session::Invocation, show::connection};

const OLD_STAYS: &str = "the new credential was not set, and the old one stays";

/// What to authenticate with from now on.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The connection's id or display name
    connection: String,
    #[command(flatten)]
    credential: CredentialArgs,
    /// Do not try the new credential on the directory first
    #[arg(long)]
    no_verify: bool,
}

pub(super) async fn run(args: Args, invocation: Invocation) -> anyhow::Result<()> {
    let session = invocation.open().await?;
    let tenant = session.tenant().await?;
    let before = session.connection(&tenant, &args.connection).await?;
    let verify = !args.no_verify;
    let given = args.credential.read()?.into_credential();
    let GivenCredential { credential, expires_at } = given.map_err(|errors| bad_usage(&errors))?;
    let engine = session.engine()?;
    let set = engine.set_credential(&session.by, tenant.id, before.id, credential, expires_at, verify).await;
    let after = match set.map_err(|error| refused(OLD_STAYS, error))? {
        UpdatedConnection::Done(connection) => *connection,
        UpdatedConnection::Moved => bail!("somebody else changed the connection meanwhile; {OLD_STAYS}; try again"),
        UpdatedConnection::NoConnection => bail!("the connection is gone"),
    };
    let said = said(&before, &after, verify);
    for view in super::views(&session, vec![after]).await? {
        session.format.show(&view, connection::one)?;
    }
    note(&said);
    Ok(())
}

/// What came of it, and what to do next.
fn said(before: &Connection, after: &Connection, verified: bool) -> String {
    let id = after.id;
    let was_quarantined = before.state == ConnectionState::Quarantined;
    match (verified, after.state) {
        (true, ConnectionState::Active) if was_quarantined => format!(
            "the directory accepts the new credential, and the connection is no longer quarantined; `directoryctl sync \
             {id}` synchronises it now"
        ),
        (true, _) => "the directory accepts the new credential; it is used from now on".to_owned(),
        (false, ConnectionState::Quarantined) => format!(
            "the new credential is set and was not tried; the connection stays quarantined until a sync succeeds: \
             `directoryctl sync {id}`"
        ),
        (false, _) => {
            format!("the new credential is set and was not tried; `directoryctl connection test {id}` does")
        }
    }
}
