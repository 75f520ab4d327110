//! What the token says of the application's permissions (protocol reference §1.3). A hint for the connection test and no
//! more: to everybody but Graph a token is opaque, and what Graph answers decides.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::json::lenient;

/// A permission, and those that include it.
pub(crate) struct Permission {
    pub(crate) name: &'static str,
    included_in: &'static [&'static str],
}

pub(crate) static READ_USERS: Permission = Permission {
    name: "User.Read.All",
    included_in: &["User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"],
};

pub(crate) static READ_MEMBERS: Permission = Permission {
    name: "GroupMember.Read.All",
    included_in: &[
        "Group.Read.All",
        "GroupMember.ReadWrite.All",
        "Group.ReadWrite.All",
        "Directory.Read.All",
        "Directory.ReadWrite.All",
    ],
};

/// The roles of a token; none where it cannot be read.
#[derive(Default)]
pub(crate) struct Roles(Vec<String>);

#[derive(Deserialize)]
struct Claims {
    #[serde(default, deserialize_with = "lenient")]
    roles: Option<Vec<String>>,
}

impl Roles {
    pub(crate) fn of(token: &SecretString) -> Self {
        Self(roles_of(token.expose_secret()).unwrap_or_default())
    }

    pub(crate) fn include(&self, permission: &Permission) -> bool {
        self.0.iter().any(|role| role == permission.name || permission.included_in.contains(&role.as_str()))
    }
}

fn roles_of(token: &str) -> Option<Vec<String>> {
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    serde_json::from_slice::<Claims>(&claims).ok()?.roles
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn token(claims: &str) -> Roles {
        Roles::of(&format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims)).into())
    }

    #[rstest]
    #[case("User.Read.All", true, false)]
    #[case("User.ReadWrite.All", true, false)]
    #[case("GroupMember.Read.All", false, true)]
    #[case("GroupMember.ReadWrite.All", false, true)]
    #[case("Group.Read.All", false, true)]
    #[case("Group.ReadWrite.All", false, true)]
    #[case("Directory.Read.All", true, true)]
    #[case("Directory.ReadWrite.All", true, true)]
    #[case("User.ReadBasic.All", false, false)]
    #[case("user.read.all", false, false)]
    fn inclusion(#[case] role: &str, #[case] users: bool, #[case] members: bool) {
        let roles = token(&format!(r#"{{"aud":"x","roles":["Mail.Send","{role}"]}}"#));
        assert_eq!((roles.include(&READ_USERS), roles.include(&READ_MEMBERS)), (users, members));
    }

    #[rstest]
    #[case("opaque")]
    #[case("a.b.c")]
    #[case("..")]
    #[case("e30.e30.e30")]
    fn tokens_that_say_nothing(#[case] text: &str) {
        assert_eq!(Roles::of(&text.to_owned().into()).0, [""; 0]);
    }

    #[rstest]
    #[case(r#"{"roles":null}"#)]
    #[case(r#"{"roles":"User.Read.All"}"#)]
    #[case(r#"{"roles":[1]}"#)]
    #[case("[]")]
    fn odd_claims(#[case] claims: &str) {
        assert_eq!(token(claims).0, [""; 0]);
    }
}
