//! Stored values into the model's and back, each failure with its place.

use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use directory_core::ExternalId;
use serde::{
    Deserialize, Serialize,
    de::{
        DeserializeOwned, IntoDeserializer,
        value::{Error, StrDeserializer},
    },
};
use store::StoreError;
use uuid::Uuid;

use crate::error::defect;

/// The row that values come from.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) table: &'static str,
    pub(crate) row: &'a str,
}

impl Place<'_> {
    /// An id of ours.
    pub(crate) fn id<T: From<Uuid>>(self, column: &'static str, text: &str) -> Result<T, StoreError> {
        Uuid::parse_str(text).map(T::from).map_err(|_| self.corrupt(column))
    }

    /// A time.
    pub(crate) fn time(self, column: &'static str, text: &str) -> Result<DateTime<Utc>, StoreError> {
        DateTime::parse_from_rfc3339(text).map(Into::into).map_err(|_| self.corrupt(column))
    }

    /// A time that may be missing.
    pub(crate) fn time_if_any(
        self,
        column: &'static str,
        text: Option<&str>,
    ) -> Result<Option<DateTime<Utc>>, StoreError> {
        text.map(|text| self.time(column, text)).transpose()
    }

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
        StoreError::Corrupt { table: self.table, column, row: self.row.to_owned() }
    }
}

/// An id as it is stored.
pub(crate) fn stored_id(id: Uuid) -> String {
    id.hyphenated().to_string()
}

/// A time as it is stored.
pub(crate) fn stored_time(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// A count as it is stored; no real count is near the limit.
pub(crate) fn stored(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// A document as it is stored, or passed to a statement that takes many rows.
pub(crate) fn to_json<T: Serialize + ?Sized>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(defect)
}

/// How far from now a time is, as SQLite's date functions take it.
pub(crate) fn from_now(length: Duration) -> String {
    format!("+{}.{:03} seconds", length.as_secs(), length.subsec_millis())
}

/// How long ago a time is, as SQLite's date functions take it.
pub(crate) fn ago(length: Duration) -> String {
    format!("-{}.{:03} seconds", length.as_secs(), length.subsec_millis())
}

/// A page's start in ascending order. Every id comes after the empty text.
pub(crate) fn ascending(after: Option<Uuid>) -> String {
    after.map(stored_id).unwrap_or_default()
}

/// A page's start in descending order. All ones is nobody's id.
pub(crate) fn descending(after: Option<Uuid>) -> String {
    stored_id(after.unwrap_or(Uuid::max()))
}

#[cfg(test)]
mod tests {
    use directory_core::UserStatus;

    use super::*;

    const PLACE: Place<'_> = Place { table: "users", row: "7" };

    fn is_corrupt<T: std::fmt::Debug>(read: Result<T, StoreError>) -> bool {
        matches!(read, Err(StoreError::Corrupt { table: "users", column: "c", row }) if row == "7")
    }

    #[test]
    fn what_makes_no_sense_names_its_place() {
        assert!(is_corrupt(PLACE.id::<Uuid>("c", "not an id")));
        assert!(is_corrupt(PLACE.time("c", "yesterday")));
        assert!(is_corrupt(PLACE.word::<UserStatus>("c", "gone")));
        assert!(is_corrupt(PLACE.json::<UserStatus>("c", "{")));
        assert!(is_corrupt(PLACE.number::<u64>("c", -1)));
    }

    #[test]
    fn what_makes_sense_is_read() {
        assert_eq!(PLACE.word::<UserStatus>("c", "inactive").unwrap(), UserStatus::Inactive);
        assert_eq!(PLACE.number::<u32>("c", 5).unwrap(), 5);
        assert_eq!(PLACE.external_id("c", " as stored ").unwrap().as_str(), " as stored ");
        let time = PLACE.time("c", "2021-02-03T04:05:06.789Z").unwrap();
        assert_eq!(stored_time(time), "2021-02-03T04:05:06.789Z");
    }

    #[test]
    fn lengths_of_time_are_to_the_millisecond() {
        assert_eq!(from_now(Duration::from_millis(61_005)), "+61.005 seconds");
        assert_eq!(from_now(Duration::ZERO), "+0.000 seconds");
        assert_eq!(ago(Duration::from_millis(7_776_000_050)), "-7776000.050 seconds");
    }
}
