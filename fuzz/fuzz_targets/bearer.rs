//! `Authorization` headers, one a line, and the tokens in them.

#![no_main]

use crypto::{ApiToken, TokenHash};
use http_api::fuzzing;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let fields: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
    match fuzzing::bearer(&fields) {
        Ok(hash) => {
            // It is the hash of a token that was sent. What can be no header at all does not count.
            let sent = fields.iter().filter_map(|field| Some(str::from_utf8(field).ok()?.split_once(' ')?.1.trim()));
            let token = sent
                .filter(|token| ApiToken::looks_valid(token))
                .find(|token| *TokenHash::of(token).as_bytes() == hash);
            let token = token.expect("a token");
            assert!(token.len() == 54 && token.starts_with("acds_"));
        }
        // The answer is one of these, whatever was sent, so it can repeat nothing.
        Err(refusal) => {
            assert_eq!(refusal.status, 401);
            let known = [&b""[..], b"Bearer acds_", b"Basic x"].map(|sent| answer(&[sent]));
            assert!(known.contains(&refusal.body) || answer(&[]) == refusal.body);
        }
    }
});

fn answer(fields: &[&[u8]]) -> Vec<u8> {
    fuzzing::bearer(fields).expect_err("no token").body
}
