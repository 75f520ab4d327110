//! The flags of a connection's policy. What is not said stays as it is; of a new connection, at its default.

use std::{convert::Infallible, str::FromStr};

use directory_core::EmailAttribute;
use http_api::model::{MaxDeactivationsInput, PolicyInput};

use crate::words::{email_attribute, word_of};

/// The policy's flags. The values' form is judged where the REST API judges it.
#[derive(clap::Args)]
#[command(next_help_heading = "Policy")]
pub(super) struct PolicyArgs {
    /// Deactivate users who are no longer in the directory or in the group
    #[arg(long, value_name = "BOOL")]
    deactivate_missing: Option<bool>,
    /// Take guests in
    #[arg(long, value_name = "BOOL")]
    include_guests: Option<bool>,
    /// Take disabled accounts in, as inactive users
    #[arg(long, value_name = "BOOL")]
    include_disabled: Option<bool>,
    /// Follow the groups inside the group
    #[arg(long, value_name = "BOOL")]
    include_nested_groups: Option<bool>,
    /// Where a user's e-mail address is read from first
    #[arg(long, value_name = "NAME", value_parser = word_of(EMAIL_ATTRIBUTES, email_attribute))]
    email_attribute: Option<EmailAttribute>,
    /// Link a directory user to the local user with the same e-mail address
    #[arg(long, value_name = "BOOL")]
    adopt_by_email: Option<bool>,
    /// Domains whose addresses may be linked so, such as example.org,example.com, or `any`
    #[arg(long, value_name = "LIST")]
    adopt_domains: Option<Domains>,
    /// Roles whose last active user is never deactivated, such as admin,owner, or `none`
    #[arg(long, value_name = "LIST")]
    protected_roles: Option<Roles>,
    /// Hold a plan that deactivates more than this share of the active users, 0 to 100, and more than the count
    #[arg(long, value_name = "NUMBER")]
    max_deactivations_percent: Option<u64>,
    /// Hold a plan that deactivates more than so many users, and more than the share
    #[arg(long, value_name = "NUMBER")]
    max_deactivations_count: Option<u64>,
}

const EMAIL_ATTRIBUTES: &[EmailAttribute] = &[EmailAttribute::Mail, EmailAttribute::UserPrincipalName];

/// Domains; `None` is any.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Domains(Option<Vec<String>>);

/// Roles.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Roles(Vec<String>);

impl FromStr for Domains {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self((text != "any").then(|| items(text))))
    }
}

impl FromStr for Roles {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(if text == "none" { Vec::new() } else { items(text) }))
    }
}

fn items(text: &str) -> Vec<String> {
    text.split(',').map(str::to_owned).collect()
}

impl PolicyArgs {
    /// What is said; `None` where nothing is.
    pub(super) fn into_input(self) -> Option<PolicyInput> {
        let limit = MaxDeactivationsInput {
            percent: self.max_deactivations_percent.map(Some),
            count: self.max_deactivations_count.map(Some),
        };
        let policy = PolicyInput {
            deactivate_missing: self.deactivate_missing.map(Some),
            include_guests: self.include_guests.map(Some),
            include_disabled: self.include_disabled.map(Some),
            include_nested_groups: self.include_nested_groups.map(Some),
            email_attribute: self.email_attribute.map(Some),
            adopt_by_email: self.adopt_by_email.map(Some),
            adopt_domains: self.adopt_domains.map(|domains| domains.0),
            protected_roles: self.protected_roles.map(|roles| Some(roles.0)),
            max_deactivations: (limit != MaxDeactivationsInput::default()).then_some(Some(limit)),
        };
        (policy != PolicyInput::default()).then_some(policy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_have_a_word_for_everything_and_one_for_nothing() {
        assert_eq!("any".parse(), Ok(Domains(None)));
        assert_eq!("a.org,b.org".parse(), Ok(Domains(Some(vec!["a.org".to_owned(), "b.org".to_owned()]))));
        assert_eq!("none".parse(), Ok(Roles(Vec::new())));
        assert_eq!("admin".parse(), Ok(Roles(vec!["admin".to_owned()])));
        // What is left empty is refused where the list is judged.
        assert_eq!("".parse(), Ok(Roles(vec![String::new()])));
    }
}
