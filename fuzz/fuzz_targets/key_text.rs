//! Keys as a setting or a key file holds them.

#![no_main]

use crypto::{Context, Keyring, Purpose};
use libfuzzer_sys::fuzz_target;
use secrecy::ExposeSecret;

const CONTEXT: Context<'static> = Context { tenant: &[b'T'; 16], row: &[b'R'; 16], purpose: Purpose::ClientSecret };

fuzz_target!(|text: &str| {
    match Keyring::parse(text) {
        Ok(keyring) => {
            let kids: Vec<&str> = keyring.kids().collect();
            assert_eq!(kids[0], keyring.primary_kid());
            assert!(kids.iter().all(|kid| (1..=32).contains(&kid.len()) && text.contains(kid)));
            assert!(kids.iter().enumerate().all(|(at, kid)| !kids[..at].contains(kid)), "{kids:?}");
            // The same text is the same keys.
            let sealed = keyring.seal(b"secret", &CONTEXT).expect("sealed");
            let again = Keyring::parse(text).expect("read before");
            assert_eq!(again.open(sealed.as_bytes(), &CONTEXT).expect("opened").expose_secret(), b"secret");
            repeats_no_key(text, &format!("{keyring:?}"));
        }
        Err(error) => repeats_no_key(text, &format!("{error} {error:?}")),
    }
});

/// Whatever could be a key, wherever somebody pasted it, is not shown.
fn repeats_no_key(text: &str, shown: &str) {
    let words = text.split(|character: char| !(character.is_ascii_alphanumeric() || "+/-_=".contains(character)));
    for word in words.filter(|word| word.len() > 32) {
        assert!(!shown.contains(word), "{shown}");
    }
}
