//! What an administrator decides about a connection.

use serde::{Deserialize, Serialize};

use crate::{AccountKind, DirectoryUser, EmailAddress, EmailKey};

/// The rules of one connection. In JSON camelCase; what is missing has its default and what is unknown is ignored, so that
/// programs of different age can share a database. (Where people write it, the API reads it strictly.)
// These are the admin's own independent yes/no questions; an enum each would only rename `true`.
#[expect(clippy::struct_excessive_bools, reason = "independent switches, named in the public interface")]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Policy {
    /// Deactivate users that are absent from a complete listing.
    pub deactivate_missing: bool,
    /// Take guests in.
    pub include_guests: bool,
    /// Take disabled accounts in, as inactive users. A linked user whose account is disabled is deactivated either way.
    pub include_disabled: bool,
    /// With a group: follow the groups inside it.
    pub include_nested_groups: bool,
    /// Which attribute is the e-mail address.
    pub email_attribute: EmailAttribute,
    /// Link a directory user to the unlinked local user with the same e-mail address.
    pub adopt_by_email: bool,
    /// Where set, only addresses of these domains are adopted.
    pub adopt_domains: Option<Vec<String>>,
    /// The last active user of each of these roles is never deactivated.
    pub protected_roles: Vec<String>,
    /// More than this is held for review.
    pub max_deactivations: MaxDeactivations,
}

/// A plan is held when it passes both limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct MaxDeactivations {
    /// Per cent of the connection's active linked users, 0 to 100.
    pub percent: u8,
    /// A number of users.
    pub count: u32,
}

/// Where a user's e-mail address is read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum EmailAttribute {
    /// `mail`, else the user principal name.
    Mail,
    /// The user principal name, else `mail`.
    UserPrincipalName,
}

impl Default for Policy {
    fn default() -> Self {
        Self::default_for(false)
    }
}

impl Default for MaxDeactivations {
    fn default() -> Self {
        Self { percent: 20, count: 10 }
    }
}

impl Policy {
    /// The defaults for a whole directory, or for one group of it: whoever is put into a group on purpose is meant,
    /// guest or not.
    #[must_use]
    pub fn default_for(group_chosen: bool) -> Self {
        Self {
            deactivate_missing: true,
            include_guests: group_chosen,
            include_disabled: true,
            include_nested_groups: true,
            email_attribute: EmailAttribute::Mail,
            adopt_by_email: true,
            adopt_domains: None,
            protected_roles: vec!["admin".to_owned(), "owner".to_owned()],
            max_deactivations: MaxDeactivations::default(),
        }
    }

    /// Whether the filters leave a user out. A linked user whose account is disabled stays in, so that the
    /// deactivation never depends on a filter.
    pub(crate) fn excludes(&self, user: &DirectoryUser, linked: bool) -> bool {
        let disabled = user.enabled == Some(false);
        if linked && disabled {
            return false;
        }
        (user.kind == AccountKind::Guest && !self.include_guests) || (disabled && !self.include_disabled)
    }

    /// The address to use, by preference.
    pub(crate) fn email_of<'a>(&self, user: &'a DirectoryUser) -> Option<EmailAddress<'a>> {
        let mail = || user.mail.as_deref().and_then(EmailAddress::parse);
        // A guest's sign-in name ends in the host's domain and receives no mail (protocol reference §2.4).
        let name = || {
            let name = user.user_principal_name.as_deref().and_then(EmailAddress::parse);
            name.filter(|name| !name.as_str().to_ascii_uppercase().contains("#EXT#"))
        };
        match self.email_attribute {
            EmailAttribute::Mail => mail().or_else(name),
            EmailAttribute::UserPrincipalName => name().or_else(mail),
        }
    }

    /// Whether an unlinked local user with this address may be taken over.
    pub(crate) fn adopts(&self, email: &EmailKey) -> bool {
        self.adopt_by_email
            && self
                .adopt_domains
                .as_ref()
                .is_none_or(|domains| domains.iter().any(|domain| domain.trim().eq_ignore_ascii_case(email.domain())))
    }

    pub(crate) fn protects(&self, role: &str) -> bool {
        self.protected_roles.iter().any(|protected| protected == role)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_of_older_and_newer_programs_are_read() {
        let older: Policy = serde_json::from_str(r#"{"includeGuests":true,"maxDeactivations":{"count":3}}"#).unwrap();
        let max_deactivations = MaxDeactivations { percent: 20, count: 3 };
        assert_eq!(older, Policy { include_guests: true, max_deactivations, ..Policy::default() });
        let newer: Policy = serde_json::from_str(r#"{"moonPhase":"full","adoptByEmail":false}"#).unwrap();
        assert_eq!(newer, Policy { adopt_by_email: false, ..Policy::default() });
    }
}
