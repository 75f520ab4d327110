//! Decisions about one user that need nothing but the user: the wanted values, and what differs from the present ones.

use crate::{Action, DeactivatedBy, DirectoryUser, EmailAddress, LocalUser, Policy, UserStatus, Values, normalise};

/// What the directory wants a user to be, in stored form.
pub(crate) struct Wanted {
    pub(crate) email: Option<EmailAddress>,
    display_name: Option<String>,
    given_name: Option<String>,
    family_name: Option<String>,
    /// See [`DirectoryUser::enabled`].
    pub(crate) enabled: Option<bool>,
}

impl Wanted {
    pub(crate) fn of(user: &DirectoryUser, policy: &Policy) -> Self {
        let text = |value: &Option<String>| value.as_deref().and_then(normalise);
        Self {
            email: policy.email_of(user),
            display_name: text(&user.display_name),
            given_name: text(&user.given_name),
            family_name: text(&user.family_name),
            enabled: user.enabled,
        }
    }

    /// The directory's display name, else given and family name.
    fn display_name(&self) -> Option<String> {
        match (&self.display_name, &self.given_name, &self.family_name) {
            (Some(name), _, _) | (None, Some(name), None) | (None, None, Some(name)) => Some(name.clone()),
            (None, Some(given), Some(family)) => Some(format!("{given} {family}")),
            (None, None, None) => None,
        }
    }

    /// The values of a new user.
    pub(crate) fn creation(&self, email: &EmailAddress, external_id: &str, role: &str) -> Values {
        let active = self.enabled == Some(true);
        Values {
            email: Some(email.as_str().to_owned()),
            display_name: Some(self.display_name().unwrap_or_else(|| email.local_part().to_owned())),
            given_name: Some(self.given_name.clone()),
            family_name: Some(self.family_name.clone()),
            role: Some(role.to_owned()),
            status: Some(if active { UserStatus::Active } else { UserStatus::Inactive }),
            deactivated_by: Some((!active).then_some(DeactivatedBy::DirectoryDisabled)),
            external_id: Some(Some(external_id.to_owned())),
        }
    }

    /// What differs from a local user, the e-mail address left out.
    pub(crate) fn revise(&self, user: &LocalUser) -> Revision {
        let mut revision = Revision::default();
        // Of whom the directory knows no name keeps the one it has. Making one from a new address would name the user
        // after somebody else, should that address turn out to be taken.
        if let Some(name) = self.display_name().filter(|name| *name != user.display_name) {
            revision.before.display_name = Some(user.display_name.clone());
            revision.after.display_name = Some(name);
        }
        if self.given_name != user.given_name {
            revision.before.given_name = Some(user.given_name.clone());
            revision.after.given_name = Some(self.given_name.clone());
        }
        if self.family_name != user.family_name {
            revision.before.family_name = Some(user.family_name.clone());
            revision.after.family_name = Some(self.family_name.clone());
        }
        match (self.enabled, user.status) {
            (Some(false), UserStatus::Active) => {
                revision.set_status(user, UserStatus::Inactive, Some(DeactivatedBy::DirectoryDisabled));
            }
            (Some(true), UserStatus::Inactive) => revision.set_status(user, UserStatus::Active, None),
            _ => {}
        }
        revision
    }
}

/// The differences between a local user and what is wanted.
#[derive(Default)]
pub(crate) struct Revision {
    pub(crate) before: Values,
    pub(crate) after: Values,
}

impl Revision {
    /// A linked user left the directory.
    pub(crate) fn departure() -> Self {
        Self {
            before: Values { status: Some(UserStatus::Active), deactivated_by: Some(None), ..Values::default() },
            after: Values {
                status: Some(UserStatus::Inactive),
                deactivated_by: Some(Some(DeactivatedBy::DirectoryAbsent)),
                ..Values::default()
            },
        }
    }

    pub(crate) fn set_email(&mut self, user: &LocalUser, email: &EmailAddress) {
        self.before.email = Some(user.email.clone());
        self.after.email = Some(email.as_str().to_owned());
    }

    fn set_status(&mut self, user: &LocalUser, status: UserStatus, by: Option<DeactivatedBy>) {
        self.before.status = Some(user.status);
        self.before.deactivated_by = Some(user.deactivated_by);
        self.after.status = Some(status);
        self.after.deactivated_by = Some(by);
    }

    /// The most important thing that it does to a linked user.
    pub(crate) fn action(&self) -> Action {
        match self.after.status {
            Some(UserStatus::Inactive) => Action::Deactivate,
            Some(UserStatus::Active) => Action::Reactivate,
            None => Action::Update,
        }
    }

    pub(crate) fn deactivates(&self) -> bool {
        self.after.status == Some(UserStatus::Inactive)
    }
}
