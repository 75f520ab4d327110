//! Refusals by the token endpoint (protocol reference §1.4).
//!
//! The status and `error` decide. The AADSTS number refines: Microsoft may change the numbers, and an unknown one must
//! still end in a sensible code.

use directory_core::{ProviderError, RunErrorCode};
use serde::Deserialize;

use super::{Again, AnswerHead, Fault, configuration, passing_code, protocol, transient};
use crate::{
    json::{Text, word},
    page::BodyFault,
};

#[derive(Default, Deserialize)]
struct Body<'a> {
    #[serde(borrow, default)]
    error: Option<Text<'a>>,
    #[serde(borrow, default)]
    error_description: Option<Text<'a>>,
    #[serde(default)]
    error_codes: Vec<u32>,
    #[serde(borrow, default)]
    trace_id: Option<Text<'a>>,
}

/// What a refusal comes down to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meaning {
    Passing,
    SecretWrong,
    SecretExpired,
    ClientRefused,
    AppUnknown,
    DirectoryUnknown,
    OtherCloud,
    ScopeRefused,
    GraphMissing,
    Blocked,
    Redirected,
    Unknown,
}

/// An answer of the token endpoint that is no token.
pub(crate) fn login_fault(head: &AnswerHead, body: &[u8]) -> Fault {
    // Throttling answers in plain text; no body is no reason to fail differently.
    let body: Body<'_> = serde_json::from_slice(body).unwrap_or_default();
    let codes = aadsts_codes(&body);
    let known = codes.iter().find_map(|&code| Some((code, meaning_of_code(code)?)));
    let name = match (known.map(|(code, _)| code).or(codes.first().copied()), &body.error) {
        (Some(code), _) => format!("AADSTS{code}"),
        (None, Some(text)) => word(text.as_str()).unwrap_or_else(|| format!("HTTP {}", head.status)),
        (None, None) => format!("HTTP {}", head.status),
    };
    let request_id = body.trace_id.as_ref().and_then(|id| word(id.as_str())).or_else(|| head.request_id.clone());

    let error = if let Some(code) = passing_code(head) {
        busy(code, head, &name)
    } else {
        let by_name = body.error.as_ref().and_then(|error| meaning_of_error(error.as_str()));
        let meaning = known.map(|(_, meaning)| meaning).or(by_name).unwrap_or(match head.status {
            300..=399 => Meaning::Redirected,
            401 => Meaning::ClientRefused,
            _ => Meaning::Unknown,
        });
        explain(meaning, head, &name)
    };
    Fault::from(error).with_request_id(request_id)
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

const FOREIGN_LOGIN: &str = "Something other than Microsoft's login service seems to answer. Check proxies between this \
                             server and Microsoft, and the login URL if it is set.";

/// `error_codes`, else the number that the description starts with.
fn aadsts_codes(body: &Body<'_>) -> Vec<u32> {
    if !body.error_codes.is_empty() {
        return body.error_codes.clone();
    }
    let description = body.error_description.as_ref().map_or("", Text::as_str);
    let Some((_, rest)) = description.split_once("AADSTS") else { return Vec::new() };
    let digits = rest.find(|c: char| !c.is_ascii_digit()).map_or(rest, |end| &rest[..end]);
    digits.parse().into_iter().collect()
}

fn meaning_of_code(code: u32) -> Option<Meaning> {
    Some(match code {
        90_006 | 90_012 | 90_024 | 90_033 | 90_055 | 90_090 | 50_196 => Meaning::Passing,
        7_000_215 => Meaning::SecretWrong,
        7_000_222 => Meaning::SecretExpired,
        700_016 | 700_011 | 70_001 | 7_000_112 => Meaning::AppUnknown,
        90_002 | 900_023 => Meaning::DirectoryUnknown,
        90_038 | 900_382 | 900_432 => Meaning::OtherCloud,
        70_011 | 1_002_012 | 700_022 => Meaning::ScopeRefused,
        500_011 | 650_052 | 650_056 | 650_057 => Meaning::GraphMissing,
        53_000..=53_011 | 530_000..=530_099 => Meaning::Blocked,
        _ => return None,
    })
}

fn meaning_of_error(error: &str) -> Option<Meaning> {
    Some(match error {
        "temporarily_unavailable" | "server_error" => Meaning::Passing,
        "invalid_client" => Meaning::ClientRefused,
        "unauthorized_client" => Meaning::AppUnknown,
        "invalid_tenant" => Meaning::DirectoryUnknown,
        "invalid_scope" => Meaning::ScopeRefused,
        "invalid_resource" => Meaning::GraphMissing,
        "interaction_required" | "access_denied" => Meaning::Blocked,
        _ => return None,
    })
}

fn busy(code: RunErrorCode, head: &AnswerHead, name: &str) -> ProviderError {
    let message = if code == RunErrorCode::Throttled {
        format!("Microsoft's login service asks for fewer requests ({name}).")
    } else {
        format!("Microsoft's login service is not available ({name}).")
    };
    transient(code, &message, head.retry_after)
}

fn explain(meaning: Meaning, head: &AnswerHead, name: &str) -> ProviderError {
    let (code, message, hint) = match meaning {
        Meaning::Passing => return busy(RunErrorCode::ProviderUnavailable, head, name),
        Meaning::SecretWrong => (
            RunErrorCode::CredentialInvalid,
            "Entra does not accept the client secret",
            "Enter the secret's Value, not its Secret ID. Entra shows the Value only once: if it is lost, make a new \
             client secret under Certificates & secrets of the app registration.",
        ),
        Meaning::SecretExpired => (
            RunErrorCode::CredentialExpired,
            "The client secret has expired",
            "Make a new client secret under Certificates & secrets of the app registration and enter its Value.",
        ),
        Meaning::ClientRefused => (
            RunErrorCode::CredentialInvalid,
            "Entra does not accept the client ID and client secret",
            "Check the client ID, and enter the Value of a current client secret of that app registration.",
        ),
        Meaning::AppUnknown => (
            RunErrorCode::AppNotFound,
            "The directory does not know the application, or it is disabled there",
            "Check the client ID and the directory ID. If both are right, grant admin consent to the application in \
             that directory and see that it is enabled for sign-in.",
        ),
        Meaning::DirectoryUnknown => (
            RunErrorCode::DirectoryNotFound,
            "Entra does not know the directory",
            "Check the directory ID: it is the Directory (tenant) ID of the app registration's overview page. If it is \
             right, the connection's cloud may be the wrong one.",
        ),
        Meaning::OtherCloud => (
            RunErrorCode::DirectoryNotFound,
            "The directory belongs to another cloud",
            "Set the connection's cloud (global, usGov, usGovDod or china) to the one that the directory is in. The \
             application must be registered in that cloud.",
        ),
        Meaning::GraphMissing => (
            RunErrorCode::PermissionMissing,
            "Microsoft Graph is not set up for the application in this directory",
            "Add Microsoft Graph's application permissions to the app registration (User.Read.All, and \
             GroupMember.Read.All to limit the scope to a group) and grant admin consent.",
        ),
        Meaning::Blocked => (
            RunErrorCode::PermissionMissing,
            "A Conditional Access policy blocks the application",
            "Exclude the application from the Conditional Access policies for workload identities, or allow the \
             address of this server in them.",
        ),
        Meaning::ScopeRefused => {
            return protocol(
                &format!("Entra does not accept the scope of the token request ({name})."),
                "Check that the connection's cloud is the one that the directory is in.",
            );
        }
        Meaning::Redirected => {
            return protocol(
                &format!("The login service answers with a redirect ({name}), which is not followed."),
                FOREIGN_LOGIN,
            );
        }
        Meaning::Unknown => {
            return protocol(
                &format!("The login service refuses the token request ({name})."),
                "Look the code up in Microsoft's list of AADSTS error codes, and check the directory ID, the client ID \
             and the login URL if it is set.",
            );
        }
    };
    configuration(code, &format!("{message} ({name})."), hint)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use directory_core::FailureKind;
    use rstest::rstest;

    use super::*;

    fn head(status: u16) -> AnswerHead {
        AnswerHead { status, retry_after: None, request_id: Some("from-header".to_owned()) }
    }

    fn refusal(status: u16, error: &str, code: u32) -> ProviderError {
        let body = format!(
            r#"{{"error":"{error}","error_description":"AADSTS{code}: Ada Lovelace's app.\r\nTrace ID: x",
                "error_codes":[{code}],"trace_id":"trace-1","correlation_id":"c"}}"#
        );
        login_fault(&head(status), body.as_bytes()).error
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
        let fault = login_fault(&head, b"Too Many Requests");
        assert_eq!(fault.again, Again::Later);
        assert_eq!(fault.error.code, RunErrorCode::Throttled);
        assert_eq!(fault.error.kind, FailureKind::Transient { retry_after: Some(Duration::from_mins(1)) });
        assert_eq!(fault.error.request_id.as_deref(), Some("from-header"));
    }

    #[test]
    fn the_description_names_the_code_where_the_list_does_not() {
        let body = br#"{"error":"invalid_client","error_description":"AADSTS7000222: The provided client secret"}"#;
        let error = login_fault(&head(401), body).error;
        assert_eq!(error.code, RunErrorCode::CredentialExpired);
        assert!(error.message.contains("AADSTS7000222"));
    }

    #[test]
    fn a_redirect_is_a_protocol_error() {
        let error = login_fault(&head(302), b"<html>").error;
        assert_eq!((error.code, error.kind), (RunErrorCode::ProviderProtocol, FailureKind::Protocol));
        assert!(error.message.contains("redirect"));
    }
}
