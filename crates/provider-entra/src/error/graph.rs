//! Refusals by Graph (protocol reference §5.4).

use directory_core::{FailureKind, ProviderError, RunErrorCode};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Again, AnswerHead, Fault, configuration, error, passing_code, protocol, transient};
use crate::{
    json::{Text, lenient, word},
    page::BodyFault,
    request::Subject,
};

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    error: &'a RawValue,
}

/// One level of an error. The inner one is documented in lower case and sent in camel case.
#[derive(Default, Deserialize)]
struct Level<'a> {
    #[serde(borrow, default, deserialize_with = "lenient")]
    code: Option<Text<'a>>,
    #[serde(borrow, default, rename = "innerError")]
    inner: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "innererror")]
    inner_lower: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "lenient", rename = "request-id")]
    request_id: Option<Text<'a>>,
}

/// The codes of an error from the outermost to the innermost, and the request id in it.
#[derive(Default)]
struct Codes {
    codes: Vec<String>,
    request_id: Option<String>,
}

/// Codes whose meaning does not depend on the status, in lower case.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Known {
    Expired,
    Throttled,
    Passing,
    IdentityUnknown,
    ObjectMissing,
    Other,
}

/// An answer of Graph that is no success.
pub(crate) fn graph_fault(subject: Subject, head: &AnswerHead, body: &[u8]) -> Fault {
    let Codes { codes, request_id } = codes_of(body);
    let known: Vec<(&str, Known)> = codes.iter().filter_map(|code| Some((code.as_str(), known_code(code)?))).collect();
    // The innermost known code is the most specific one that means anything to us.
    let name = known.last().map(|(code, _)| *code).or(codes.first().map(String::as_str));
    let name = name.map_or_else(|| format!("HTTP {}", head.status), str::to_owned);
    let says = |meaning: Known| known.iter().any(|(_, known)| *known == meaning);

    let fault = if head.status == 410 || ((400..500).contains(&head.status) && says(Known::Expired)) {
        Fault::from(expired(&name))
    } else if head.status != 401 && says(Known::Throttled) {
        Fault::from(busy(RunErrorCode::Throttled, head, &name))
    } else if let Some(code) = passing_code(head) {
        Fault::from(busy(code, head, &name))
    } else {
        match head.status {
            401 if codes.is_empty() => Fault::from(unexplained(&name)).but(Again::WithNewToken),
            400..=499 if codes.is_empty() => Fault::from(unexplained(&name)).but(Again::Twice),
            401 if says(Known::IdentityUnknown) => Fault::from(identity_unknown(&name)).but(Again::WithNewToken),
            401 => Fault::from(token_refused(&name)).but(Again::WithNewToken),
            403 => Fault::from(permission_missing(subject, &name)),
            404 if subject != Subject::Users && says(Known::ObjectMissing) => Fault::from(group_not_found(&name)),
            300..=399 => Fault::from(protocol(
                &format!("Microsoft Graph answers with a redirect ({name}), which is not followed."),
                FOREIGN_GRAPH,
            )),
            _ if says(Known::Passing) => Fault::from(busy(RunErrorCode::ProviderUnavailable, head, &name)),
            status => Fault::from(protocol(
                &format!("Microsoft Graph refuses the request (HTTP {status}, {name})."),
                "Check the connection's cloud and the Graph URL if it is set. If both are right, report this with \
                 the request ID.",
            )),
        }
    };
    fault.with_request_id(head.request_id.clone().or(request_id))
}

/// A 200 of Graph that is not what was asked for.
pub(crate) fn page_fault(subject: Subject, fault: BodyFault) -> Fault {
    match fault {
        BodyFault::NotJson => {
            Fault::from(protocol("Microsoft Graph's answer is not JSON or is incomplete.", FOREIGN_GRAPH))
                .but(Again::Twice)
        }
        BodyFault::NotAsked => Fault::from(protocol(
            "Microsoft Graph's answer lacks what was asked for, such as the list of users.",
            FOREIGN_GRAPH,
        )),
        BodyFault::Concealed => {
            let mut error = permission_missing(subject, "User.Read.All is missing");
            "Microsoft Graph conceals the users: of at least one it gives nothing but the ID (User.Read.All is missing)."
                .clone_into(&mut error.message);
            Fault::from(error)
        }
    }
}

const FOREIGN_GRAPH: &str = "Something other than Microsoft Graph seems to answer. Check proxies between this server and \
                             Microsoft, and the Graph URL if it is set. If neither is the cause, report this with the \
                             request ID.";

/// The error for a 403, and for what amounts to one.
fn permission_missing(subject: Subject, name: &str) -> ProviderError {
    let (message, hint) = match subject {
        Subject::Users => (
            "The application may not read the directory's users",
            "Add Microsoft Graph's application permission User.Read.All to the app registration (API permissions) and \
             grant admin consent.",
        ),
        Subject::Group | Subject::Members => (
            "The application may not read the group and its members",
            "Add Microsoft Graph's application permissions GroupMember.Read.All and User.Read.All to the app \
             registration (API permissions) and grant admin consent. A group with hidden membership needs \
             Member.Read.Hidden too.",
        ),
    };
    configuration(RunErrorCode::PermissionMissing, &format!("{message} ({name})."), hint)
}

/// Graph always names a code: without one, a proxy may have refused, and nobody has to change the connection.
fn unexplained(name: &str) -> ProviderError {
    protocol(&format!("The request was refused without Microsoft Graph's explanation ({name})."), FOREIGN_GRAPH)
}

fn expired(name: &str) -> ProviderError {
    error(
        FailureKind::ListingExpired,
        RunErrorCode::ProviderUnavailable,
        &format!("Microsoft Graph lost its place in the listing ({name}); it has to start over."),
        "Nothing has to be changed. If every run ends like this, report it with the request ID.",
    )
}

fn busy(code: RunErrorCode, head: &AnswerHead, name: &str) -> ProviderError {
    let message = if code == RunErrorCode::Throttled {
        format!("Microsoft Graph asks for fewer requests ({name}).")
    } else {
        format!("Microsoft Graph is not available ({name}, HTTP {}).", head.status)
    };
    transient(code, &message, head.retry_after)
}

fn identity_unknown(name: &str) -> ProviderError {
    configuration(
        RunErrorCode::AppNotFound,
        &format!("The application has no identity in the directory ({name})."),
        "Grant admin consent to the application in this directory, and check the directory ID.",
    )
}

fn token_refused(name: &str) -> ProviderError {
    configuration(
        RunErrorCode::CredentialInvalid,
        &format!("Microsoft Graph does not accept the application's token, not even a new one ({name})."),
        "Check that the connection's cloud is the one that the directory is in, and that the application is enabled \
         there and no Conditional Access policy revokes its tokens.",
    )
}

fn group_not_found(name: &str) -> ProviderError {
    configuration(
        RunErrorCode::GroupNotFound,
        &format!("The group does not exist in the directory ({name})."),
        "Check the group ID: it is the Object ID on the group's overview page in Entra. If the group was deleted, \
         choose another one. Nobody was deactivated because of this.",
    )
}

fn codes_of(body: &[u8]) -> Codes {
    let mut read = Codes::default();
    let Ok(Body { error }) = serde_json::from_slice(body) else { return read };
    let mut next = Some(error);
    while let Some(raw) = next {
        // An inner error may be anything, a text for one; what cannot be read says nothing.
        let level: Level<'_> = serde_json::from_str(raw.get()).unwrap_or_default();
        read.codes.extend(level.code.and_then(|code| word(code.as_str())));
        read.request_id = read.request_id.or(level.request_id.and_then(|id| word(id.as_str())));
        next = level.inner.or(level.inner_lower);
    }
    read
}

fn known_code(code: &str) -> Option<Known> {
    Some(match code.to_ascii_lowercase().as_str() {
        "directory_expiredpagetoken"
        | "directorypagetokennotfoundexception"
        | "syncstatenotfound"
        | "resyncrequired" => Known::Expired,
        "toomanyrequests"
        | "activitylimitreached"
        | "throttledrequest"
        | "request_throttledtemporarily"
        | "request_throttledpermanently" => Known::Throttled,
        "servicenotavailable"
        | "service_internalservererror"
        | "directory_replicaunavailable"
        | "directory_concurrencyviolation" => Known::Passing,
        "authorization_identitynotfound" => Known::IdentityUnknown,
        "request_resourcenotfound" | "directory_objectnotfound" => Known::ObjectMissing,
        "authorization_requestdenied"
        | "invalidauthenticationtoken"
        | "authentication_expiredtoken"
        | "authentication_unauthorized"
        | "authentication_missingormalformed"
        | "request_badrequest"
        | "request_unsupportedquery"
        | "notimplemented" => Known::Other,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rstest::rstest;

    use super::*;

    fn head(status: u16) -> AnswerHead {
        AnswerHead { status, retry_after: None, request_id: Some("req-1".to_owned()) }
    }

    fn body(code: &str) -> String {
        format!(r#"{{"error":{{"code":"{code}","message":"ada@example.org","innerError":{{"request-id":"inner"}}}}}}"#)
    }

    fn refusal(subject: Subject, status: u16, code: &str) -> Fault {
        graph_fault(subject, &head(status), body(code).as_bytes())
    }

    #[rstest]
    #[case(Subject::Users, 403, "Authorization_RequestDenied", RunErrorCode::PermissionMissing, "User.Read.All")]
    #[case(
        Subject::Members,
        403,
        "Authorization_RequestDenied",
        RunErrorCode::PermissionMissing,
        "GroupMember.Read.All"
    )]
    #[case(Subject::Members, 403, "Authorization_RequestDenied", RunErrorCode::PermissionMissing, "admin consent")]
    #[case(Subject::Group, 404, "Request_ResourceNotFound", RunErrorCode::GroupNotFound, "group ID")]
    #[case(Subject::Members, 404, "Directory_ObjectNotFound", RunErrorCode::GroupNotFound, "group ID")]
    #[case(Subject::Users, 401, "InvalidAuthenticationToken", RunErrorCode::CredentialInvalid, "cloud")]
    #[case(Subject::Users, 401, "Authorization_IdentityNotFound", RunErrorCode::AppNotFound, "consent")]
    fn configuration_errors(
        #[case] subject: Subject,
        #[case] status: u16,
        #[case] code: &str,
        #[case] expected: RunErrorCode,
        #[case] hint: &str,
    ) {
        let fault = refusal(subject, status, code);
        let error = &fault.error;
        assert_eq!((error.code, error.kind), (expected, FailureKind::Configuration));
        assert!(error.message.contains(code) && error.hint.contains(hint), "{error:?}");
        assert_eq!(error.request_id.as_deref(), Some("req-1"));
        assert_eq!(fault.again == Again::WithNewToken, status == 401);
        assert!(!format!("{error:?}").contains("ada@"), "quotes the server: {error:?}");
    }

    #[rstest]
    #[case(Subject::Users, 400, "Request_BadRequest")]
    #[case(Subject::Members, 400, "Request_UnsupportedQuery")]
    #[case(Subject::Users, 404, "Request_ResourceNotFound")]
    #[case(Subject::Members, 404, "itemNotFound")]
    #[case(Subject::Group, 404, "UnknownError")]
    #[case(Subject::Users, 501, "NotImplemented")]
    #[case(Subject::Users, 302, "Found")]
    #[case(Subject::Users, 204, "None")]
    #[case(Subject::Users, 409, "Conflict")]
    fn protocol_errors(#[case] subject: Subject, #[case] status: u16, #[case] code: &str) {
        let fault = refusal(subject, status, code);
        assert_eq!((fault.error.code, fault.error.kind), (RunErrorCode::ProviderProtocol, FailureKind::Protocol));
        assert_eq!(fault.again, Again::Never);
        assert!(fault.error.message.contains(code), "{fault:?}");
    }

    #[rstest]
    #[case(403, Again::Twice)]
    #[case(404, Again::Twice)]
    #[case(400, Again::Twice)]
    #[case(407, Again::Twice)]
    #[case(401, Again::WithNewToken)]
    fn a_refusal_without_a_code_is_not_graphs(#[case] status: u16, #[case] again: Again) {
        for subject in [Subject::Users, Subject::Group, Subject::Members] {
            for body in ["<html>Denied by the proxy</html>", "", r#"{"error":"denied"}"#, r#"{"error":{"code":null}}"#]
            {
                let fault = graph_fault(subject, &head(status), body.as_bytes());
                assert_eq!((fault.error.kind, fault.again), (FailureKind::Protocol, again), "{subject:?} {body}");
                assert!(fault.error.message.contains(&format!("(HTTP {status})")), "{fault:?}");
            }
        }
    }

    #[rstest]
    #[case(429, "TooManyRequests", RunErrorCode::Throttled)]
    #[case(503, "activityLimitReached", RunErrorCode::Throttled)]
    #[case(403, "Request_ThrottledTemporarily", RunErrorCode::Throttled)]
    #[case(500, "UnknownError", RunErrorCode::ProviderUnavailable)]
    #[case(502, "", RunErrorCode::ProviderUnavailable)]
    #[case(503, "serviceNotAvailable", RunErrorCode::ProviderUnavailable)]
    #[case(504, "UnknownError", RunErrorCode::ProviderUnavailable)]
    #[case(409, "Directory_ConcurrencyViolation", RunErrorCode::ProviderUnavailable)]
    #[case(408, "timeout", RunErrorCode::ProviderUnavailable)]
    fn transient_errors(#[case] status: u16, #[case] code: &str, #[case] expected: RunErrorCode) {
        let fault = refusal(Subject::Users, status, code);
        assert_eq!((fault.error.code, fault.again), (expected, Again::Later));
        assert_eq!(fault.error.kind, FailureKind::Transient { retry_after: None });
    }

    #[test]
    fn a_conflict_with_retry_after_passes() {
        let head = AnswerHead { retry_after: Some(Duration::from_secs(3)), ..head(409) };
        let error = graph_fault(Subject::Users, &head, b"").error;
        assert_eq!(error.kind, FailureKind::Transient { retry_after: Some(Duration::from_secs(3)) });
    }

    #[rstest]
    #[case(400, r#"{"error":{"code":"Directory_ExpiredPageToken","message":""}}"#)]
    #[case(
        400,
        r#"{"error":{"code":"Request_BadRequest","innerError":{"code":"DirectoryPageTokenNotFoundException"}}}"#
    )]
    #[case(404, r#"{"error":{"code":"itemNotFound","innererror":{"x":1,"innerError":{"code":"SyncStateNotFound"}}}}"#)]
    #[case(400, r#"{"error":{"code":"resyncRequired"}}"#)]
    #[case(410, "")]
    fn an_expired_listing(#[case] status: u16, #[case] body: &str) {
        let fault = graph_fault(Subject::Users, &head(status), body.as_bytes());
        assert_eq!((fault.error.kind, fault.again), (FailureKind::ListingExpired, Again::Never));
    }

    #[rstest]
    #[case(
        r#"{"error":{"code":"A","innererror":{"code":"Authorization_RequestDenied","innerError":{"code":"B"}}}}"#,
        "(Authorization_RequestDenied)"
    )]
    #[case(r#"{"error":{"code":"A","innerError":{"code":"B"}}}"#, "(A)")]
    #[case(r#"{"error":{"code":"A","innerError":"text"}}"#, "(A)")]
    #[case(r#"{"error":{"code":"A","request-id":7}}"#, "(A)")]
    #[case(r#"{"error":{"code":"not a word"}}"#, "(HTTP 403)")]
    #[case(r#"{"error":"text"}"#, "(HTTP 403)")]
    #[case("<html>", "(HTTP 403)")]
    #[case("", "(HTTP 403)")]
    fn the_most_specific_known_code_is_named(#[case] body: &str, #[case] named: &str) {
        let error = graph_fault(Subject::Users, &head(403), body.as_bytes()).error;
        assert!(error.message.contains(named), "{error:?}");
    }

    #[test]
    fn the_request_id_may_be_in_the_body_only() {
        let head = AnswerHead { request_id: None, ..head(403) };
        let error = graph_fault(Subject::Users, &head, body("X").as_bytes()).error;
        assert_eq!(error.request_id.as_deref(), Some("inner"));
    }

    #[rstest]
    #[case(BodyFault::NotJson, RunErrorCode::ProviderProtocol, Again::Twice)]
    #[case(BodyFault::NotAsked, RunErrorCode::ProviderProtocol, Again::Never)]
    #[case(BodyFault::Concealed, RunErrorCode::PermissionMissing, Again::Never)]
    fn bad_bodies(#[case] fault: BodyFault, #[case] code: RunErrorCode, #[case] again: Again) {
        let fault = page_fault(Subject::Members, fault);
        assert_eq!((fault.error.code, fault.again), (code, again));
        assert_eq!(fault.error.message.contains("User.Read.All"), code == RunErrorCode::PermissionMissing);
    }
}
