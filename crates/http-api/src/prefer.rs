//! What a client would like but does not insist on: `Prefer: wait=SECONDS` (RFC 7240).

use std::time::Duration;

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};

const PREFER: HeaderName = HeaderName::from_static("prefer");
const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");
const MAX_SECONDS: u64 = 60;

/// How long a client would like to wait for the end of what it asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wait {
    seconds: u64,
}

impl Wait {
    /// The first `wait` that is asked for: others do not count (§2), nor does one that cannot be understood.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        let fields = headers.get_all(&PREFER).filter_map(|value| value.to_str().ok());
        let mut preferences = fields.flat_map(|field| parts(field, ',')).map(name_and_value);
        let (_, value) = preferences.find(|(name, _)| name.eq_ignore_ascii_case("wait"))?;
        let is_number = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
        // Too many digits for a number are a long time as well.
        is_number.then(|| Self { seconds: value.parse().unwrap_or(MAX_SECONDS).min(MAX_SECONDS) })
    }

    pub(crate) fn time(self) -> Duration {
        Duration::from_secs(self.seconds)
    }

    /// Tells the client that it was heeded, and how far.
    pub(crate) fn header(self) -> (HeaderName, HeaderValue) {
        let value = HeaderValue::from_str(&format!("wait={}", self.seconds));
        // The default cannot occur: letters and digits are a header's value.
        (PREFERENCE_APPLIED, value.unwrap_or(HeaderValue::from_static("wait")))
    }
}

fn name_and_value(preference: &str) -> (&str, &str) {
    // What follows a semicolon are parameters, and `wait` has none.
    let preference = parts(preference, ';').next().unwrap_or_default();
    let (name, value) = preference.split_once('=').unwrap_or((preference, ""));
    let value = value.trim();
    let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
    (name.trim(), value)
}

/// The text between separators that do not stand in a quoted string.
fn parts(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    text.split(move |character| {
        if escaped {
            escaped = false;
        } else if quoted && character == '\\' {
            escaped = true;
        } else if character == '"' {
            quoted = !quoted;
        }
        character == separator && !quoted
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(fields: &[&str]) -> Option<u64> {
        let mut headers = HeaderMap::new();
        for field in fields {
            headers.append(PREFER, HeaderValue::from_str(field).unwrap());
        }
        Wait::of(&headers).map(|wait| wait.seconds)
    }

    #[test]
    fn a_wait_is_found_wherever_it_stands() {
        for fields in [
            &["wait=7"][..],
            &["WAIT = 7"],
            &["wait=\"7\""],
            &["respond-async, wait=7"],
            &["respond-async;x=1,wait=7;y=2"],
            &["respond-async", "wait=7"],
            &["foo=\"a, wait=1\", wait=7"],
            &[r#"foo="a\", wait=1", wait=7"#],
            &["wait=7, wait=9"],
            &["wait=7", "wait=9"],
        ] {
            assert_eq!(seconds(fields), Some(7), "{fields:?}");
        }
    }

    #[test]
    fn a_long_wait_is_cut_short() {
        assert_eq!(seconds(&["wait=60"]), Some(60));
        assert_eq!(seconds(&["wait=61"]), Some(60));
        assert_eq!(seconds(&["wait=99999999999999999999999999"]), Some(60));
        assert_eq!(seconds(&["wait=0"]), Some(0));
    }

    #[test]
    fn what_cannot_be_understood_is_ignored() {
        for fields in [
            &[][..],
            &[""],
            &["wait"],
            &["wait="],
            &["wait=-1"],
            &["wait=1.5"],
            &["wait=ten"],
            &["wait=\"7"],
            &["waiting=7"],
            &["foo=\"wait=7\""],
            &["wait=x, wait=7"],
        ] {
            assert_eq!(seconds(fields), None, "{fields:?}");
        }
    }

    #[test]
    fn what_was_heeded_is_said() {
        let (name, value) = Wait { seconds: 60 }.header();
        assert_eq!((name.as_str(), value.to_str().unwrap()), ("preference-applied", "wait=60"));
    }
}
