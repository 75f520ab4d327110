//! Sealed values as the database gives them back. The first byte chooses: after a 0 comes how a sound value is altered, after
//! any other the value itself.

#![no_main]

use std::sync::LazyLock;

use arbitrary::{Arbitrary, Unstructured};
use crypto::{Context, Keyring, OpenError, Purpose, sealed_key_id};
use libfuzzer_sys::fuzz_target;
use secrecy::ExposeSecret;

const CONTEXT: Context<'static> = Context { tenant: &[0x11; 16], row: &[0x22; 16], purpose: Purpose::ClientSecret };
const SECRET: &[u8] = b"correct horse battery staple";
/// Two keys for this alone: 32 bytes of 0x00, and of 0xfb.
const KEYS: &str = "k1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=,k2:+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/s=";

static KEYRING: LazyLock<Keyring> = LazyLock::new(|| Keyring::parse(KEYS).expect("keys"));
/// [`SECRET`], sealed with `k1` for [`CONTEXT`]: the reference value of the crate's own tests, so that a finding is found again.
static SEALED: &[u8] = include_bytes!("envelope/sealed.bin");

/// One thing that happens to stored bytes.
#[derive(Arbitrary, Debug)]
enum Damage {
    Overwrite { at: u16, with: u8 },
    Cut { to: u16 },
    Append(Vec<u8>),
    Remove { at: u16 },
}

fuzz_target!(|bytes: &[u8]| {
    match bytes.split_first() {
        Some((0, rest)) => damaged(rest),
        Some((_, rest)) => foreign(rest),
        None => {}
    }
});

/// Only the value that was sealed opens.
fn foreign(bytes: &[u8]) {
    let kid = sealed_key_id(bytes);
    if let Ok(kid) = kid {
        assert!((1..=32).contains(&kid.len()) && kid.bytes().all(|byte| byte.is_ascii_graphic()), "{kid:?}");
    }
    match KEYRING.open(bytes, &CONTEXT) {
        Ok(_) => assert_eq!(bytes, SEALED),
        Err(OpenError::UnknownKey { kid: named } | OpenError::WrongKey { kid: named }) => assert_eq!(kid, Ok(&*named)),
        Err(error) => assert_ne!(bytes, SEALED, "{error}"),
    }
}

/// Whatever is altered does not open; whatever is not does.
fn damaged(bytes: &[u8]) {
    let mut altered = SEALED.to_vec();
    let Ok(damages) = Vec::<Damage>::arbitrary(&mut Unstructured::new(bytes)) else { return };
    for damage in damages {
        let place = |at: u16| usize::from(at) % altered.len().max(1);
        match damage {
            Damage::Overwrite { at, with } => {
                let place = place(at);
                if let Some(byte) = altered.get_mut(place) {
                    *byte = with;
                }
            }
            Damage::Cut { to } => altered.truncate(place(to)),
            Damage::Append(more) => altered.extend(more),
            Damage::Remove { at } => {
                let place = place(at);
                if place < altered.len() {
                    altered.remove(place);
                }
            }
        }
    }
    let opened = KEYRING.open(&altered, &CONTEXT);
    assert_eq!(opened.is_ok(), altered == SEALED);
    if let Ok(opened) = opened {
        assert_eq!(opened.expose_secret(), SECRET);
    }
    // And never anywhere else.
    let elsewhere = Context { row: &[0x33; 16], ..CONTEXT };
    assert!(KEYRING.open(&altered, &elsewhere).is_err());
}
