//! A request's id: in the response, in a problem and in every log line of the request.

use std::fmt;

use actix_web::http::header::HeaderValue;
use uuid::Uuid;

/// The header that brings and returns it.
pub(crate) const HEADER: &str = "x-request-id";
const MAX_CHARS: usize = 64;

/// Letters, digits and `-_.` only, so that it can stand in a header and in a log as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RequestId(String);

impl RequestId {
    /// The id that came with the request if it is usable, else a new one.
    pub(crate) fn of(sent: Option<&str>) -> Self {
        let usable = sent.filter(|id| {
            (1..=MAX_CHARS).contains(&id.len())
                && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        });
        Self(usable.map_or_else(|| Uuid::now_v7().to_string(), str::to_owned))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// `None` cannot happen: every character is allowed in a header.
    pub(crate) fn header_value(&self) -> Option<HeaderValue> {
        HeaderValue::from_str(&self.0).ok()
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_usable_id_is_kept() {
        for id in ["a", "01890a5d-ac96-774b-bcce-b302099a8057", "edge_7.12-x", &"f".repeat(64)] {
            assert_eq!(RequestId::of(Some(id)).as_str(), id);
        }
    }

    #[test]
    fn anything_else_is_replaced_by_a_time_ordered_uuid() {
        let long = "f".repeat(65);
        for sent in [None, Some(""), Some("a b"), Some("a\n"), Some("é"), Some("{}"), Some(long.as_str())] {
            let id = RequestId::of(sent);
            assert_eq!(Uuid::try_parse(id.as_str()).unwrap().get_version_num(), 7, "{sent:?}");
            assert!(id.header_value().is_some());
        }
    }
}
