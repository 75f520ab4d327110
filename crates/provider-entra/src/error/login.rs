//! Refusals by the token endpoint (protocol reference §1.4).
//!
//! The status and `error` decide. The AADSTS number refines: Microsoft may change the numbers, and an unknown one must
//! still end in a sensible code.

mod assertion;
mod refusal;

use directory_core::{CredentialKind, ProviderError, RunErrorCode};
use serde::Deserialize;
use serde_json::value::RawValue;

use self::{
    assertion::client_refused,
    refusal::{FOREIGN_LOGIN, Meaning, Refusal, meaning_of_code, meaning_of_error},
};
use super::{Again, AnswerHead, Fault, configuration, operators, passing_code, protocol, transient};
use crate::{
    json::{Text, lenient, word},
    page::BodyFault,
};

#[derive(Default, Deserialize)]
struct Body<'a> {
    #[serde(borrow, default, deserialize_with = "lenient")]
    error: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "lenient")]
    error_description: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "lenient")]
    error_codes: Option<Vec<&'a RawValue>>,
    #[serde(borrow, default, deserialize_with = "lenient")]
    trace_id: Option<Text<'a>>,
}

/// An answer of the token endpoint that is no token, to a request with a credential of this kind.
pub(crate) fn login_fault(kind: CredentialKind, head: &AnswerHead, body: &[u8]) -> Fault {
    // Throttling answers in plain text; no body is no reason to fail differently.
    let body: Body<'_> = serde_json::from_slice(body).unwrap_or_default();
    let codes = aadsts_codes(&body);
    let known = codes.iter().find_map(|&code| Some((code, meaning_of_code(code, kind)?)));
    let name = match (known.map(|(code, _)| code).or(codes.first().copied()), &body.error) {
        (Some(code), _) => format!("AADSTS{code}"),
        (None, Some(text)) => word(text.as_str()).unwrap_or_else(|| format!("HTTP {}", head.status)),
        (None, None) => format!("HTTP {}", head.status),
    };
    let request_id = body.trace_id.as_ref().and_then(|id| word(id.as_str())).or_else(|| head.request_id.clone());

    let fault = if let Some(code) = passing_code(head) {
        Fault::from(busy(code, head, &name))
    } else {
        let by_name = body.error.as_ref().and_then(|error| meaning_of_error(error.as_str(), kind));
        let meaning = known.map(|(_, meaning)| meaning).or(by_name).unwrap_or(match head.status {
            300..=399 => Meaning::Refused(&refusal::REDIRECTED),
            // Without a readable reason it may be a proxy that refuses, and no credential is at fault.
            401 if body.error.is_some() || !codes.is_empty() => Meaning::Refused(client_refused(kind)),
            _ => Meaning::Refused(&refusal::UNKNOWN),
        });
        match meaning {
            Meaning::Passing => Fault::from(busy(RunErrorCode::ProviderUnavailable, head, &name)),
            Meaning::Settling(refusal) => Fault::from(explain(refusal, &name)).but(Again::Unwatched),
            Meaning::Refused(refusal) => Fault::from(explain(refusal, &name)).but(Again::Never),
        }
    };
    fault.with_request_id(request_id)
}

/// A 200 of the token endpoint without a usable token.
pub(crate) fn token_fault(fault: BodyFault) -> Fault {
    let message = match fault {
        BodyFault::NotJson => "The login service's answer is not JSON or is incomplete.",
        BodyFault::NotAsked | BodyFault::Concealed => "The login service's answer holds no usable token.",
    };
    let again = if fault == BodyFault::NotJson { Again::Twice } else { Again::Never };
    Fault::from(protocol(message, FOREIGN_LOGIN)).but(again)
}

/// The readable ones of `error_codes`, else the number that the description starts with.
fn aadsts_codes(body: &Body<'_>) -> Vec<u32> {
    let listed = body.error_codes.iter().flatten();
    let listed: Vec<u32> = listed.filter_map(|code| code.get().trim_matches('"').parse().ok()).collect();
    if !listed.is_empty() {
        return listed;
    }
    let description = body.error_description.as_ref().map_or("", Text::as_str);
    let Some((_, rest)) = description.split_once("AADSTS") else { return Vec::new() };
    let digits = rest.find(|c: char| !c.is_ascii_digit()).map_or(rest, |end| &rest[..end]);
    digits.parse().into_iter().collect()
}

fn busy(code: RunErrorCode, head: &AnswerHead, name: &str) -> ProviderError {
    let message = if code == RunErrorCode::Throttled {
        format!("Microsoft's login service asks for fewer requests ({name}).")
    } else {
        format!("Microsoft's login service is not available ({name}).")
    };
    transient(code, &message, head.retry_after)
}

fn explain(refusal: &Refusal, name: &str) -> ProviderError {
    let message = format!("{} ({name}).", refusal.message);
    match refusal.code {
        RunErrorCode::ProviderProtocol => protocol(&message, refusal.hint),
        RunErrorCode::Internal => operators(&message, refusal.hint),
        code => configuration(code, &message, refusal.hint),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use directory_core::FailureKind;
    use rstest::rstest;

    use super::*;

    const SECRET: CredentialKind = CredentialKind::ClientSecret;

    fn head(status: u16) -> AnswerHead {
        AnswerHead { status, retry_after: None, request_id: Some("from-header".to_owned()) }
    }

    fn refusal(status: u16, error: &str, code: u32) -> ProviderError {
        refusal_of(SECRET, status, error, code).error
    }

    fn refusal_of(kind: CredentialKind, status: u16, error: &str, code: u32) -> Fault {
        let body = format!(
            r#"{{"error":"{error}","error_description":"AADSTS{code}: Ada Lovelace's app.\r\nTrace ID: x",
                "error_codes":[{code}],"trace_id":"trace-1","correlation_id":"c"}}"#
        );
        login_fault(kind, &head(status), body.as_bytes())
    }

    #[rstest]
    #[case(401, "invalid_client", 7_000_215, RunErrorCode::CredentialInvalid, "Value, not its Secret ID")]
    #[case(401, "invalid_client", 7_000_222, RunErrorCode::CredentialExpired, "new client secret")]
    #[case(401, "invalid_client", 700_027, RunErrorCode::CredentialInvalid, "client ID")]
    #[case(400, "invalid_client", 7_000_216, RunErrorCode::CredentialInvalid, "client ID")]
    #[case(401, "strange", 1, RunErrorCode::CredentialInvalid, "client ID")]
    #[case(400, "unauthorized_client", 700_016, RunErrorCode::AppNotFound, "client ID")]
    #[case(400, "unauthorized_client", 1, RunErrorCode::AppNotFound, "client ID")]
    #[case(400, "invalid_request", 700_011, RunErrorCode::AppNotFound, "consent")]
    #[case(400, "invalid_request", 70_001, RunErrorCode::AppNotFound, "consent")]
    #[case(400, "invalid_request", 90_002, RunErrorCode::DirectoryNotFound, "cloud")]
    #[case(400, "invalid_tenant", 1, RunErrorCode::DirectoryNotFound, "directory ID")]
    #[case(400, "invalid_request", 900_023, RunErrorCode::DirectoryNotFound, "directory ID")]
    #[case(400, "invalid_request", 90_038, RunErrorCode::DirectoryNotFound, "cloud")]
    #[case(400, "invalid_request", 900_382, RunErrorCode::DirectoryNotFound, "cloud")]
    #[case(400, "invalid_resource", 500_011, RunErrorCode::PermissionMissing, "User.Read.All")]
    #[case(400, "interaction_required", 53_003, RunErrorCode::PermissionMissing, "Conditional Access")]
    #[case(401, "access_denied", 530_032, RunErrorCode::PermissionMissing, "Conditional Access")]
    fn configuration_errors(
        #[case] status: u16,
        #[case] error: &str,
        #[case] code: u32,
        #[case] expected: RunErrorCode,
        #[case] hint: &str,
    ) {
        let read = refusal(status, error, code);
        assert_eq!((read.code, read.kind), (expected, FailureKind::Configuration));
        assert!(read.message.contains(&format!("AADSTS{code}")), "{read:?}");
        assert!(read.hint.contains(hint), "{read:?}");
        assert_eq!(read.request_id.as_deref(), Some("trace-1"));
        assert!(!format!("{read:?}").contains("Ada"), "quotes the server: {read:?}");
    }

    #[rstest]
    #[case::wrong(
        CredentialKind::Certificate,
        "invalid_client",
        700_027,
        RunErrorCode::CredentialInvalid,
        "certificate"
    )]
    #[case::time(CredentialKind::Certificate, "invalid_client", 700_024, RunErrorCode::Internal, "clock")]
    #[case::any(CredentialKind::Certificate, "invalid_client", 1, RunErrorCode::CredentialInvalid, "certificate")]
    #[case::odd(CredentialKind::Certificate, "strange", 1, RunErrorCode::CredentialInvalid, "certificate")]
    #[case::ended(CredentialKind::FederatedToken, "invalid_client", 700_024, RunErrorCode::Internal, "renew")]
    #[case::untrusted(
        CredentialKind::FederatedToken,
        "invalid_client",
        50_012,
        RunErrorCode::CredentialInvalid,
        "issuer"
    )]
    #[case::any_token(CredentialKind::FederatedToken, "invalid_client", 1, RunErrorCode::CredentialInvalid, "subject")]
    #[case::app(CredentialKind::Certificate, "unauthorized_client", 700_016, RunErrorCode::AppNotFound, "client ID")]
    fn hints_speak_of_the_credential_in_use(
        #[case] kind: CredentialKind,
        #[case] error: &str,
        #[case] code: u32,
        #[case] expected: RunErrorCode,
        #[case] hint: &str,
    ) {
        let Fault { error, again } = refusal_of(kind, 401, error, code);
        let operators = FailureKind::Transient { retry_after: None };
        let kind = if expected == RunErrorCode::Internal { operators } else { FailureKind::Configuration };
        assert_eq!((error.code, error.kind, again), (expected, kind, Again::Never));
        assert!(error.message.contains(&format!("AADSTS{code}")) && error.hint.contains(hint), "{error:?}");
        assert!(!format!("{error:?}").contains("secret "), "there is none: {error:?}");
    }

    #[rstest]
    #[case(400, "invalid_request", 70_021)]
    #[case(401, "invalid_client", 700_213)]
    fn a_federated_credential_may_not_be_known_everywhere_yet(
        #[case] status: u16,
        #[case] error: &str,
        #[case] code: u32,
    ) {
        let Fault { error, again } = refusal_of(CredentialKind::FederatedToken, status, error, code);
        assert_eq!((error.code, error.kind), (RunErrorCode::CredentialInvalid, FailureKind::Configuration));
        assert_eq!(again, Again::Unwatched);
        assert!(error.hint.contains("minutes"), "{error:?}");
    }

    #[rstest]
    #[case(400, "invalid_scope", 1_002_012)]
    #[case(400, "invalid_scope", 70_011)]
    #[case(400, "invalid_request", 1)]
    #[case(404, "nothing", 1)]
    fn protocol_errors(#[case] status: u16, #[case] error: &str, #[case] code: u32) {
        let read = refusal(status, error, code);
        assert_eq!((read.code, read.kind), (RunErrorCode::ProviderProtocol, FailureKind::Protocol));
        assert!(read.message.contains(&format!("AADSTS{code}")), "{read:?}");
    }

    #[rstest]
    #[case(400, "invalid_request", 90_006, RunErrorCode::ProviderUnavailable)]
    #[case(400, "invalid_request", 90_012, RunErrorCode::ProviderUnavailable)]
    #[case(400, "invalid_request", 90_024, RunErrorCode::ProviderUnavailable)]
    #[case(400, "invalid_request", 90_033, RunErrorCode::ProviderUnavailable)]
    #[case(400, "invalid_request", 90_055, RunErrorCode::ProviderUnavailable)]
    #[case(400, "invalid_request", 90_090, RunErrorCode::ProviderUnavailable)]
    #[case(400, "invalid_grant", 50_196, RunErrorCode::ProviderUnavailable)]
    #[case(400, "temporarily_unavailable", 1, RunErrorCode::ProviderUnavailable)]
    #[case(503, "invalid_client", 7_000_215, RunErrorCode::ProviderUnavailable)]
    #[case(429, "invalid_request", 90_055, RunErrorCode::Throttled)]
    fn transient_errors(#[case] status: u16, #[case] error: &str, #[case] code: u32, #[case] expected: RunErrorCode) {
        let read = refusal(status, error, code);
        assert_eq!((read.code, read.kind), (expected, FailureKind::Transient { retry_after: None }));
    }

    #[test]
    fn plain_text_throttling() {
        let head = AnswerHead { retry_after: Some(Duration::from_mins(1)), ..head(429) };
        let fault = login_fault(SECRET, &head, b"Too Many Requests");
        assert_eq!(fault.again, Again::Later);
        assert_eq!(fault.error.code, RunErrorCode::Throttled);
        assert_eq!(fault.error.kind, FailureKind::Transient { retry_after: Some(Duration::from_mins(1)) });
        assert_eq!(fault.error.request_id.as_deref(), Some("from-header"));
    }

    #[test]
    fn a_refusal_without_a_reason_blames_no_credential() {
        for body in ["", "<html>Proxy</html>", "{}"] {
            let error = login_fault(SECRET, &head(401), body.as_bytes()).error;
            assert_eq!((error.kind, error.code), (FailureKind::Protocol, RunErrorCode::ProviderProtocol), "{body}");
        }
    }

    #[test]
    fn the_description_names_the_code_where_the_list_does_not() {
        let body = br#"{"error":"invalid_client","error_description":"AADSTS7000222: The provided client secret"}"#;
        let error = login_fault(SECRET, &head(401), body).error;
        assert_eq!(error.code, RunErrorCode::CredentialExpired);
        assert!(error.message.contains("AADSTS7000222"));
    }

    #[rstest]
    #[case(r#""error":"invalid_client","error_codes":null"#, RunErrorCode::CredentialInvalid, "invalid_client")]
    #[case(r#""error":"invalid_client","error_codes":7"#, RunErrorCode::CredentialInvalid, "invalid_client")]
    #[case(r#""error":"invalid_client","error_codes":[{},"x"]"#, RunErrorCode::CredentialInvalid, "invalid_client")]
    #[case(r#""error":"x","error_codes":[null,-1,7000222,{}]"#, RunErrorCode::CredentialExpired, "AADSTS7000222")]
    #[case(r#""error":"x","error_codes":["7000222",1.5]"#, RunErrorCode::CredentialExpired, "AADSTS7000222")]
    #[case(r#""error":{},"error_codes":[7000222]"#, RunErrorCode::CredentialExpired, "AADSTS7000222")]
    #[case(
        r#""error_codes":[null],"error_description":"AADSTS7000222: …""#,
        RunErrorCode::CredentialExpired,
        "AADSTS7000222"
    )]
    fn an_odd_member_hides_no_other(#[case] members: &str, #[case] code: RunErrorCode, #[case] named: &str) {
        let error = login_fault(SECRET, &head(400), format!(r#"{{{members},"trace_id":"trace-1"}}"#).as_bytes()).error;
        assert_eq!((error.code, error.kind), (code, FailureKind::Configuration));
        assert!(error.message.contains(&format!("({named})")), "{error:?}");
        assert_eq!(error.request_id.as_deref(), Some("trace-1"));
    }

    #[test]
    fn a_redirect_is_a_protocol_error() {
        let error = login_fault(SECRET, &head(302), b"<html>").error;
        assert_eq!((error.code, error.kind), (RunErrorCode::ProviderProtocol, FailureKind::Protocol));
        assert!(error.message.contains("redirect"));
    }
}
