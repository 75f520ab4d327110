//! A policy of which any part may be left out.

use directory_core::{EmailAttribute, MaxDeactivations, Policy};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    check,
    collect::{Checked, Collect},
    read,
};
use crate::openapi::{DomainText, EmailAttributeWord, RoleText};

const MAX_DOMAINS: usize = 100;
const MAX_ROLES: usize = 50;

/// The members of a policy. What is left out stays as it is, and null is the default; to a registration the two are the
/// same.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(missing_docs, reason = "the members mean what directory_core::Policy says")]
pub struct PolicyInput {
    #[serde(default, deserialize_with = "read::null_is_a_value")]
    #[schema(value_type = Option<bool>)]
    pub deactivate_missing: Option<Option<bool>>,
    #[serde(default, deserialize_with = "read::null_is_a_value")]
    #[schema(value_type = Option<bool>)]
    pub include_guests: Option<Option<bool>>,
    #[serde(default, deserialize_with = "read::null_is_a_value")]
    #[schema(value_type = Option<bool>)]
    pub include_disabled: Option<Option<bool>>,
    #[serde(default, deserialize_with = "read::null_is_a_value")]
    #[schema(value_type = Option<bool>)]
    pub include_nested_groups: Option<Option<bool>>,
    #[serde(default, deserialize_with = "read::null_or_word")]
    #[schema(value_type = Option<EmailAttributeWord>)]
    pub email_attribute: Option<Option<EmailAttribute>>,
    #[serde(default, deserialize_with = "read::null_is_a_value")]
    #[schema(value_type = Option<bool>)]
    pub adopt_by_email: Option<Option<bool>>,
    #[serde(default, deserialize_with = "read::null_is_a_value")]
    #[schema(value_type = Option<Vec<DomainText>>, max_items = 100)]
    pub adopt_domains: Option<Option<Vec<String>>>,
    #[serde(default, deserialize_with = "read::null_is_a_value")]
    #[schema(value_type = Option<Vec<RoleText>>, max_items = 50)]
    pub protected_roles: Option<Option<Vec<String>>>,
    #[serde(default, deserialize_with = "read::null_or_object")]
    #[schema(value_type = Option<MaxDeactivationsInput>)]
    pub max_deactivations: Option<Option<MaxDeactivationsInput>>,
}

/// Limits of which either may be left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MaxDeactivationsInput {
    /// 0 to 100.
    #[serde(default, deserialize_with = "read::null_or_whole")]
    #[schema(value_type = Option<u64>, maximum = 100)]
    pub percent: Option<Option<u64>>,
    /// A number of users.
    #[serde(default, deserialize_with = "read::null_or_whole")]
    #[schema(value_type = Option<u64>, maximum = 4_294_967_295_u64)]
    pub count: Option<Option<u64>>,
}

impl PolicyInput {
    /// `current` with these members. What is wrong goes to `collect`.
    pub(crate) fn onto(self, current: Policy, default: Policy, collect: &mut Collect) -> Policy {
        let adopt_domains = self.adopt_domains.map(|domains| {
            let pointer = "/policy/adoptDomains";
            collect.each(pointer, MAX_DOMAINS, domains, check::domain)
        });
        let protected_roles = self.protected_roles.map(|roles| {
            let pointer = "/policy/protectedRoles";
            collect.each(pointer, MAX_ROLES, roles, check::role)
        });
        let max_deactivations = self
            .max_deactivations
            .map(|limit| limit.map(|limit| limit.onto(current.max_deactivations, default.max_deactivations, collect)));
        Policy {
            deactivate_missing: chosen(self.deactivate_missing, current.deactivate_missing, default.deactivate_missing),
            include_guests: chosen(self.include_guests, current.include_guests, default.include_guests),
            include_disabled: chosen(self.include_disabled, current.include_disabled, default.include_disabled),
            include_nested_groups: chosen(
                self.include_nested_groups,
                current.include_nested_groups,
                default.include_nested_groups,
            ),
            email_attribute: chosen(self.email_attribute, current.email_attribute, default.email_attribute),
            adopt_by_email: chosen(self.adopt_by_email, current.adopt_by_email, default.adopt_by_email),
            adopt_domains: adopt_domains.unwrap_or(current.adopt_domains),
            protected_roles: chosen(protected_roles, current.protected_roles, default.protected_roles),
            max_deactivations: chosen(max_deactivations, current.max_deactivations, default.max_deactivations),
        }
    }
}

impl MaxDeactivationsInput {
    fn onto(self, current: MaxDeactivations, default: MaxDeactivations, collect: &mut Collect) -> MaxDeactivations {
        let pointer = "/policy/maxDeactivations";
        let percent = self.percent.map(|number| collect.optional(format!("{pointer}/percent"), number, percent));
        let count = self.count.map(|number| collect.optional(format!("{pointer}/count"), number, count));
        MaxDeactivations {
            percent: chosen(percent, current.percent, default.percent),
            count: chosen(count, current.count, default.count),
        }
    }
}

/// Absent keeps what there is, null takes the default.
#[expect(clippy::option_option, reason = "absent, null and a value are three things")]
fn chosen<T>(sent: Option<Option<T>>, current: T, default: T) -> T {
    sent.map_or(current, |value| value.unwrap_or(default))
}

fn percent(number: u64) -> Checked<u8> {
    u8::try_from(number).ok().filter(|percent| *percent <= 100).ok_or_else(|| "must be 0 to 100".into())
}

fn count(number: u64) -> Checked<u32> {
    u32::try_from(number).map_err(|_| "must be 0 to 4294967295".into())
}
