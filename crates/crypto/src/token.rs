//! API tokens: made once, shown once, stored as a hash.

use ring::digest::{SHA256, digest};
use secrecy::SecretString;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::random::{self, RandomError};

const PREFIX: &str = "acds_";
/// 62^43 is just above 2^256.
const RANDOM_CHARS: usize = 43;
/// 62^6 is just above 2^32.
const CHECKSUM_CHARS: usize = 6;
const TOKEN_CHARS: usize = PREFIX.len() + RANDOM_CHARS + CHECKSUM_CHARS;

/// No punctuation, so that a double click selects a whole token.
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// An API token: `acds_`, 43 random characters (256 bits), and a checksum of 6 characters over what precedes it.
///
/// The prefix lets secret scanners find a leaked token; the checksum tells a mistyped one from an unknown one without a look
/// into the database. It is no protection: anybody can compute it.
#[derive(Debug)]
pub struct ApiToken;

impl ApiToken {
    /// Makes a token, and the hash under which to store it.
    pub fn generate() -> Result<(SecretString, TokenHash), RandomError> {
        // Reserved in full, so that no shorter buffer with a part of the token is left behind by growing.
        let mut token = Zeroizing::new(String::with_capacity(TOKEN_CHARS));
        token.push_str(PREFIX);
        let mut bytes = Zeroizing::new([0; RANDOM_CHARS]);
        while token.len() < PREFIX.len() + RANDOM_CHARS {
            random::fill(bytes.as_mut_slice())?;
            for character in bytes.iter().copied().filter_map(random_char) {
                if token.len() == PREFIX.len() + RANDOM_CHARS {
                    break;
                }
                token.push(character);
            }
        }
        let checksum = checksum(&token);
        token.extend(checksum);
        let hash = TokenHash::of(&token);
        Ok((std::mem::take(&mut *token).into(), hash))
    }

    /// Whether this is a token's form with its checksum. Whether it is anybody's token is for the hash to tell.
    #[must_use]
    pub fn looks_valid(token: &str) -> bool {
        let Some((body, sum)) = token.split_at_checked(PREFIX.len() + RANDOM_CHARS) else {
            return false;
        };
        body.strip_prefix(PREFIX).is_some_and(|random| random.bytes().all(|byte| byte.is_ascii_alphanumeric()))
            && sum.chars().eq(checksum(body))
    }
}

/// Each character with the same chance: the 8 byte values beyond the last multiple of 62 give none.
fn random_char(byte: u8) -> Option<char> {
    (byte < 248).then(|| char::from(ALPHABET[usize::from(byte % 62)]))
}

/// The first 32 bits of SHA-256, most significant digit first.
fn checksum(body: &str) -> [char; CHECKSUM_CHARS] {
    let hash = digest(&SHA256, body.as_bytes());
    let mut rest = hash.as_ref().iter().take(4).fold(0, |sum: u32, &byte| sum << 8 | u32::from(byte));
    let mut digits = ['0'; CHECKSUM_CHARS];
    for digit in digits.iter_mut().rev() {
        *digit = char::from(ALPHABET[(rest % 62) as usize]);
        rest /= 62;
    }
    digits
}

/// SHA-256 of a whole token: what the database holds instead of the token.
///
/// A fast hash without salt is right here: the input is 256 random bits, which nobody guesses at any speed.
#[derive(Clone, Copy)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// The hash of a presented token, whatever it looks like.
    #[must_use]
    pub fn of(token: &str) -> Self {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
        Self(bytes)
    }

    /// A hash read back from the database.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes to store or to look up.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl PartialEq for TokenHash {
    /// Takes the same time wherever the hashes differ.
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for TokenHash {}

impl std::fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenHash([REDACTED])")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use secrecy::ExposeSecret;

    use super::*;
    use crate::sealing_key::tests::unhex;

    fn token() -> String {
        ApiToken::generate().unwrap().0.expose_secret().to_owned()
    }

    #[test]
    fn a_token_has_its_form_and_its_hash() {
        let (token, hash) = ApiToken::generate().unwrap();
        let text = token.expose_secret();
        assert_eq!(text.len(), 54);
        let random = text.strip_prefix("acds_").unwrap();
        assert!(random.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        assert!(ApiToken::looks_valid(text));
        assert_eq!(hash, TokenHash::of(text));
        assert_ne!(hash, TokenHash::of(&text[1..]));
    }

    /// The pattern is in secret scanners; tokens that it does not find are not found.
    #[test]
    fn the_pattern_for_secret_scanners_finds_every_token() {
        let readme = include_str!("../README.md");
        let pattern = readme.split_once("```text\n").unwrap().1.lines().next().unwrap();
        let pattern = regex_lite::Regex::new(pattern).unwrap();
        for _ in 0..200 {
            let token = token();
            let leak = format!("TOKEN=\"{token}\"; # of ci");
            assert_eq!(pattern.find(&leak).unwrap().as_str(), token);
            assert!(!pattern.is_match(&token[..53]));
        }
    }

    #[test]
    fn tokens_differ_and_use_the_whole_alphabet() {
        let tokens: BTreeSet<String> = (0..200).map(|_| token()).collect();
        assert_eq!(tokens.len(), 200);
        let seen: BTreeSet<u8> = tokens.iter().flat_map(|token| token[PREFIX.len()..].bytes()).collect();
        assert!(seen.iter().eq(ALPHABET));
    }

    #[test]
    fn every_character_is_equally_likely() {
        let mut counts = [0; 128];
        for character in (0..=u8::MAX).filter_map(random_char) {
            counts[character as usize] += 1;
        }
        assert!(ALPHABET.iter().all(|&byte| counts[usize::from(byte)] == 4));
    }

    #[test]
    fn a_mistyped_token_is_recognised() {
        let token = token();
        for at in 0..token.len() {
            let mut bytes = token.clone().into_bytes();
            bytes[at] = if bytes[at] == b'x' { b'y' } else { b'x' };
            let mistyped = String::from_utf8(bytes).unwrap();
            assert!(!ApiToken::looks_valid(&mistyped), "{at}");
        }
    }

    #[test]
    fn what_is_no_token_is_recognised() {
        let token = token();
        let longer = format!("{token}0");
        let beyond_ascii = format!("acds_{}", "é".repeat(49));
        let split_character = format!("acds_{}é12345", "a".repeat(42));
        let punctuation = format!("acds_{}", "-".repeat(43));
        let punctuation = punctuation.clone() + &String::from_iter(checksum(&punctuation));
        for text in ["", "acds_", &token[..53], &token[5..], &longer, &beyond_ascii, &split_character, &punctuation] {
            assert!(!ApiToken::looks_valid(text), "{text}");
        }
    }

    /// Tokens that are out there depend on it.
    #[test]
    fn the_checksum_stays_as_it_is() {
        // SHA-256("abc") starts with ba7816bf = 3128432319; its digits to the base 62 are 3, 25, 44, 36, 9, 49.
        assert_eq!(String::from_iter(checksum("abc")), "3Pia9n");
    }

    /// FIPS 180-4 example message.
    #[test]
    fn the_hash_is_sha_256_of_the_whole_text() {
        assert_eq!(
            *TokenHash::of("abc").as_bytes(),
            *unhex("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        );
        let bytes = [5; 32];
        assert_eq!(TokenHash::from_bytes(bytes).as_bytes(), &bytes);
    }

    #[test]
    fn hashes_differ_in_any_byte() {
        let hash = TokenHash::of("token");
        for at in 0..32 {
            let mut bytes = *hash.as_bytes();
            bytes[at] ^= 0x80;
            assert_ne!(hash, TokenHash::from_bytes(bytes));
        }
    }

    #[test]
    fn debug_shows_neither_token_nor_hash() {
        let (token, hash) = ApiToken::generate().unwrap();
        assert_eq!(format!("{hash:?}"), "TokenHash([REDACTED])");
        assert!(!format!("{token:?}").contains("acds_"));
    }
}
