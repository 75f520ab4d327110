//! What is sent.

use std::fmt;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use serde_json::Value;

/// One message, as it is sent now.
#[derive(Clone, Copy)]
pub struct Message<'a> {
    /// Names the message: the same for each attempt, so that a receiver can tell a repeat. Visible ASCII, without a full stop.
    pub id: &'a str,
    /// When it is sent. Receivers refuse what is some minutes off their own clock.
    pub at: DateTime<Utc>,
    /// See [`body`].
    pub body: &'a [u8],
}

impl fmt::Debug for Message<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message").field("id", &self.id).field("at", &self.at).finish_non_exhaustive()
    }
}

#[derive(Serialize)]
struct Body<'a> {
    r#type: &'a str,
    timestamp: String,
    data: &'a Value,
}

/// The body of a message about an event: its type, when it happened, and what it is.
#[must_use]
pub fn body(kind: &str, happened: DateTime<Utc>, data: &Value) -> Vec<u8> {
    let timestamp = happened.to_rfc3339_opts(SecondsFormat::Millis, true);
    // A value of JSON and texts are always written.
    serde_json::to_vec(&Body { r#type: kind, timestamp, data }).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_body_is_as_the_form_has_it() {
        let happened = "2026-03-04T05:06:07.89Z".parse().unwrap();
        let body = body("user.created", happened, &json!({"id": 7}));
        let expected = r#"{"type":"user.created","timestamp":"2026-03-04T05:06:07.890Z","data":{"id":7}}"#;
        assert_eq!(String::from_utf8(body).unwrap(), expected);
    }

    #[test]
    fn what_a_message_says_is_not_shown() {
        let message = Message { id: "evt_1", at: DateTime::UNIX_EPOCH, body: b"zoe@acme.example" };
        assert!(!format!("{message:?}").contains("zoe"));
    }
}
