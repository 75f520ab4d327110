//! `connection add entra`

use anyhow::{Context, anyhow};
use directory_core::TenantId;
use http_api::model::{ConnectionView, RegisterEntra};
use secrecy::SecretString;
use sync_engine::{EngineError, Registration};

use super::{policy::PolicyArgs, problem::bad_usage};
use crate::{exit::BadUsage, output::note, secret, session::Invocation, show::connection};

/// A connection to register. The values' form is judged where the REST API judges it.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Name to show
    #[arg(long, value_name = "NAME")]
    display_name: String,
    /// The directory's id (Directory (tenant) ID)
    #[arg(long, value_name = "GUID")]
    directory_id: String,
    /// The registered application's id (Application (client) ID)
    #[arg(long, value_name = "GUID")]
    client_id: String,
    /// Read the client secret from standard input instead of asking for it
    #[arg(long)]
    client_secret_stdin: bool,
    /// When the client secret ends, such as 2030-01-31T00:00:00Z
    #[arg(long, value_name = "TIME")]
    client_secret_expires_at: Option<String>,
    /// Only members of this group are in scope [default: everybody in the directory]
    #[arg(long, value_name = "GUID")]
    group_id: Option<String>,
    /// Role of the users that the connection creates [default: member]
    #[arg(long, value_name = "ROLE")]
    default_role: Option<String>,
    /// global, usGov, usGovDod or china [default: global]
    #[arg(long)]
    cloud: Option<String>,
    /// When to synchronise: `every 15m`, or a cron expression [default: by hand]
    #[arg(long)]
    schedule: Option<String>,
    /// Try the credential on the directory first; register nothing if it does not work
    #[arg(long)]
    verify: bool,
    #[command(flatten)]
    policy: PolicyArgs,
}

pub(super) async fn run(args: Args, invocation: Invocation) -> anyhow::Result<()> {
    let session = invocation.open().await?;
    let tenant = session.tenant().await?;
    let verify = args.verify;
    let secret = secret::client_secret(args.client_secret_stdin)?;
    let registration = args.into_registration(tenant.id, secret)?;
    let engine = session.engine()?;
    if verify {
        engine.try_credential(&registration).await.map_err(refused)?;
        note("the directory accepts the credential and its permissions");
    }
    let registered = engine.register(registration).await.context("the connection was not registered")?;
    session.format.show(&ConnectionView::new(registered, None), connection::one)
}

impl Args {
    fn into_registration(self, tenant: TenantId, client_secret: SecretString) -> Result<Registration, BadUsage> {
        let body = RegisterEntra {
            display_name: Some(self.display_name),
            directory_id: Some(self.directory_id),
            client_id: Some(self.client_id),
            client_secret: Some(client_secret),
            group_id: self.group_id,
            default_role: self.default_role,
            cloud: self.cloud,
            client_secret_expires_at: self.client_secret_expires_at,
            schedule: self.schedule,
            policy: self.policy.into_input(),
        };
        body.into_registration(tenant).map_err(|errors| bad_usage(&errors))
    }
}

/// What the directory says to the credential, with the next step.
fn refused(error: EngineError) -> anyhow::Error {
    match error {
        EngineError::Provider(refusal) => {
            anyhow!("the connection was not registered: {} {}", refusal.message, refusal.hint)
        }
        other => anyhow::Error::from(other).context("the connection was not registered"),
    }
}
