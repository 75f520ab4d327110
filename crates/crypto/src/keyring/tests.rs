use secrecy::ExposeSecret;

use super::*;
use crate::sealing_key::tests::unhex;
use crate::{Purpose, sealed_key_id};

const TENANT: [u8; 16] = [0x11; 16];
const ROW: [u8; 16] = [0x22; 16];
const CONTEXT: Context<'static> = Context { tenant: &TENANT, row: &ROW, purpose: Purpose::ClientSecret };
const SECRET: &[u8] = b"correct horse battery staple";

/// 32 bytes of 0x00, of 0xfb and of 0xff.
const KEY_A: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
const KEY_B: &str = "+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/s=";
const KEY_C: &str = "//////////////////////////////////////////8=";

/// Where the fields start in a value sealed under a key id of two characters.
const KID_AT: usize = 2;
const COMMITMENT_AT: usize = 4;
const CONTEXT_TAG_AT: usize = 36;
const NONCE_AT: usize = 52;
const LENGTH_AT: usize = 64;
const CIPHERTEXT_AT: usize = 68;

fn keyring(text: &str) -> Keyring {
    Keyring::parse(text).unwrap()
}

fn ring_a() -> Keyring {
    keyring(&format!("k1:{KEY_A}"))
}

fn seal(keyring: &Keyring) -> Vec<u8> {
    keyring.seal(SECRET, &CONTEXT).unwrap().into_bytes()
}

fn refusal(keyring: &Keyring, sealed: &[u8], context: &Context<'_>) -> OpenError {
    keyring.open(sealed, context).unwrap_err()
}

#[test]
fn what_was_sealed_opens() {
    let keyring = ring_a();
    let longest = vec![b'x'; MAX_PLAINTEXT_BYTES as usize];
    for plaintext in [b"".as_slice(), b"x", SECRET, &longest] {
        let sealed = keyring.seal(plaintext, &CONTEXT).unwrap();
        let opened = keyring.open(sealed.as_bytes(), &CONTEXT).unwrap();
        assert_eq!(opened.expose_secret(), plaintext);
        let text = keyring.open_string(sealed.as_bytes(), &CONTEXT).unwrap();
        assert_eq!(text.expose_secret().as_bytes(), plaintext);
    }
}

/// Version 1: key `k1` = [`KEY_A`], nonce of nines, [`CONTEXT`], [`SECRET`]; computed with another
/// implementation of HMAC and AES-GCM from the same layout and labels.
const REFERENCE: &str = "01026b318622f91d06f7b2ef51e3d778bc277e09d047b7e8a1b2a27d98b2be74\
    012849d9bc60b0835156bb044f47f2038ec0c636090909090909090909090909\
    0000001cc487a73ce62f964adc12d755c38d8237062d03d6e5ff75be90697d05\
    7882f1e007d260dfeefa6432f0f08385";

/// Stored values depend on every byte: a failure here means that they no longer open.
#[test]
fn the_envelope_stays_as_it_is() {
    let keyring = ring_a();
    let sealed = keyring.seal_with_nonce(SECRET, &CONTEXT, &[9; NONCE_BYTES]).unwrap();
    assert_eq!(sealed.as_bytes(), unhex(REFERENCE));
    let opened = keyring.open(&unhex(REFERENCE), &CONTEXT).unwrap();
    assert_eq!(opened.expose_secret(), SECRET);
}

#[test]
fn each_sealing_takes_a_new_nonce() {
    let keyring = ring_a();
    let (one, two) = (seal(&keyring), seal(&keyring));
    assert_eq!(one[..NONCE_AT], two[..NONCE_AT]);
    assert_ne!(one[NONCE_AT..LENGTH_AT], two[NONCE_AT..LENGTH_AT]);
    assert_ne!(one[CIPHERTEXT_AT..], two[CIPHERTEXT_AT..]);
}

#[test]
fn a_new_primary_key_seals_and_the_old_one_still_opens() {
    let old = ring_a();
    let both = keyring(&format!("k2:{KEY_B},k1:{KEY_A}"));
    assert_eq!(both.primary_kid(), "k2");
    assert_eq!(both.kids().collect::<Vec<_>>(), ["k2", "k1"]);

    let before = seal(&old);
    assert_eq!(sealed_key_id(&before), Ok("k1"));
    let opened = both.open(&before, &CONTEXT).unwrap();
    let after = both.seal(opened.expose_secret(), &CONTEXT).unwrap();
    assert_eq!(sealed_key_id(after.as_bytes()), Ok("k2"));

    let new = keyring(&format!("k2:{KEY_B}"));
    let opened = new.open(after.as_bytes(), &CONTEXT).unwrap();
    assert_eq!(opened.expose_secret(), SECRET);
}

#[test]
fn every_truncation_is_recognised() {
    let keyring = ring_a();
    let sealed = seal(&keyring);
    for length in 0..sealed.len() {
        let cut = &sealed[..length];
        assert_eq!(refusal(&keyring, cut, &CONTEXT), OpenError::Truncated);
        assert_eq!(sealed_key_id(cut), Err(OpenError::Truncated));
    }
}

#[test]
fn a_longer_value_is_malformed() {
    let keyring = ring_a();
    let mut sealed = seal(&keyring);
    sealed.push(0);
    assert_eq!(refusal(&keyring, &sealed, &CONTEXT), OpenError::Malformed);
}

#[test]
fn an_unknown_version_is_named() {
    let keyring = ring_a();
    let mut sealed = seal(&keyring);
    sealed[0] = 2;
    let expected = OpenError::UnknownVersion { version: 2 };
    assert_eq!(refusal(&keyring, &sealed, &CONTEXT), expected);
    assert_eq!(refusal(&keyring, &[2], &CONTEXT), expected);
}

#[test]
fn a_key_id_that_cannot_be_one_is_malformed() {
    let keyring = ring_a();
    for byte in [b' ', b':', 0, 0xff] {
        let mut sealed = seal(&keyring);
        sealed[KID_AT] = byte;
        assert_eq!(refusal(&keyring, &sealed, &CONTEXT), OpenError::Malformed);
    }
}

#[test]
fn an_unknown_key_is_named_and_the_message_says_what_to_do() {
    let error = refusal(&keyring(&format!("k2:{KEY_A}")), &seal(&ring_a()), &CONTEXT);
    assert_eq!(error, OpenError::UnknownKey { kid: "k1".to_owned() });
    assert_eq!(
        error.to_string(),
        "sealed with key `k1`, which is not in the keyring; add it back to DIRECTORY_ENCRYPTION_KEYS or the key file"
    );
}

#[test]
fn another_key_under_the_same_id_is_the_wrong_key() {
    let other = keyring(&format!("k1:{KEY_C}"));
    let wrong_key = OpenError::WrongKey { kid: "k1".to_owned() };
    let sealed = seal(&ring_a());
    assert_eq!(refusal(&other, &sealed, &CONTEXT), wrong_key);

    // Neither the commitment of the other key nor its context tag makes the value open under it.
    let donor = seal(&other);
    let mut grafted = sealed.clone();
    grafted[COMMITMENT_AT..CONTEXT_TAG_AT].copy_from_slice(&donor[COMMITMENT_AT..CONTEXT_TAG_AT]);
    assert_eq!(refusal(&other, &grafted, &CONTEXT), OpenError::WrongContext);
    grafted[CONTEXT_TAG_AT..NONCE_AT].copy_from_slice(&donor[CONTEXT_TAG_AT..NONCE_AT]);
    assert_eq!(refusal(&other, &grafted, &CONTEXT), OpenError::Tampered);
}

#[test]
fn another_tenant_or_row_is_the_wrong_context() {
    let keyring = ring_a();
    let sealed = seal(&keyring);
    let other = [0x33; 16];
    for context in [
        Context { tenant: &other, ..CONTEXT },
        Context { row: &other, ..CONTEXT },
        Context { tenant: &ROW, row: &TENANT, ..CONTEXT },
    ] {
        assert_eq!(refusal(&keyring, &sealed, &context), OpenError::WrongContext);
    }

    // The tag only gives the reason: with the right one grafted on, the other row is still refused.
    let elsewhere = Context { row: &other, ..CONTEXT };
    let donor = keyring.seal(SECRET, &elsewhere).unwrap().into_bytes();
    let mut grafted = sealed;
    grafted[CONTEXT_TAG_AT..NONCE_AT].copy_from_slice(&donor[CONTEXT_TAG_AT..NONCE_AT]);
    assert_eq!(refusal(&keyring, &grafted, &elsewhere), OpenError::Tampered);
}

#[test]
fn every_altered_byte_is_refused_and_the_part_gives_the_reason() {
    let keyring = ring_a();
    let sealed = seal(&keyring);
    for at in 0..sealed.len() {
        for flip in 1..=u8::MAX {
            let mut altered = sealed.clone();
            altered[at] ^= flip;
            let error = refusal(&keyring, &altered, &CONTEXT);
            let expected = match at {
                0 => matches!(error, OpenError::UnknownVersion { .. }),
                1 => matches!(error, OpenError::Malformed | OpenError::Truncated | OpenError::UnknownKey { .. }),
                KID_AT..COMMITMENT_AT => {
                    matches!(error, OpenError::Malformed | OpenError::UnknownKey { .. })
                }
                COMMITMENT_AT..CONTEXT_TAG_AT => matches!(error, OpenError::WrongKey { .. }),
                CONTEXT_TAG_AT..NONCE_AT => error == OpenError::WrongContext,
                LENGTH_AT..CIPHERTEXT_AT => {
                    matches!(error, OpenError::Truncated | OpenError::Malformed)
                }
                _ => error == OpenError::Tampered,
            };
            assert!(expected, "byte {at} ^ {flip:#04x}: {error:?}");
        }
    }
}

/// The checks before AES-GCM do not stand in for it: with a second key of the same bytes, a renamed value passes them all.
#[test]
fn the_key_id_is_authenticated() {
    let twins = keyring(&format!("k1:{KEY_A},k2:{KEY_A}"));
    let mut sealed = seal(&twins);
    sealed[KID_AT + 1] = b'2';
    assert_eq!(refusal(&twins, &sealed, &CONTEXT), OpenError::Tampered);
}

#[test]
fn bytes_that_are_no_text_have_their_own_error() {
    let keyring = ring_a();
    let sealed = keyring.seal(b"\xff\xfe", &CONTEXT).unwrap();
    assert!(keyring.open(sealed.as_bytes(), &CONTEXT).is_ok());
    let error = keyring.open_string(sealed.as_bytes(), &CONTEXT).unwrap_err();
    assert_eq!(error, OpenError::NotUtf8);
}

#[test]
fn a_plaintext_beyond_the_limit_is_refused() {
    let too_long = vec![0; MAX_PLAINTEXT_BYTES as usize + 1];
    assert_eq!(ring_a().seal(&too_long, &CONTEXT), Err(SealError::TooLong));
}

#[test]
fn debug_shows_no_secret() {
    let keyring = keyring(&format!("k1:{KEY_B}"));
    assert_eq!(format!("{keyring:?}"), r#"Keyring { kids: ["k1"], .. }"#);
    let sealed = keyring.seal(SECRET, &CONTEXT).unwrap();
    assert_eq!(format!("{sealed:?}"), "Sealed(112 bytes)");
    let opened = keyring.open(sealed.as_bytes(), &CONTEXT).unwrap();
    assert_eq!(format!("{opened:?}"), "SecretBox<[u8]>([REDACTED])");
}

#[test]
fn keys_are_wiped_when_dropped() {
    fn wiped<T: zeroize::ZeroizeOnDrop>() {}
    wiped::<SealingKey>();
}
