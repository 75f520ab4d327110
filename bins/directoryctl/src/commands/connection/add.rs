//! `connection add entra`

use directory_core::TenantId;
use http_api::model::{ConnectionView, RegisterEntra};
use sync_engine::Registration;

use super::{
    credential::CredentialArgs,
    policy::PolicyArgs,
    problem::{bad_usage, refused},
};
use crate::{output::note, session::Invocation, show::connection};

const NOT_REGISTERED: &str = "the connection was not registered";

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
    #[command(flatten)]
    credential: CredentialArgs,
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
    let registration = args.into_registration(tenant.id)?;
    let engine = session.engine()?;
    if verify {
        engine.try_credential(&registration).await.map_err(|error| refused(NOT_REGISTERED, error))?;
        note("the directory accepts the credential and its permissions");
    }
    let registered =
        engine.register(&session.by, registration).await.map_err(|error| refused(NOT_REGISTERED, error))?;
    session.format.show(&ConnectionView::new(registered, None), connection::one)
}

impl Args {
    fn into_registration(self, tenant: TenantId) -> anyhow::Result<Registration> {
        let credential = self.credential.read()?;
        let body = RegisterEntra {
            display_name: Some(self.display_name),
            directory_id: Some(self.directory_id),
            client_id: Some(self.client_id),
            client_secret: credential.client_secret,
            client_secret_expires_at: credential.client_secret_expires_at,
            certificate: credential.certificate,
            federated_token: credential.federated_token,
            group_id: self.group_id,
            default_role: self.default_role,
            cloud: self.cloud,
            schedule: self.schedule,
            policy: self.policy.into_input(),
        };
        Ok(body.into_registration(tenant).map_err(|errors| bad_usage(&errors))?)
    }
}
