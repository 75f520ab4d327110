//! Keys as text: how an environment variable or a key file holds them.

use base64::Engine;
use base64::alphabet::{STANDARD as STANDARD_ALPHABET, URL_SAFE as URL_SAFE_ALPHABET};
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use secrecy::SecretString;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::derive::KeyBytes;
use crate::key_id::KeyId;
use crate::random::{self, RandomError};

const KEY_BYTES: usize = 32;

/// With or without `=` at the end: tools that print keys differ in it.
const ANY_PADDING: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const STANDARD_DECODER: GeneralPurpose = GeneralPurpose::new(&STANDARD_ALPHABET, ANY_PADDING);
const URL_SAFE_DECODER: GeneralPurpose = GeneralPurpose::new(&URL_SAFE_ALPHABET, ANY_PADDING);

/// Why a text is no keyring.
///
/// Keys are named by their place, counted from 1, and never by their text: a key pasted without its id, or with the two
/// exchanged, would otherwise end up in a log.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KeyringError {
    /// No key at all.
    #[error("the keyring holds no key; `directoryctl key generate` prints one")]
    Empty,
    /// An entry without a colon.
    #[error("key {position} is not of the form KID:BASE64")]
    NoKeyId {
        /// Which key.
        position: usize,
    },
    /// A key id of the wrong length or with other characters.
    #[error("the id of key {position} is not 1 to 32 characters of A-Z, a-z, 0-9, _ and -")]
    InvalidKeyId {
        /// Which key.
        position: usize,
    },
    /// The same id twice.
    #[error("key {position} has the id of key {first}; each key needs an id of its own")]
    DuplicateKeyId {
        /// The key that had the id first.
        first: usize,
        /// The key that repeats it.
        position: usize,
    },
    /// Not base64.
    #[error("key {position} is not valid base64")]
    InvalidBase64 {
        /// Which key.
        position: usize,
    },
    /// Not 256 bits.
    #[error("key {position} is {bytes} bytes long instead of {KEY_BYTES}")]
    WrongLength {
        /// Which key.
        position: usize,
        /// Its length when decoded.
        bytes: usize,
    },
}

/// Why no key was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum GenerateKeyError {
    /// The id asked for cannot name a key.
    #[error("a key id is 1 to 32 characters of A-Z, a-z, 0-9, _ and -")]
    InvalidKeyId,
    /// There was nothing to make a key from.
    #[error(transparent)]
    Random(#[from] RandomError),
}

/// Makes a key: `KID:BASE64`, without a line break, as [`Keyring::parse`](crate::Keyring::parse) reads it.
pub fn generate_key_line(kid: &str) -> Result<SecretString, GenerateKeyError> {
    let kid = KeyId::parse(kid).ok_or(GenerateKeyError::InvalidKeyId)?;
    let mut key: KeyBytes = Zeroizing::new([0; KEY_BYTES]);
    random::fill(key.as_mut_slice())?;
    // Reserved in full, so that no shorter buffer with a part of the key is left behind by growing.
    let mut line = String::with_capacity(kid.as_str().len() + 1 + KEY_BYTES.div_ceil(3) * 4);
    line.push_str(kid.as_str());
    line.push(':');
    STANDARD.encode_string(key.as_slice(), &mut line);
    Ok(line.into())
}

/// The keys of a text in order, each with an id of its own; at least one.
pub(crate) fn parse(text: &str) -> Result<Vec<(KeyId, KeyBytes)>, KeyringError> {
    // Not `str::lines` alone: a comment ends with its line, so a comma in it separates nothing.
    let entries = text
        .lines()
        .filter_map(|line| line.split('#').next())
        .flat_map(|line| line.split(','))
        .map(str::trim)
        .filter(|entry| !entry.is_empty());
    let mut keys: Vec<(KeyId, KeyBytes)> = Vec::with_capacity(entries.clone().count());
    for (index, entry) in entries.enumerate() {
        let position = index + 1;
        let (kid, key) = parse_entry(entry, position)?;
        if let Some(first) = keys.iter().position(|(known, _)| *known == kid) {
            return Err(KeyringError::DuplicateKeyId { first: first + 1, position });
        }
        keys.push((kid, key));
    }
    if keys.is_empty() {
        return Err(KeyringError::Empty);
    }
    Ok(keys)
}

fn parse_entry(entry: &str, position: usize) -> Result<(KeyId, KeyBytes), KeyringError> {
    let (kid, encoded) = entry.split_once(':').ok_or(KeyringError::NoKeyId { position })?;
    let kid = KeyId::parse(kid.trim()).ok_or(KeyringError::InvalidKeyId { position })?;
    Ok((kid, decode(encoded.trim(), position)?))
}

fn decode(encoded: &str, position: usize) -> Result<KeyBytes, KeyringError> {
    let base64 = if encoded.contains(['-', '_']) { URL_SAFE_DECODER } else { STANDARD_DECODER };
    // Large enough from the start, for the same reason as above: the decoder never needs more than its input, rounded up.
    let mut decoded = Zeroizing::new(Vec::with_capacity(encoded.len() + 3));
    base64.decode_vec(encoded, &mut decoded).map_err(|_| KeyringError::InvalidBase64 { position })?;
    if decoded.len() != KEY_BYTES {
        return Err(KeyringError::WrongLength { position, bytes: decoded.len() });
    }
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    key.copy_from_slice(&decoded);
    Ok(key)
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    /// 32 bytes of 0xfb: both alphabets differ in it.
    const STANDARD_KEY: &str = "+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/s=";
    const URL_SAFE_KEY: &str = "-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_s=";

    fn parsed(text: &str) -> Vec<(String, [u8; 32])> {
        parse(text).unwrap().into_iter().map(|(kid, key)| (kid.as_str().to_owned(), *key)).collect()
    }

    fn refusal(text: &str) -> KeyringError {
        let error = parse(text).map(|_| ()).unwrap_err();
        for shown in [error.to_string(), format!("{error:?}")] {
            assert!(!shown.contains("v7"), "{shown}");
        }
        error
    }

    #[test]
    fn both_alphabets_are_read_with_and_without_padding() {
        for key in [STANDARD_KEY, URL_SAFE_KEY] {
            for key in [key, key.trim_end_matches('=')] {
                let keys = parsed(&format!("k1:{key}"));
                assert_eq!(keys, [("k1".to_owned(), [0xfb; 32])], "{key}");
            }
        }
    }

    #[test]
    fn a_list_and_a_file_hold_the_same_keys_in_order() {
        let list = format!(" new:{STANDARD_KEY} , old : {URL_SAFE_KEY},");
        let file =
            format!("# keys, the first one seals\r\n\r\n  new:{STANDARD_KEY}\r\nold:{URL_SAFE_KEY} # until May\n\n");
        let expected = [("new".to_owned(), [0xfb; 32]), ("old".to_owned(), [0xfb; 32])];
        assert_eq!(parsed(&list), expected);
        assert_eq!(parsed(&file), expected);
    }

    #[test]
    fn a_text_without_a_key_is_empty() {
        for text in ["", " \n\t", "# k1:AAAA, k2:AAAA", ",,\n,"] {
            assert_eq!(refusal(text), KeyringError::Empty, "{text:?}");
        }
    }

    #[test]
    fn each_fault_of_an_entry_is_its_own_error_and_names_the_place() {
        let good = format!("k1:{STANDARD_KEY}");
        let position = 2;
        for (entry, expected) in [
            (STANDARD_KEY.to_owned(), KeyringError::NoKeyId { position }),
            (format!(":{STANDARD_KEY}"), KeyringError::InvalidKeyId { position }),
            (format!("{STANDARD_KEY}:k2"), KeyringError::InvalidKeyId { position }),
            (format!("k1:{URL_SAFE_KEY}"), KeyringError::DuplicateKeyId { first: 1, position }),
            (format!("k2:{STANDARD_KEY}!"), KeyringError::InvalidBase64 { position }),
            (format!("k2:-{}", &STANDARD_KEY[1..]), KeyringError::InvalidBase64 { position }),
            ("k2:".to_owned(), KeyringError::WrongLength { position, bytes: 0 }),
            ("k2:+/v7+/v7+/v7+/v7+/v7+w==".to_owned(), KeyringError::WrongLength { position, bytes: 16 }),
            (format!("k2:+/v7{STANDARD_KEY}"), KeyringError::WrongLength { position, bytes: 35 }),
        ] {
            assert_eq!(refusal(&format!("{good},{entry}")), expected);
            assert_eq!(refusal(&format!("{good}\n{entry}\n")), expected);
        }
    }

    #[test]
    fn generated_lines_are_read_back_and_differ() {
        let one = generate_key_line("k1").unwrap();
        let two = generate_key_line("k2").unwrap();
        let keys = parsed(&format!("{}\n{}", one.expose_secret(), two.expose_secret()));
        assert_eq!((keys[0].0.as_str(), keys[1].0.as_str()), ("k1", "k2"));
        assert_ne!(keys[0].1, keys[1].1);
        assert!(!format!("{one:?}").contains("k1:"));
    }

    #[test]
    fn a_key_is_not_generated_under_an_id_that_could_not_be_read_back() {
        for kid in ["", "a:b", "a,b", "#a"] {
            assert_eq!(generate_key_line(kid).unwrap_err(), GenerateKeyError::InvalidKeyId);
        }
    }
}
