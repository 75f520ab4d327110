//! Headers that are read besides `Authorization`: `Prefer`, `Host`, `X-Request-Id`. One value a line.

#![no_main]

use std::time::Duration;

use http_api::fuzzing;
use libfuzzer_sys::fuzz_target;

const BASE_DOMAIN: &str = "directory.example.org";

fuzz_target!(|bytes: &[u8]| {
    let fields: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
    if let Some((time, confirmed)) = fuzzing::wait(&fields) {
        assert!(time <= Duration::from_mins(1), "{time:?}");
        // What is confirmed is what is done.
        assert_eq!(confirmed, format!("wait={}", time.as_secs()).as_bytes());
        assert_eq!(fuzzing::wait(&[confirmed.as_slice()]), Some((time, confirmed)));
    }
    for text in fields.iter().filter_map(|field| str::from_utf8(field).ok()) {
        let id = fuzzing::request_id(text).expect("an id can always be a header");
        assert!((1..=64).contains(&id.len()) && id.iter().all(u8::is_ascii_graphic));
        assert_eq!(fuzzing::request_id(&String::from_utf8_lossy(&id)), Some(id));
        if let Some(slug) = fuzzing::tenant_slug(text, BASE_DOMAIN) {
            assert!(!slug.is_empty() && !slug.contains('.'));
            assert_eq!(fuzzing::tenant_slug(&format!("{slug}.{BASE_DOMAIN}"), BASE_DOMAIN), Some(slug));
        }
    }
});
