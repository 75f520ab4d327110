//! The issuer's key set, and tokens judged by it. After the first line break of the input comes the token.

#![no_main]

use chrono::DateTime;
use jwt_verifier::{Keys, Settings, verify};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|bytes: &[u8]| {
    let mut lines = bytes.splitn(2, |byte| *byte == b'\n');
    let (set, token) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    let Ok(keys) = Keys::parse(set) else { return };
    let json: Value = serde_json::from_slice(set).expect("only JSON is a key set");
    let listed = json["keys"].as_array().map_or(0, Vec::len);
    assert_eq!(keys.len() + keys.skipped(), listed, "a key is used or left out");
    assert!(listed <= 100);
    let settings = Settings::new("https://login.example.test", "directory");
    // Whatever the keys are, there is a verdict.
    let _ = verify(&String::from_utf8_lossy(token), &keys, &settings, DateTime::UNIX_EPOCH);
});
