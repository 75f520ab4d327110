//! Refusals of a client assertion: one that a certificate signed, or another identity provider's token.

use directory_core::{CredentialKind, RunErrorCode};

use super::refusal::{
    CLIENT_REFUSED,
    Meaning::{self, Refused, Settling},
    Refusal,
};

static CERTIFICATE_REFUSED: Refusal = Refusal {
    code: RunErrorCode::CredentialInvalid,
    message: "Entra does not accept the certificate",
    hint: "Check the client ID, and that the certificate is listed under Certificates & secrets of that app registration \
           and valid there. If it is not, upload it, without its key.",
};
static CLOCK_WRONG: Refusal = Refusal {
    code: RunErrorCode::Internal,
    message: "Entra does not accept the time at which the certificate's assertion was signed",
    hint: "Let the server's operator check its clock: it may differ from the true time by a few minutes at most.",
};
static TOKEN_REFUSED: Refusal = Refusal {
    code: RunErrorCode::CredentialInvalid,
    message: "Entra does not accept the federated token",
    hint: "Check the client ID, and that a federated credential under Certificates & secrets of that app registration has \
           the token's issuer, subject and audience (api://AzureADTokenExchange). Entra must be able to read the issuer's \
           keys.",
};
static TOKEN_EXPIRED: Refusal = Refusal {
    code: RunErrorCode::Internal,
    message: "The federated token has expired",
    hint: "Let the server's operator check that whatever writes DIRECTORY_FEDERATED_TOKEN_FILE still renews the token, and \
           that the server's clock is right.",
};
static TOKEN_UNMATCHED: Refusal = Refusal {
    code: RunErrorCode::CredentialInvalid,
    message: "No federated credential of the application matches the federated token",
    hint: "Give the app registration a federated credential (Certificates & secrets) with exactly the token's issuer, \
           subject and audience; upper and lower case count. A new one takes some minutes to be known everywhere.",
};

/// What a refusal without a number that tells more comes down to.
pub(super) fn client_refused(kind: CredentialKind) -> &'static Refusal {
    match kind {
        CredentialKind::ClientSecret => &CLIENT_REFUSED,
        CredentialKind::Certificate => &CERTIFICATE_REFUSED,
        CredentialKind::FederatedToken => &TOKEN_REFUSED,
    }
}

pub(super) fn meaning_of_assertion_code(code: u32, kind: CredentialKind) -> Option<Meaning> {
    use CredentialKind::{Certificate, FederatedToken};
    Some(match (kind, code) {
        (Certificate, 700_024) => Refused(&CLOCK_WRONG),
        (FederatedToken, 700_024) => Refused(&TOKEN_EXPIRED),
        // 70021 has since been split by what does not match: 700211 to 700213 are issuer, audience and subject, and some
        // have a further digit for the reason (observed: 7002131, 7002137, 7002138).
        (FederatedToken, 70_021 | 700_211..=700_213 | 7_002_110..=7_002_139) => Settling(&TOKEN_UNMATCHED),
        (Certificate | FederatedToken, 700_027 | 50_012 | 700_030 | 70_021) => Refused(client_refused(kind)),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::{super::refusal::tests::reads_well, *};

    #[rstest]
    #[case(CredentialKind::Certificate, &[700_027, 50_012, 700_030, 70_021], Some(Refused(&CERTIFICATE_REFUSED)))]
    #[case(CredentialKind::Certificate, &[700_024], Some(Refused(&CLOCK_WRONG)))]
    #[case(CredentialKind::FederatedToken, &[700_027, 50_012, 700_030], Some(Refused(&TOKEN_REFUSED)))]
    #[case(CredentialKind::FederatedToken, &[700_024], Some(Refused(&TOKEN_EXPIRED)))]
    #[case(
        CredentialKind::FederatedToken,
        &[70_021, 700_211, 700_212, 700_213, 7_002_131, 7_002_138],
        Some(Settling(&TOKEN_UNMATCHED))
    )]
    #[case(CredentialKind::ClientSecret, &[700_024, 700_027, 50_012, 700_030, 70_021, 700_213], None)]
    fn numbers(#[case] kind: CredentialKind, #[case] codes: &[u32], #[case] meaning: Option<Meaning>) {
        for &code in codes {
            assert_eq!(meaning_of_assertion_code(code, kind), meaning, "AADSTS{code}");
        }
    }

    #[rstest]
    #[case(&CERTIFICATE_REFUSED)]
    #[case(&CLOCK_WRONG)]
    #[case(&TOKEN_REFUSED)]
    #[case(&TOKEN_EXPIRED)]
    #[case(&TOKEN_UNMATCHED)]
    fn each_row_reads_well(#[case] refusal: &Refusal) {
        reads_well(refusal);
        assert!(!refusal.hint.contains("client secret"), "there is none");
    }
}
