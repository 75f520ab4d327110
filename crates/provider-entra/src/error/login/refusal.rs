//! What the token endpoint's refusals mean: the numbers, the names, and what an administrator is told.

use directory_core::{CredentialKind, RunErrorCode};

use self::Meaning::{Passing, Refused};
use super::assertion::{client_refused, meaning_of_assertion_code};

/// What a refusal comes down to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// It passes by itself.
    Passing,
    /// It may pass within minutes; if it does not, it is a refusal.
    Settling(&'static Refusal),
    /// It does not.
    Refused(&'static Refusal),
}

/// A refusal, for the administrator.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) code: RunErrorCode,
    /// Without a full stop: the service's own code follows.
    pub(super) message: &'static str,
    pub(super) hint: &'static str,
}

static SECRET_WRONG: Refusal = Refusal {
    code: RunErrorCode::CredentialInvalid,
    message: "Entra does not accept the client secret",
    hint: "Enter the secret's Value, not its Secret ID. Entra shows the Value only once: if it is lost, make a new client \
           secret under Certificates & secrets of the app registration.",
};
static SECRET_EXPIRED: Refusal = Refusal {
    code: RunErrorCode::CredentialExpired,
    message: "The client secret has expired",
    hint: "Make a new client secret under Certificates & secrets of the app registration and enter its Value.",
};
pub(super) static CLIENT_REFUSED: Refusal = Refusal {
    code: RunErrorCode::CredentialInvalid,
    message: "Entra does not accept the client ID and client secret",
    hint: "Check the client ID, and enter the Value of a current client secret of that app registration.",
};
static APP_UNKNOWN: Refusal = Refusal {
    code: RunErrorCode::AppNotFound,
    message: "The directory does not know the application, or it is disabled there",
    hint: "Check the client ID and the directory ID. If both are right, grant admin consent to the application in that \
           directory and see that it is enabled for sign-in.",
};
static DIRECTORY_UNKNOWN: Refusal = Refusal {
    code: RunErrorCode::DirectoryNotFound,
    message: "Entra does not know the directory",
    hint: "Check the directory ID: it is the Directory (tenant) ID of the app registration's overview page. If it is \
           right, the connection's cloud may be the wrong one.",
};
static OTHER_CLOUD: Refusal = Refusal {
    code: RunErrorCode::DirectoryNotFound,
    message: "The directory belongs to another cloud",
    hint: "Set the connection's cloud (global, usGov, usGovDod or china) to the one that the directory is in. The \
           application must be registered in that cloud.",
};
static GRAPH_MISSING: Refusal = Refusal {
    code: RunErrorCode::PermissionMissing,
    message: "Microsoft Graph is not set up for the application in this directory",
    hint: "Add Microsoft Graph's application permissions to the app registration (User.Read.All, and \
           GroupMember.Read.All to limit the scope to a group) and grant admin consent.",
};
static BLOCKED: Refusal = Refusal {
    code: RunErrorCode::PermissionMissing,
    message: "A Conditional Access policy blocks the application",
    hint: "Exclude the application from the Conditional Access policies for workload identities, or allow the address \
           of this server in them.",
};
static SCOPE_REFUSED: Refusal = Refusal {
    code: RunErrorCode::ProviderProtocol,
    message: "Entra does not accept the scope of the token request",
    hint: "Check that the connection's cloud is the one that the directory is in.",
};
pub(super) static REDIRECTED: Refusal = Refusal {
    code: RunErrorCode::ProviderProtocol,
    message: "The login service answers with a redirect, which is not followed",
    hint: FOREIGN_LOGIN,
};
pub(super) static UNKNOWN: Refusal = Refusal {
    code: RunErrorCode::ProviderProtocol,
    message: "The login service refuses the token request",
    hint: "Look the code up in Microsoft's list of AADSTS error codes, and check the directory ID, the client ID and the \
           login URL if it is set.",
};

pub(super) const FOREIGN_LOGIN: &str = "Something other than Microsoft's login service seems to answer. Check proxies \
                                        between this server and Microsoft, and the login URL if it is set.";

pub(super) fn meaning_of_code(code: u32, kind: CredentialKind) -> Option<Meaning> {
    Some(match code {
        90_006 | 90_012 | 90_024 | 90_033 | 90_055 | 90_090 | 50_196 => Passing,
        7_000_215 => Refused(&SECRET_WRONG),
        7_000_222 => Refused(&SECRET_EXPIRED),
        700_016 | 700_011 | 70_001 | 7_000_112 => Refused(&APP_UNKNOWN),
        90_002 | 900_023 => Refused(&DIRECTORY_UNKNOWN),
        90_038 | 900_382 | 900_432 => Refused(&OTHER_CLOUD),
        70_011 | 1_002_012 | 700_022 => Refused(&SCOPE_REFUSED),
        500_011 | 650_052 | 650_056 | 650_057 => Refused(&GRAPH_MISSING),
        53_000..=53_011 | 530_000..=530_099 => Refused(&BLOCKED),
        _ => return meaning_of_assertion_code(code, kind),
    })
}

pub(super) fn meaning_of_error(error: &str, kind: CredentialKind) -> Option<Meaning> {
    Some(match error {
        "temporarily_unavailable" | "server_error" => Passing,
        "invalid_client" => Refused(client_refused(kind)),
        "unauthorized_client" => Refused(&APP_UNKNOWN),
        "invalid_tenant" => Refused(&DIRECTORY_UNKNOWN),
        "invalid_scope" => Refused(&SCOPE_REFUSED),
        "invalid_resource" => Refused(&GRAPH_MISSING),
        "interaction_required" | "access_denied" => Refused(&BLOCKED),
        _ => return None,
    })
}

#[cfg(test)]
pub(super) mod tests {
    use rstest::rstest;

    use super::*;

    const SECRET: CredentialKind = CredentialKind::ClientSecret;

    #[rstest]
    #[case(&[7_000_215], &SECRET_WRONG)]
    #[case(&[7_000_222], &SECRET_EXPIRED)]
    #[case(&[700_016, 700_011, 70_001, 7_000_112], &APP_UNKNOWN)]
    #[case(&[90_002, 900_023], &DIRECTORY_UNKNOWN)]
    #[case(&[90_038, 900_382, 900_432], &OTHER_CLOUD)]
    #[case(&[70_011, 1_002_012, 700_022], &SCOPE_REFUSED)]
    #[case(&[500_011, 650_052, 650_056, 650_057], &GRAPH_MISSING)]
    #[case(&[53_000, 53_003, 53_011, 530_000, 530_032, 530_099], &BLOCKED)]
    fn numbers(#[case] codes: &[u32], #[case] refusal: &'static Refusal) {
        for &code in codes {
            assert_eq!(meaning_of_code(code, SECRET), Some(Refused(refusal)), "AADSTS{code}");
        }
    }

    #[rstest]
    #[case("invalid_client", &CLIENT_REFUSED)]
    #[case("unauthorized_client", &APP_UNKNOWN)]
    #[case("invalid_tenant", &DIRECTORY_UNKNOWN)]
    #[case("invalid_scope", &SCOPE_REFUSED)]
    #[case("invalid_resource", &GRAPH_MISSING)]
    #[case("interaction_required", &BLOCKED)]
    #[case("access_denied", &BLOCKED)]
    fn names(#[case] error: &str, #[case] refusal: &'static Refusal) {
        assert_eq!(meaning_of_error(error, SECRET), Some(Refused(refusal)));
    }

    #[test]
    fn what_passes_and_what_says_nothing() {
        for code in [90_006, 90_012, 90_024, 90_033, 90_055, 90_090, 50_196] {
            assert_eq!(meaning_of_code(code, SECRET), Some(Passing), "AADSTS{code}");
        }
        for error in ["temporarily_unavailable", "server_error"] {
            assert_eq!(meaning_of_error(error, SECRET), Some(Passing), "{error}");
        }
        assert_eq!([1, 52_999, 53_012, 530_100].map(|code| meaning_of_code(code, SECRET)), [None; 4]);
        // Too broad to mean anything without a number.
        assert_eq!(["invalid_request", "", "INVALID_CLIENT"].map(|error| meaning_of_error(error, SECRET)), [None; 3]);
    }

    #[rstest]
    #[case(&SECRET_WRONG)]
    #[case(&SECRET_EXPIRED)]
    #[case(&CLIENT_REFUSED)]
    #[case(&APP_UNKNOWN)]
    #[case(&DIRECTORY_UNKNOWN)]
    #[case(&OTHER_CLOUD)]
    #[case(&GRAPH_MISSING)]
    #[case(&BLOCKED)]
    #[case(&SCOPE_REFUSED)]
    #[case(&REDIRECTED)]
    #[case(&UNKNOWN)]
    fn each_row_reads_well(#[case] refusal: &Refusal) {
        reads_well(refusal);
    }

    pub(in crate::error::login) fn reads_well(Refusal { code, message, hint }: &Refusal) {
        assert!(!message.ends_with('.') && hint.ends_with('.'), "{message} / {hint}");
        assert!(!message.contains("  ") && !hint.contains("  "), "{message} / {hint}");
        let passing = [RunErrorCode::Throttled, RunErrorCode::ProviderUnavailable];
        assert!(!passing.contains(code), "{message}: who waits for this waits for ever");
    }
}
