//! What the JSON reader complains about, as a pointer and what is expected there.
//!
//! Its messages quote the value that they found, which may be a secret, so of each only what follows `expected` is
//! kept: that part is ours.

use std::borrow::Cow;

use serde::de::DeserializeOwned;
use serde_json::error::Category;
use serde_path_to_error::{Path, Segment};

use crate::model::{FieldError, Object};

/// Longer names are no typing mistake and are not repeated.
const MAX_NAME_CHARS: usize = 64;

/// The value that `bytes` is the JSON of, and nothing but.
pub(crate) fn from_slice<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, FieldError> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let Object(value) = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let pointer = pointer(error.path());
        of(pointer, error.inner())
    })?;
    json.end().map_err(|error| of(String::new(), &error))?;
    Ok(value)
}

fn of(pointer: String, error: &serde_json::Error) -> FieldError {
    match error.classify() {
        Category::Data => of_message(pointer, &error.to_string()),
        // Where the syntax breaks, the path is only how far the reader got.
        Category::Syntax | Category::Eof | Category::Io => {
            let (line, column) = (error.line(), error.column());
            FieldError::new("", format!("is not JSON (line {line}, column {column})"))
        }
    }
}

fn of_message(pointer: String, message: &str) -> FieldError {
    // The reader is at the object then, so the member is not in the path. Its name is a known one.
    if let Some((name, _)) = message.strip_prefix("duplicate field `").and_then(|rest| rest.split_once('`')) {
        return FieldError::new(format!("{pointer}/{name}"), "is given more than once");
    }
    if message.starts_with("unknown field ") {
        return FieldError::new(pointer, "is not a member that is known here");
    }
    // A quoted value can say `expected` as well; ours is the last.
    let expected = message.rsplit_once(", expected ").map(|(_, expected)| without_place(expected));
    let detail: Cow<'static, str> = match expected {
        Some("a sequence") => "must be an array".into(),
        Some("u64") => "must be a whole number, 0 or more".into(),
        Some(expected) => format!("must be {}", expected.replace('`', "")).into(),
        None => "is not valid".into(),
    };
    FieldError::new(pointer, detail)
}

/// Without ` at line 1 column 2`.
fn without_place(message: &str) -> &str {
    message.rsplit_once(" at line ").map_or(message, |(message, _)| message)
}

/// RFC 6901. Ends before a part that is not fit to be shown.
fn pointer(path: &Path) -> String {
    path.iter().map_while(reference).fold(String::new(), |pointer, reference| pointer + "/" + &reference)
}

fn reference(segment: &Segment) -> Option<String> {
    match segment {
        Segment::Seq { index } => Some(index.to_string()),
        Segment::Map { key } | Segment::Enum { variant: key } => {
            (key.chars().count() <= MAX_NAME_CHARS).then(|| key.replace('~', "~0").replace('/', "~1"))
        }
        Segment::Unknown => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ApprovalInput, ConnectionPatch, RegisterEntra, SyncInput};

    fn check<T: DeserializeOwned>(json: &str, pointer: &str, detail: &str) {
        let error = from_slice::<T>(json.as_bytes()).err().unwrap_or_else(|| panic!("accepted: {json}"));
        assert_eq!((error.pointer.as_str(), error.detail.as_ref()), (pointer, detail), "{json}");
    }

    #[test]
    fn a_whole_number_may_have_a_point() {
        let read = from_slice::<ApprovalInput>(br#"{"changes":[3.0,4,5e1]}"#).expect("numbers");
        assert_eq!(read.changes, Some(vec![3, 4, 50]));
        let percent = br#"{"policy":{"maxDeactivations":{"percent":52.0,"count":null}}}"#;
        let limits = from_slice::<RegisterEntra>(percent).expect("numbers").policy.and_then(|it| it.max_deactivations);
        let limits = limits.flatten().expect("limits");
        assert_eq!((limits.percent, limits.count), (Some(Some(52)), Some(None)));
    }

    #[test]
    fn a_wrong_type_is_pointed_at() {
        check::<RegisterEntra>(r#"{"displayName":5}"#, "/displayName", "must be a string");
        check::<RegisterEntra>(r#"{"policy":{"includeGuests":"yes"}}"#, "/policy/includeGuests", "must be a boolean");
        check::<RegisterEntra>(r#"{"policy":{"adoptDomains":"x"}}"#, "/policy/adoptDomains", "must be an array");
        check::<RegisterEntra>(r#"{"policy":{"adoptDomains":["a",1]}}"#, "/policy/adoptDomains/1", "must be a string");
        check::<RegisterEntra>(r#"{"policy":[]}"#, "/policy", "must be an object");
        let percent = "/policy/maxDeactivations/percent";
        let number = "must be a whole number, 0 or more";
        for value in ["-1", "1.5", "-1.0", "1e300", "\"20\"", "true"] {
            check::<RegisterEntra>(
                &format!(r#"{{"policy":{{"maxDeactivations":{{"percent":{value}}}}}}}"#),
                percent,
                number,
            );
        }
        check::<RegisterEntra>(
            r#"{"policy":{"maxDeactivations":[20,10]}}"#,
            "/policy/maxDeactivations",
            "must be an object",
        );
        check::<SyncInput>(r#"["full",true]"#, "", "must be an object");
        check::<RegisterEntra>("[]", "", "must be an object");
        check::<RegisterEntra>("null", "", "must be an object");
        check::<ConnectionPatch>(r#"{"displayName":null}"#, "/displayName", "must be a string");
        check::<ConnectionPatch>(r#"{"paused":null}"#, "/paused", "must be a boolean");
        check::<ConnectionPatch>(r#"{"policy":[]}"#, "/policy", "must be an object");
        check::<ConnectionPatch>(r#"{"policy":{"adoptByEmail":1}}"#, "/policy/adoptByEmail", "must be a boolean");
        check::<ApprovalInput>(r#"{"changes":5}"#, "/changes", "must be an array");
        check::<ApprovalInput>(r#"{"except":[1,-1]}"#, "/except/1", number);
        check::<SyncInput>(r#"{"mode":1}"#, "/mode", "must be a string");
        check::<SyncInput>(r#"{"dryRun":1}"#, "/dryRun", "must be a boolean");
    }

    #[test]
    fn a_wrong_word_says_which_there_are() {
        check::<SyncInput>(r#"{"mode":"fast"}"#, "/mode", "must be one of auto, full, delta");
        check::<RegisterEntra>(
            r#"{"policy":{"emailAttribute":"upn"}}"#,
            "/policy/emailAttribute",
            "must be mail or userPrincipalName",
        );
    }

    #[test]
    fn an_unknown_or_repeated_member_is_pointed_at() {
        let unknown = "is not a member that is known here";
        check::<RegisterEntra>(r#"{"tenantId":"x"}"#, "/tenantId", unknown);
        check::<ConnectionPatch>(r#"{"clientId":"x"}"#, "/clientId", unknown);
        check::<RegisterEntra>(r#"{"a/b~c":"x"}"#, "/a~1b~0c", unknown);
        check::<RegisterEntra>(r#"{"policy":{"includeGuest":true}}"#, "/policy/includeGuest", unknown);
        check::<RegisterEntra>(&format!(r#"{{"policy":{{"{}":true}}}}"#, "x".repeat(65)), "/policy", unknown);
        check::<SyncInput>(r#"{"mode":"full","mode":"auto"}"#, "/mode", "is given more than once");
        check::<RegisterEntra>(
            r#"{"policy":{"maxDeactivations":{"count":1,"count":2}}}"#,
            "/policy/maxDeactivations/count",
            "is given more than once",
        );
    }

    #[test]
    fn what_is_not_json_says_where() {
        check::<SyncInput>("{", "", "is not JSON (line 1, column 1)");
        check::<SyncInput>("{}\n x", "", "is not JSON (line 2, column 2)");
        check::<SyncInput>(r#"{"mode":"full""#, "", "is not JSON (line 1, column 14)");
        assert!(from_slice::<SyncInput>(b"\xff").is_err());
    }

    #[test]
    fn no_value_is_repeated() {
        for json in [
            r#"{"clientSecret":{"value":"s3cret"}}"#,
            r#"{"policy":"s3cret"}"#,
            r#"{"policy":"x, expected s3cret"}"#,
            r#"{"policy":{"emailAttribute":"s3cret"}}"#,
            r#"{"policy":{"emailAttribute":"x, expected s3cret"}}"#,
            r#"{"policy":{"maxDeactivations":{"percent":"s3cret at line 1"}}}"#,
            r#"{"clientSecret":"s3cret"#,
            r#"{"clientSecret":"a" s3cret}"#,
        ] {
            let error = from_slice::<RegisterEntra>(json.as_bytes()).err().unwrap();
            assert!(!format!("{error:?}").contains("s3cret"), "{json}: {error:?}");
        }
    }
}
