//! Query strings.

#![no_main]

use http_api::fuzzing;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

/// A value that is never to be repeated, whatever it is given for.
const SECRET: &str = "hunter2-hunter2";

fuzz_target!(|text: &str| {
    let told = match fuzzing::paging(text) {
        // One more is read than is shown.
        Ok((rows, _)) => return assert!((2..=201).contains(&rows), "{rows}"),
        Err(refusal) => {
            assert_eq!(refusal.status, 400);
            String::from_utf8(refusal.body).expect("text")
        }
    };
    let answer: Value = serde_json::from_str(&told).expect("a problem document");
    for error in answer["errors"].as_array().expect("errors") {
        // Names are repeated, within reason; values are not.
        let pointer = error["pointer"].as_str().expect("a pointer");
        assert!(pointer.starts_with('?') && pointer.chars().count() <= 41, "{pointer}");
        assert!(!pointer.contains(char::is_control), "{pointer:?}");
        assert!(!error["detail"].as_str().expect("a detail").contains(SECRET), "{told}");
    }
});
