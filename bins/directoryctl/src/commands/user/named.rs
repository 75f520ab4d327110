//! How a user is named.

use anyhow::Context;
use directory_core::{EmailAddress, EmailKey, UserId};
use store::{IdPage, Tenant, UserFilter, UserRecord};

use crate::{exit::BadUsage, session::Session};

/// A user's name on the command line.
pub(super) struct Named<'a> {
    text: &'a str,
    by: By,
}

enum By {
    Id(UserId),
    Email(EmailKey),
}

impl<'a> Named<'a> {
    pub(super) fn parse(text: &'a str) -> Result<Self, BadUsage> {
        if let Ok(id) = text.parse() {
            return Ok(Self { text, by: By::Id(id) });
        }
        match email(text) {
            Ok(email) => Ok(Self { text, by: By::Email(email) }),
            Err(_) => Err(BadUsage(format!("`{text}` is neither a user's id nor an e-mail address"))),
        }
    }

    /// The tenant's user of this name.
    pub(super) async fn find(self, session: &Session, tenant: &Tenant) -> anyhow::Result<UserRecord> {
        let found = match self.by {
            By::Id(id) => session.store.user(tenant.id, id).await?,
            By::Email(email) => {
                let filter = UserFilter { email: Some(email), ..UserFilter::default() };
                session.store.users(tenant.id, &filter, IdPage { after: None, limit: 1 }).await?.pop()
            }
        };
        found.with_context(|| format!("there is no user `{}` in tenant `{}`", self.text, tenant.slug))
    }
}

pub(super) fn email(text: &str) -> Result<EmailKey, String> {
    EmailAddress::parse(text).map(|address| address.key()).ok_or_else(|| "not an e-mail address".to_owned())
}
