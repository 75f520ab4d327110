//! A policy of which any part may be left out.

use directory_core::{EmailAttribute, MaxDeactivations, Policy};
use serde::Deserialize;

use crate::model::input;

use super::{
    check,
    collect::{Checked, Collect},
};

const MAX_DOMAINS: usize = 100;
const MAX_ROLES: usize = 50;

/// The members of a policy; null or left out is the default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(missing_docs, reason = "the members mean what directory_core::Policy says")]
pub struct PolicyInput {
    pub deactivate_missing: Option<bool>,
    pub include_guests: Option<bool>,
    pub include_disabled: Option<bool>,
    pub include_nested_groups: Option<bool>,
    #[serde(default, deserialize_with = "input::word")]
    pub email_attribute: Option<EmailAttribute>,
    pub adopt_by_email: Option<bool>,
    pub adopt_domains: Option<Vec<String>>,
    pub protected_roles: Option<Vec<String>>,
    #[serde(default, deserialize_with = "input::object")]
    pub max_deactivations: Option<MaxDeactivationsInput>,
}

/// Limits of which either may be left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MaxDeactivationsInput {
    /// 0 to 100.
    pub percent: Option<u64>,
    /// A number of users.
    pub count: Option<u64>,
}

impl PolicyInput {
    /// The whole policy. What is wrong goes to `collect`, and stays at its default here.
    pub(super) fn into_policy(self, group_chosen: bool, collect: &mut Collect) -> Policy {
        let default = Policy::default_for(group_chosen);
        let limit = self.max_deactivations.unwrap_or_default();
        Policy {
            deactivate_missing: self.deactivate_missing.unwrap_or(default.deactivate_missing),
            include_guests: self.include_guests.unwrap_or(default.include_guests),
            include_disabled: self.include_disabled.unwrap_or(default.include_disabled),
            include_nested_groups: self.include_nested_groups.unwrap_or(default.include_nested_groups),
            email_attribute: self.email_attribute.unwrap_or(default.email_attribute),
            adopt_by_email: self.adopt_by_email.unwrap_or(default.adopt_by_email),
            adopt_domains: collect.each("/policy/adoptDomains", MAX_DOMAINS, self.adopt_domains, check::domain),
            protected_roles: collect
                .each("/policy/protectedRoles", MAX_ROLES, self.protected_roles, check::role)
                .unwrap_or(default.protected_roles),
            max_deactivations: MaxDeactivations {
                percent: collect
                    .optional("/policy/maxDeactivations/percent", limit.percent, percent)
                    .unwrap_or(default.max_deactivations.percent),
                count: collect
                    .optional("/policy/maxDeactivations/count", limit.count, count)
                    .unwrap_or(default.max_deactivations.count),
            },
        }
    }
}

fn percent(number: u64) -> Checked<u8> {
    u8::try_from(number).ok().filter(|percent| *percent <= 100).ok_or_else(|| "must be 0 to 100".into())
}

fn count(number: u64) -> Checked<u32> {
    u32::try_from(number).map_err(|_| "must be 0 to 4294967295".into())
}
