//! Reading a secret: from standard input or a hidden prompt, never from an argument.

use std::io::{self, IsTerminal, Read};

use anyhow::Context;
use secrecy::SecretString;
use zeroize::Zeroizing;

use crate::exit::BadUsage;

/// More than any secret; a file piped in by mistake ends here.
const MAX_BYTES: u64 = 64 * 1024;

/// The client secret, from where it was said to come from.
pub(crate) fn client_secret(from_stdin: bool) -> anyhow::Result<SecretString> {
    if from_stdin {
        return read_from(io::stdin().lock()).context("cannot read the client secret from standard input");
    }
    if !io::stdin().is_terminal() {
        return Err(BadUsage(
            "there is no terminal to ask for the client secret on; pipe it in with --client-secret-stdin".to_owned(),
        )
        .into());
    }
    let secret = rpassword::prompt_password("Client secret: ").context("cannot ask for the client secret")?;
    Ok(secret.into())
}

/// A private key and its certificate in PEM, from standard input: too long to be typed at a prompt.
pub(crate) fn certificate() -> anyhow::Result<SecretString> {
    read_from(io::stdin().lock()).context("cannot read the certificate from standard input")
}

/// Everything there is, less the line break that `echo` and editors put at the end.
fn read_from(input: impl Read) -> anyhow::Result<SecretString> {
    // Reserved in full, so that no shorter buffer with a part of the secret is left behind by growing.
    let mut text = Zeroizing::new(String::with_capacity(usize::try_from(MAX_BYTES)? + 1));
    input.take(MAX_BYTES + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX_BYTES {
        return Err(BadUsage(format!("it is longer than {MAX_BYTES} bytes")).into());
    }
    let secret = text.strip_suffix('\n').map_or(text.as_str(), |line| line.strip_suffix('\r').unwrap_or(line));
    if secret.is_empty() {
        return Err(BadUsage("it is empty".to_owned()).into());
    }
    Ok(SecretString::from(secret))
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn only_the_last_line_break_is_dropped() {
        for (input, expected) in [("s", "s"), ("s\n", "s"), ("s\r\n", "s"), ("s\n\n", "s\n"), (" s ", " s ")] {
            assert_eq!(read_from(input.as_bytes()).unwrap().expose_secret(), expected, "{input:?}");
        }
    }

    #[test]
    fn nothing_and_too_much_are_refused() {
        let limit = usize::try_from(MAX_BYTES).unwrap();
        for bad in ["", "\n", "\r\n", &"s".repeat(limit + 1)] {
            assert!(read_from(bad.as_bytes()).is_err());
        }
        assert!(read_from("s".repeat(limit).as_bytes()).is_ok());
    }
}
