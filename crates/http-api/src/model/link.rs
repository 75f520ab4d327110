//! The body of a link: which directory user a user is.

use directory_core::{ConnectionId, ExternalId};
use serde::Deserialize;

use utoipa::ToSchema;

use crate::{
    model::{
        FieldError,
        input::{Collect, check},
    },
    openapi::ExternalIdText,
};

/// A directory user to link a user to, as it was sent. Other members are refused.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = LinkRequest)]
pub struct LinkInput {
    /// Required: the connection's id.
    #[schema(value_type = Uuid, required)]
    pub connection_id: Option<String>,
    /// Required: the directory's id of the user.
    #[schema(value_type = ExternalIdText, required)]
    pub external_id: Option<String>,
}

/// A directory user of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LinkTarget {
    pub(crate) connection: ConnectionId,
    pub(crate) external_id: ExternalId,
}

impl LinkInput {
    /// The directory user, or everything that is wrong.
    pub(crate) fn into_target(self) -> Result<LinkTarget, Vec<FieldError>> {
        let mut collect = Collect::default();
        let connection = collect.required("/connectionId", self.connection_id.as_deref(), |text| {
            text.parse().map_err(|_| "must be a connection's id".into())
        });
        let external_id = collect.required("/externalId", self.external_id.as_deref(), check::directory_user);
        match (connection, external_id) {
            (Some(connection), Some(external_id)) => collect.finish(LinkTarget { connection, external_id }),
            _ => Err(collect.into_errors()),
        }
    }
}

/// The complaint that there is no such connection.
pub(crate) fn no_connection() -> FieldError {
    FieldError::new("/connectionId", "is no connection of this tenant")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

    fn target(body: Value) -> Result<LinkTarget, Vec<FieldError>> {
        serde_json::from_value::<LinkInput>(body).unwrap().into_target()
    }

    #[test]
    fn a_directory_users_guid_is_taken_in_any_case() {
        let target = target(json!({"connectionId": ID, "externalId": ID.to_uppercase()})).unwrap();
        assert_eq!((target.connection, target.external_id.as_str()), (ID.parse().unwrap(), ID));
    }

    #[test]
    fn each_wrong_part_is_pointed_at() {
        let table = [
            (json!({}), vec!["/connectionId", "/externalId"]),
            (json!({"connectionId": null, "externalId": null}), vec!["/connectionId", "/externalId"]),
            (json!({"connectionId": "x", "externalId": "e1"}), vec!["/connectionId"]),
            (json!({"connectionId": ID, "externalId": " "}), vec!["/externalId"]),
            (json!({"connectionId": ID, "externalId": "a\nb"}), vec!["/externalId"]),
        ];
        for (body, expected) in table {
            let errors = target(body.clone()).err().unwrap_or_else(|| panic!("accepted: {body}"));
            let pointers: Vec<_> = errors.iter().map(|error| error.pointer.as_str()).collect();
            assert_eq!(pointers, expected, "{body}");
        }
    }
}
