//! The body of an update: what of a connection an administrator may change.

#[cfg(test)]
mod tests;

use directory_core::Policy;
use serde::Deserialize;
use store::{Connection, ConnectionState, ConnectionUpdate};

use utoipa::ToSchema;

use crate::{
    model::{
        FieldError,
        input::{self, Collect, PolicyInput, check, schedule},
    },
    openapi::{DisplayNameText, GuidText, RoleText, ScheduleText},
};

/// Changes of a connection, as they were sent. What is left out stays as it is; of what may be null, that is the default
/// of a registration. Other members are refused.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConnectionPatch {
    /// 1 to 200 characters.
    #[serde(default, deserialize_with = "input::not_null")]
    #[schema(value_type = DisplayNameText, required = false)]
    pub display_name: Option<String>,
    /// The group to whose members the scope is limited; null is the whole directory.
    #[serde(default, deserialize_with = "input::null_is_a_value")]
    #[schema(value_type = Option<GuidText>)]
    pub group_id: Option<Option<String>>,
    /// Role of the users that the connection creates; null is `member`.
    #[serde(default, deserialize_with = "input::null_is_a_value")]
    #[schema(value_type = Option<RoleText>)]
    pub default_role: Option<Option<String>>,
    /// The rules; null is the default for the scope that the connection then has, also of a single rule.
    #[serde(default, deserialize_with = "input::null_or_object")]
    #[schema(value_type = Option<PolicyInput>)]
    pub policy: Option<Option<PolicyInput>>,
    /// A cron expression or `every 15m`; null is by hand.
    #[serde(default, deserialize_with = "input::null_is_a_value")]
    #[schema(value_type = Option<ScheduleText>)]
    pub schedule: Option<Option<String>>,
    /// Whether the schedule is stopped.
    #[serde(default, deserialize_with = "input::not_null")]
    #[schema(value_type = bool, required = false)]
    pub paused: Option<bool>,
}

impl ConnectionPatch {
    /// What `current` becomes, or everything that is wrong with the changes.
    pub fn resolve(&self, current: &Connection) -> Result<ConnectionUpdate, Vec<FieldError>> {
        let mut collect = Collect::default();
        let mut update = unchanged(current);
        let display_name = collect.optional("/displayName", self.display_name.as_deref(), check::display_name);
        if let Some(name) = display_name {
            update.display_name = name;
        }
        if let Some(group) = &self.group_id {
            update.group_id = collect.optional("/groupId", group.as_deref(), check::guid);
        }
        if let Some(role) = &self.default_role {
            let role = collect.optional("/defaultRole", role.as_deref(), check::role);
            update.default_role = role.unwrap_or_else(|| input::DEFAULT_ROLE.to_owned());
        }
        if let Some(policy) = &self.policy {
            let default = Policy::default_for(update.group_id.is_some());
            update.policy = match policy {
                Some(policy) => policy.clone().onto(update.policy, default, &mut collect),
                None => default,
            };
        }
        if let Some(schedule) = &self.schedule {
            update.schedule = collect.optional("/schedule", schedule.as_deref(), schedule::normalise);
        }
        update.paused = self.paused.unwrap_or(update.paused);
        collect.finish(update)
    }
}

/// The update that leaves a connection as it is.
pub(crate) fn unchanged(current: &Connection) -> ConnectionUpdate {
    ConnectionUpdate {
        display_name: current.display_name.clone(),
        group_id: current.group_id.clone(),
        default_role: current.default_role.clone(),
        policy: current.policy.clone(),
        schedule: current.schedule.clone(),
        paused: current.state == ConnectionState::Paused,
    }
}
