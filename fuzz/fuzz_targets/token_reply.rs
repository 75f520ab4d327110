//! The login service's answer with a token.

#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use provider_entra::fuzzing;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

const LONGEST_LIFE: Duration = Duration::from_hours(7 * 24);

fuzz_target!(|body: &[u8]| {
    match fuzzing::token(body) {
        Ok((token, life)) => {
            let text = token.expose_secret();
            // It becomes a header.
            assert!(!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic()));
            assert!(life <= LONGEST_LIFE);
            let _ = fuzzing::roles(&token);
            assert_eq!(format!("{token:?}"), format!("{:?}", SecretString::from("another")));
        }
        Err(error) => {
            // A server may well put a token into an answer that is otherwise wrong.
            let json: Option<Value> = serde_json::from_slice(body).ok();
            let token = json.as_ref().and_then(|json| json["access_token"].as_str()).into_iter();
            let mut words = token.flat_map(str::split_whitespace).filter(|word| word.len() > 40);
            assert!(words.all(|word| !format!("{error:?}").contains(word)));
        }
    }
    // Roles are read from whatever a token is.
    let text = String::from_utf8_lossy(body).into_owned();
    let _ = fuzzing::roles(&text.into());
});
