//! Stored values into the model's, each failure with its place.

use std::fmt::Display;

use directory_core::ExternalId;
use serde::{
    Deserialize,
    de::{
        DeserializeOwned, IntoDeserializer,
        value::{Error, StrDeserializer},
    },
};
use store::StoreError;
use uuid::Uuid;

/// The row that values come from.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) table: &'static str,
    pub(crate) row: &'a dyn Display,
}

impl Place<'_> {
    /// One of an enum's words.
    pub(crate) fn word<T: DeserializeOwned>(self, column: &'static str, word: &str) -> Result<T, StoreError> {
        let deserializer: StrDeserializer<'_, Error> = word.into_deserializer();
        T::deserialize(deserializer).map_err(|_| self.corrupt(column))
    }

    /// A JSON document. The parser's complaint is dropped: it can quote the document.
    pub(crate) fn json<T: DeserializeOwned>(self, column: &'static str, json: &str) -> Result<T, StoreError> {
        serde_json::from_str(json).map_err(|_| self.corrupt(column))
    }

    /// A number that the model keeps in an unsigned type.
    pub(crate) fn number<T: TryFrom<i64>>(self, column: &'static str, number: i64) -> Result<T, StoreError> {
        T::try_from(number).map_err(|_| self.corrupt(column))
    }

    /// An external id exactly as it is stored, whoever stored it: trimming it would make it another id.
    pub(crate) fn external_id(self, column: &'static str, text: &str) -> Result<ExternalId, StoreError> {
        let deserializer: StrDeserializer<'_, Error> = text.into_deserializer();
        ExternalId::deserialize(deserializer).map_err(|_| self.corrupt(column))
    }

    pub(crate) fn corrupt(self, column: &'static str) -> StoreError {
        StoreError::Corrupt { table: self.table, column, row: self.row.to_string() }
    }
}

/// A count for a `bigint` column, which no real count fills.
pub(crate) fn stored(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// A page's start in ascending order: after every id when there is none before. Nil is nobody's id.
pub(crate) fn ascending(after: Option<Uuid>) -> Uuid {
    after.unwrap_or(Uuid::nil())
}

/// A page's start in descending order. All ones is nobody's id.
pub(crate) fn descending(after: Option<Uuid>) -> Uuid {
    after.unwrap_or(Uuid::max())
}

/// Text for a column of ours. PostgreSQL keeps no NUL; one in a directory's error message must not keep the message from
/// being stored.
pub(crate) fn storable(text: &str) -> String {
    text.replace('\0', "")
}

#[cfg(test)]
mod tests {
    use directory_core::UserStatus;

    use super::*;

    const PLACE: Place<'_> = Place { table: "users", row: &7 };

    #[test]
    fn an_unknown_value_is_reported_by_its_place_alone() {
        let error = PLACE.word::<UserStatus>("status", "zoe@example.org").unwrap_err();
        assert_eq!(error.to_string(), "corrupt value in users.status of row 7");
        assert!(!format!("{error:?}").contains("zoe"));
        assert!(PLACE.word::<UserStatus>("status", "inactive").is_ok());
        assert!(PLACE.number::<u32>("seq", -1).is_err());
        assert!(PLACE.json::<UserStatus>("after", "\"zoe").is_err());
    }

    #[test]
    fn external_ids_are_kept_to_the_byte() {
        assert_eq!(PLACE.external_id("external_id", " a ").unwrap().as_str(), " a ");
    }
}
