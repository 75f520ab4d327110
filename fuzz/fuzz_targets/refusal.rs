//! Answers that are no success, of Graph and of the login service. The first bytes choose what was asked for and the
//! status, the rest is the body.

#![no_main]

use std::time::Duration;

use arbitrary::{Arbitrary, Unstructured};
use directory_core::{CredentialKind, FailureKind, RunErrorCode};
use libfuzzer_sys::fuzz_target;
use provider_entra::fuzzing::{self, Asked};

/// Servers' texts hold names. None may come through, wherever it stands.
const NAME: &str = "Ada Lovelace";

const ASKED: [Asked; 6] = [
    Asked::Users,
    Asked::Group,
    Asked::Members,
    Asked::Token(CredentialKind::ClientSecret),
    Asked::Token(CredentialKind::Certificate),
    Asked::Token(CredentialKind::FederatedToken),
];

#[derive(Arbitrary)]
struct Head {
    asked: u8,
    status: u16,
    retry_after_seconds: u8,
}

fuzz_target!(|bytes: &[u8]| {
    let mut input = Unstructured::new(bytes);
    let Ok(head) = Head::arbitrary(&mut input) else { return };
    let body = input.take_rest();
    let asked = ASKED[usize::from(head.asked) % ASKED.len()];
    let status = 300 + head.status % 300;
    let retry_after = (head.retry_after_seconds > 0).then(|| Duration::from_secs(head.retry_after_seconds.into()));

    let error = fuzzing::refusal(asked, status, retry_after, body);
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains(NAME), "{shown}");
    assert!(error.message.len() < 400 && !error.message.contains(char::is_control), "{shown}");
    assert!(!error.hint.is_empty());
    if let Some(id) = &error.request_id {
        assert!(id.len() <= 100 && id.bytes().all(|byte| byte.is_ascii_graphic()), "{id}");
    }
    // Whatever the body says: a busy server is no reason to quarantine a connection.
    if status == 429 {
        assert_eq!(
            (error.code, error.kind),
            (RunErrorCode::Throttled, FailureKind::Transient { retry_after }),
            "{shown}"
        );
    }
    // Only Graph's own explanation is a reason to change a connection's scope.
    if error.code == RunErrorCode::GroupNotFound {
        assert!(matches!(asked, Asked::Group | Asked::Members) && status == 404, "{shown}");
    }
});
