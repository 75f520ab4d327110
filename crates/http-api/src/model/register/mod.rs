//! The body of a registration: what may be left out, what is refused, and what becomes of it.

#[cfg(test)]
mod tests;

use directory_core::{Policy, TenantId};
use secrecy::SecretString;
use serde::Deserialize;
use sync_engine::Registration;

use utoipa::ToSchema;

use crate::{
    model::{
        CredentialInput, FieldError,
        input::{self, Collect, PolicyInput, check, schedule},
    },
    openapi::{ClientSecretText, CloudWord, DisplayNameText, GuidText, PemText, RoleText, ScheduleText, TimeText},
};

const PROVIDER: &str = "entra";
const DEFAULT_CLOUD: &str = "global";

/// The body of an Entra registration, as it was sent. Of members that may be left out, null means the default.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = Registration)]
pub struct RegisterEntra {
    /// Required: 1 to 200 characters.
    #[schema(value_type = DisplayNameText, required)]
    pub display_name: Option<String>,
    /// Required: the directory's GUID.
    #[schema(value_type = GuidText, required)]
    pub directory_id: Option<String>,
    /// Required: the application's GUID.
    #[schema(value_type = GuidText, required)]
    pub client_id: Option<String>,
    /// The value of the application's client secret; required unless one of the other two credentials is given.
    #[schema(value_type = Option<ClientSecretText>)]
    pub client_secret: Option<SecretString>,
    /// Instead of a secret: a private key and its certificate, both in PEM.
    #[schema(value_type = Option<PemText>)]
    pub certificate: Option<SecretString>,
    /// Instead of a secret: the token of another identity provider that the program is set up with.
    pub federated_token: Option<bool>,
    /// Limits the scope to the members of this group.
    #[schema(value_type = Option<GuidText>)]
    pub group_id: Option<String>,
    /// Role of the users that the connection creates; `member` unless said.
    #[schema(value_type = Option<RoleText>)]
    pub default_role: Option<String>,
    /// `global` unless said.
    #[schema(value_type = Option<CloudWord>)]
    pub cloud: Option<String>,
    /// When the client secret ends, in RFC 3339.
    #[schema(value_type = Option<TimeText>)]
    pub client_secret_expires_at: Option<String>,
    /// A cron expression or `every 15m`; by hand unless said.
    #[schema(value_type = Option<ScheduleText>)]
    pub schedule: Option<String>,
    /// The rules; what it leaves out stays at the default.
    #[serde(default, deserialize_with = "input::object")]
    #[schema(required = false)]
    pub policy: Option<PolicyInput>,
}

impl RegisterEntra {
    /// The registration that this asks for, or everything that is wrong with it.
    pub fn into_registration(self, tenant: TenantId) -> Result<Registration, Vec<FieldError>> {
        let mut collect = Collect::default();
        let display_name = collect.required("/displayName", self.display_name.as_deref(), check::display_name);
        let directory_id = collect.required("/directoryId", self.directory_id.as_deref(), check::guid);
        let client_id = collect.required("/clientId", self.client_id.as_deref(), check::guid);
        let credential = CredentialInput {
            client_secret: self.client_secret,
            client_secret_expires_at: self.client_secret_expires_at,
            certificate: self.certificate,
            federated_token: self.federated_token,
        };
        let credential = credential.collect(&mut collect);
        let group_id = collect.optional("/groupId", self.group_id.as_deref(), check::guid);
        let default_role = collect.optional("/defaultRole", self.default_role.as_deref(), check::role);
        let cloud = collect.optional("/cloud", self.cloud.as_deref(), check::cloud);
        let schedule = collect.optional("/schedule", self.schedule.as_deref(), schedule::normalise);
        let default = Policy::default_for(self.group_id.is_some());
        let policy = self.policy.unwrap_or_default().onto(default.clone(), default, &mut collect);

        let required = (display_name, directory_id, client_id, credential);
        let (Some(display_name), Some(directory_id), Some(client_id), Some(credential)) = required else {
            return Err(collect.into_errors());
        };
        collect.finish(Registration {
            tenant,
            provider: PROVIDER.to_owned(),
            display_name,
            directory_id,
            client_id,
            credential: credential.credential,
            credential_expires_at: credential.expires_at,
            group_id,
            cloud: cloud.unwrap_or_else(|| DEFAULT_CLOUD.to_owned()),
            default_role: default_role.unwrap_or_else(|| input::DEFAULT_ROLE.to_owned()),
            policy,
            schedule,
        })
    }
}
