//! The token of another identity provider, from a file that something else keeps fresh (protocol reference §1.6).

use std::{
    fs::{self, File},
    io::{ErrorKind, Read},
    path::{Path, PathBuf},
};

use directory_core::ProviderError;
use secrecy::SecretString;
use zeroize::Zeroizing;

use crate::error::{Again, Fault, operators};

/// In bytes; tokens have a few thousand.
const LONGEST: usize = 64 << 10;

/// Where the token is found. It is read for every token request, since it ends within the hour.
pub(crate) struct TokenFile {
    path: PathBuf,
}

/// Why a file gives no token. The path stays unnamed: it is the server's, and the reader may be a tenant's administrator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FileFault {
    Missing,
    Unreadable,
    NoFile,
    Empty,
    TooLarge,
    NoToken,
}

impl TokenFile {
    pub(super) fn new(path: Option<&Path>) -> Result<Self, ProviderError> {
        let path = path.ok_or_else(|| {
            operators(
                "No federated token is configured on this server.",
                "Let the server's operator set DIRECTORY_FEDERATED_TOKEN_FILE to the file that holds the token, or use a \
                 certificate or a client secret.",
            )
        })?;
        Ok(Self { path: path.to_owned() })
    }

    pub(super) async fn read(&self) -> Result<SecretString, Fault> {
        let path = self.path.clone();
        let read = tokio::task::spawn_blocking(move || read(&path)).await;
        read.unwrap_or(Err(FileFault::Unreadable)).map_err(Fault::from)
    }
}

fn read(path: &Path) -> Result<SecretString, FileFault> {
    // A pipe would be waited for without end.
    if !fs::metadata(path).map_err(|error| FileFault::of(error.kind()))?.is_file() {
        return Err(FileFault::NoFile);
    }
    let file = File::open(path).map_err(|error| FileFault::of(error.kind()))?;
    // As large as it can get: growing would leave copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(LONGEST + 1));
    file.take(LONGEST as u64 + 1).read_to_end(&mut bytes).map_err(|error| FileFault::of(error.kind()))?;
    if bytes.len() > LONGEST {
        return Err(FileFault::TooLarge);
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| FileFault::NoToken)?.trim();
    if text.is_empty() {
        return Err(FileFault::Empty);
    }
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(FileFault::NoToken);
    }
    Ok(text.to_owned().into())
}

impl FileFault {
    fn of(kind: ErrorKind) -> Self {
        if kind == ErrorKind::NotFound { Self::Missing } else { Self::Unreadable }
    }
}

impl From<FileFault> for Fault {
    fn from(fault: FileFault) -> Self {
        let message = match fault {
            FileFault::Missing => "The file of the federated token does not exist.",
            FileFault::Unreadable => "The file of the federated token cannot be read.",
            FileFault::NoFile => "What should be the file of the federated token is no file.",
            FileFault::Empty => "The file of the federated token is empty.",
            FileFault::TooLarge => "The file of the federated token is too large to hold one.",
            FileFault::NoToken => "The file of the federated token holds something else.",
        };
        let hint = "Let the server's operator check that DIRECTORY_FEDERATED_TOKEN_FILE names the file, that the server may \
                    read it, and that whatever writes the token there is running.";
        let again = match fault {
            // Between the two halves of being replaced by a writer that does not rename.
            FileFault::Missing | FileFault::Empty => Again::Twice,
            FileFault::Unreadable | FileFault::NoFile | FileFault::TooLarge | FileFault::NoToken => Again::Never,
        };
        Self { error: operators(message, hint), again }
    }
}

#[cfg(test)]
mod tests {
    use directory_core::FailureKind;
    use rstest::rstest;
    use secrecy::ExposeSecret;

    use super::*;

    #[rstest]
    #[case(b"ey.a-b_c.d".as_slice(), Ok("ey.a-b_c.d"))]
    #[case(b"\n ey.a.b \r\n", Ok("ey.a.b"))]
    #[case(b"", Err(FileFault::Empty))]
    #[case(b" \n", Err(FileFault::Empty))]
    #[case(b"two words", Err(FileFault::NoToken))]
    #[case(b"ey.\x00", Err(FileFault::NoToken))]
    #[case("ey.\u{e9}".as_bytes(), Err(FileFault::NoToken))]
    #[case(b"\xff", Err(FileFault::NoToken))]
    fn contents(#[case] bytes: &[u8], #[case] expected: Result<&str, FileFault>) {
        let file = tempfile::NamedTempFile::new().expect("file");
        fs::write(file.path(), bytes).expect("written");
        let token = read(file.path());
        assert_eq!(token.as_ref().map(ExposeSecret::expose_secret).map_err(|fault| *fault), expected);
    }

    #[test]
    fn sizes() {
        let file = tempfile::NamedTempFile::new().expect("file");
        fs::write(file.path(), "a".repeat(LONGEST)).expect("written");
        assert_eq!(read(file.path()).expect("a token").expose_secret().len(), LONGEST);
        fs::write(file.path(), "a".repeat(LONGEST + 1)).expect("written");
        assert_eq!(read(file.path()).err(), Some(FileFault::TooLarge));
    }

    #[test]
    fn what_is_no_file() {
        let folder = tempfile::tempdir().expect("folder");
        assert_eq!(read(folder.path()).err(), Some(FileFault::NoFile));
        assert_eq!(read(&folder.path().join("token")).err(), Some(FileFault::Missing));
        assert_eq!(FileFault::of(ErrorKind::PermissionDenied), FileFault::Unreadable);
    }

    #[tokio::test]
    async fn a_file_that_is_being_replaced_is_looked_at_again_and_never_named() {
        let folder = tempfile::tempdir().expect("folder");
        let file = TokenFile::new(Some(&folder.path().join("the-token"))).expect("configured");
        let fault = file.read().await.expect_err("missing");
        assert_eq!(fault.again, Again::Twice);
        assert!(matches!(fault.error.kind, FailureKind::Transient { .. }), "no fault of the connection: {fault:?}");
        assert!(fault.error.hint.contains("DIRECTORY_FEDERATED_TOKEN_FILE"), "{fault:?}");
        assert!(!format!("{fault:?}").contains("the-token"), "{fault:?}");
        fs::write(folder.path().join("the-token"), "first").expect("written");
        assert_eq!(file.read().await.expect("a token").expose_secret(), "first");
        fs::write(folder.path().join("the-token"), "second").expect("written");
        assert_eq!(file.read().await.expect("a token").expose_secret(), "second");
    }

    #[test]
    fn without_the_setting() {
        let error = TokenFile::new(None).err().expect("refused");
        assert!(error.hint.contains("DIRECTORY_FEDERATED_TOKEN_FILE"), "{error:?}");
    }
}
