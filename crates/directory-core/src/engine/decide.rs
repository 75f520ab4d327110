//! Decisions about one user that need nothing but the user: the wanted values, and what differs from the present ones.

use std::borrow::Cow;

use crate::{
    Action, DeactivatedBy, DirectoryUser, EmailAddress, LocalUser, Policy, Profile, UserStatus, Values, normalise,
};

/// What the directory wants a user to be, in stored form. Of most users nothing has changed, so nothing is copied before
/// it is known to differ.
pub(crate) struct Wanted<'a> {
    pub(crate) email: Option<EmailAddress<'a>>,
    display_name: Option<Cow<'a, str>>,
    given_name: Option<Cow<'a, str>>,
    family_name: Option<Cow<'a, str>>,
    /// See [`DirectoryUser::enabled`].
    pub(crate) enabled: Option<bool>,
}

impl<'a> Wanted<'a> {
    pub(crate) fn of(user: &'a DirectoryUser, policy: &Policy) -> Self {
        let text = |value: &'a Option<String>| value.as_deref().and_then(normalise);
        Self {
            email: policy.email_of(user),
            display_name: text(&user.display_name),
            given_name: text(&user.given_name),
            family_name: text(&user.family_name),
            enabled: user.enabled,
        }
    }

    /// The directory's display name, else given and family name.
    fn display_name(&self) -> Option<Cow<'_, str>> {
        match (&self.display_name, &self.given_name, &self.family_name) {
            (Some(name), _, _) | (None, Some(name), None) | (None, None, Some(name)) => Some(Cow::Borrowed(name)),
            (None, Some(given), Some(family)) => Some(Cow::Owned(format!("{given} {family}"))),
            (None, None, None) => None,
        }
    }

    /// Whether a linked user is so already, to the letter, so that nothing is to be done. What is not known of an account
    /// makes it nobody's equal.
    pub(crate) fn is(&self, same: impl FnOnce(&Compared<'_>) -> bool) -> bool {
        let (Some(email), Some(name), Some(active)) = (&self.email, self.display_name(), self.enabled) else {
            return false;
        };
        same(&Compared {
            email: email.as_str(),
            display_name: &name,
            given_name: self.given_name.as_deref(),
            family_name: self.family_name.as_deref(),
            active,
        })
    }

    /// The values of a new user.
    pub(crate) fn creation(&self, email: &EmailAddress<'_>, external_id: &str, role: &str) -> Values {
        let active = self.enabled == Some(true);
        let name = self.display_name();
        Values {
            email: Some(email.as_str().to_owned()),
            display_name: Some(name.as_deref().unwrap_or(email.local_part()).to_owned()),
            given_name: Some(owned(self.given_name.as_ref())),
            family_name: Some(owned(self.family_name.as_ref())),
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
            revision.after.display_name = Some(name.into_owned());
        }
        if self.given_name.as_deref() != user.given_name.as_deref() {
            revision.before.given_name = Some(user.given_name.clone());
            revision.after.given_name = Some(owned(self.given_name.as_ref()));
        }
        if self.family_name.as_deref() != user.family_name.as_deref() {
            revision.before.family_name = Some(user.family_name.clone());
            revision.after.family_name = Some(owned(self.family_name.as_ref()));
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

/// The values by which a listed user and a stored one are the same.
#[derive(Hash)]
pub(crate) struct Compared<'a> {
    email: &'a str,
    display_name: &'a str,
    given_name: Option<&'a str>,
    family_name: Option<&'a str>,
    active: bool,
}

impl<'a> Compared<'a> {
    /// `None` for users with whom something is to be done whatever the directory says.
    pub(crate) fn stored(user: &Profile<'a>) -> Option<Self> {
        let Profile { email, display_name, given_name, family_name, .. } = *user;
        let active = user.status == UserStatus::Active;
        (!user.suspended_by_a_person()).then_some(Self { email, display_name, given_name, family_name, active })
    }
}

fn owned(text: Option<&Cow<'_, str>>) -> Option<String> {
    text.map(|text| text.clone().into_owned())
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

    pub(crate) fn set_email(&mut self, user: &LocalUser, email: &EmailAddress<'_>) {
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
