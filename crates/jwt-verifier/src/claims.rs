//! What a verified token says about whoever holds it.

use std::fmt;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use crate::{Refusal, Settings};

/// Longer than any subject (OpenID Connect Core 1.0 §2 allows 255 characters) or tenant.
const LONGEST_TEXT: usize = 255;

/// What a verified token says.
#[derive(Clone, PartialEq, Eq)]
pub struct Claims {
    /// Who holds it, unique at the issuer.
    pub subject: String,
    /// The tenant, as the issuer names it.
    pub tenant: String,
    /// What its holder may do.
    pub role: Role,
    /// From when on it is refused, the leeway included.
    pub until: DateTime<Utc>,
}

/// What somebody may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Everything.
    Admin,
    /// Read.
    Viewer,
}

impl fmt::Debug for Claims {
    /// Without the subject, which is a person.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claims").field("tenant", &self.tenant).field("role", &self.role).finish_non_exhaustive()
    }
}

impl Claims {
    pub(crate) fn of(members: &Map<String, Value>, settings: &Settings, until: DateTime<Utc>) -> Result<Self, Refusal> {
        let subject = text(members.get("sub")).ok_or(Refusal::Claim("sub"))?;
        let tenant = text(find(members, &settings.tenant_claim)).ok_or(Refusal::NoTenant)?;
        let role =
            find(members, &settings.role_claim).and_then(|roles| role(roles, settings)).ok_or(Refusal::NoRole)?;
        Ok(Self { subject, tenant, role, until })
    }
}

/// A claim by its name. A dot may be part of a name, as in `https://example.org/roles`, or lead into an object, as in
/// `realm_access.roles`.
fn find<'a>(members: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    members.get(name).or_else(|| {
        name.match_indices('.').find_map(|(at, _)| find(members.get(&name[..at])?.as_object()?, &name[at + 1..]))
    })
}

fn text(value: Option<&Value>) -> Option<String> {
    let text = value?.as_str()?;
    // What has control characters is nobody's name, and not every database can hold them.
    let sound = !text.is_empty() && text.len() <= LONGEST_TEXT && !text.contains(char::is_control);
    sound.then(|| text.to_owned())
}

fn role(roles: &Value, settings: &Settings) -> Option<Role> {
    let holds = |role: &str| match roles {
        Value::String(only) => only == role,
        Value::Array(several) => several.iter().any(|one| one == role),
        _ => false,
    };
    if holds(&settings.admin_role) { Some(Role::Admin) } else { holds(&settings.viewer_role).then_some(Role::Viewer) }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    fn claims(members: Value, settings: &Settings) -> Result<(String, Role), Refusal> {
        let Value::Object(mut members) = members else { panic!("no object") };
        members.insert("sub".to_owned(), json!("ada"));
        Claims::of(&members, settings, DateTime::UNIX_EPOCH).map(|claims| (claims.tenant, claims.role))
    }

    #[rstest]
    #[case(json!("directory.admin"), Some(Role::Admin))]
    #[case(json!("directory.viewer"), Some(Role::Viewer))]
    #[case(json!(["other", "directory.viewer"]), Some(Role::Viewer))]
    #[case(json!(["directory.viewer", "directory.admin"]), Some(Role::Admin))]
    #[case(json!("directory.viewer directory.admin"), None)]
    #[case(json!("Directory.Admin"), None)]
    #[case(json!([["directory.admin"]]), None)]
    #[case(json!({"directory.admin": true}), None)]
    #[case(json!([]), None)]
    #[case(json!(null), None)]
    fn admin_wins_and_neither_is_refused(#[case] roles: Value, #[case] role: Option<Role>) {
        let read = claims(json!({"tenant": "acme", "roles": roles}), &Settings::new("i", "a"));
        assert_eq!(read, role.map(|role| ("acme".to_owned(), role)).ok_or(Refusal::NoRole));
    }

    #[rstest]
    #[case(json!(null))]
    #[case(json!(""))]
    #[case(json!(7))]
    #[case(json!(["acme"]))]
    #[case(json!("x".repeat(256)))]
    #[case(json!("ac\u{0}me"))]
    fn a_tenant_is_exactly_one_text(#[case] tenant: Value) {
        let members = json!({"tenant": tenant, "roles": "directory.admin"});
        assert_eq!(claims(members, &Settings::new("i", "a")), Err(Refusal::NoTenant));
    }

    #[rstest]
    #[case("realm_access.roles", json!({"realm_access": {"roles": ["directory.admin"]}}))]
    #[case("https://example.org/roles", json!({"https://example.org/roles": "directory.admin"}))]
    #[case("https://example.org/access.roles", json!({"https://example.org/access": {"roles": "directory.admin"}}))]
    #[case("a.b.c", json!({"a": {"b": {"c": "directory.admin"}}}))]
    fn a_dot_leads_into_an_object_or_is_part_of_a_name(#[case] claim: &str, #[case] mut members: Value) {
        members["org"] = json!({"id": "acme"});
        let settings =
            Settings { tenant_claim: "org.id".to_owned(), role_claim: claim.to_owned(), ..Settings::new("i", "a") };
        assert_eq!(claims(members, &settings), Ok(("acme".to_owned(), Role::Admin)));
    }

    #[test]
    fn a_subject_is_in_no_debug() {
        let claims = Claims {
            subject: "ada".to_owned(),
            tenant: "acme".to_owned(),
            role: Role::Viewer,
            until: DateTime::UNIX_EPOCH,
        };
        assert!(!format!("{claims:?}").contains("ada"));
    }
}
