//! Attribute values before and after a change.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

use crate::{DeactivatedBy, UserStatus};

/// Some attributes of a user: `None` is "not part of this change"; for an attribute that can be empty, `Some(None)` is
/// "empty". In JSON the first is absent and the second `null`, and stores apply changes from that JSON.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Values {
    /// E-mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Name to show.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// First name.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "null_is_a_value")]
    pub given_name: Option<Option<String>>,
    /// Last name.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "null_is_a_value")]
    pub family_name: Option<Option<String>>,
    /// Role; set on creation only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Active or inactive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<UserStatus>,
    /// Who deactivated the user.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "null_is_a_value")]
    pub deactivated_by: Option<Option<DeactivatedBy>>,
    /// The user's id in the connection's directory; setting it makes the link.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "null_is_a_value")]
    pub external_id: Option<Option<String>>,
}

impl Values {
    /// Whether no attribute is part of the change.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl fmt::Debug for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Values").field("status", &self.status).finish_non_exhaustive()
    }
}

/// Without this, serde reads a present `null` as an absent member.
#[expect(clippy::option_option, reason = "absent, null and a value are three things")]
fn null_is_a_value<'de, T, D>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    Option::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absent_and_null_survive_json() {
        let values = Values {
            display_name: Some("Zoë".to_owned()),
            given_name: Some(None),
            status: Some(UserStatus::Active),
            ..Values::default()
        };
        let json = serde_json::to_string(&values).unwrap();
        assert_eq!(json, r#"{"displayName":"Zoë","givenName":null,"status":"active"}"#);
        assert!(serde_json::from_str::<Values>(&json).unwrap() == values);
    }
}
