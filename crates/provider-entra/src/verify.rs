//! The connection test: everything that a listing needs, tried once.

use directory_core::{Check, CheckOutcome, CheckSubject, ProviderError, RunErrorCode};

use crate::{
    client::GraphClient,
    page::{parse_object, parse_page},
    request::GraphRequest,
    retry::Patience,
    roles::{Permission, READ_MEMBERS, READ_USERS, Roles},
};

/// What Graph answered to each read; what was not asked is unknown.
struct Reads {
    users: CheckOutcome,
    group: Option<GroupReads>,
}

struct GroupReads {
    group: CheckOutcome,
    members: CheckOutcome,
}

/// One token, one user, and with a group the group and one of its members: four requests at most, unless one is repeated
/// or refused. All of it together keeps to the budget of a verification.
pub(crate) async fn verify(client: &GraphClient) -> Vec<Check> {
    let mut patience = Patience::for_verification(client.bounds());
    let (token, roles) = match client.token(&mut patience).await {
        Ok(token) => (CheckOutcome::Passed, Roles::of(&token)),
        Err(error) => (CheckOutcome::Failed(error), Roles::default()),
    };
    let reads = read(client, matches!(token, CheckOutcome::Passed), &mut patience).await;
    report(token, &roles, reads)
}

async fn read(client: &GraphClient, has_token: bool, patience: &mut Patience<'_>) -> Reads {
    let target = client.target();
    let users =
        if has_token { outcome(client.read(&target.user_probe(), parse_page, patience).await) } else { UNKNOWN };
    let (Some(group), Some(member)) = (target.group_probe(), target.member_probe()) else {
        return Reads { users, group: None };
    };
    // Who lacks one permission may lack the other: both are told at once. After anything else it would fail the same way.
    let goes_on = matches!(users, CheckOutcome::Passed) || permission_error(&users).is_some();
    let group = if goes_on { read_group(client, &group, &member, patience).await } else { GroupReads::unknown() };
    Reads { users, group: Some(group) }
}

async fn read_group(
    client: &GraphClient,
    group: &GraphRequest,
    member: &GraphRequest,
    patience: &mut Patience<'_>,
) -> GroupReads {
    let group = outcome(client.read(group, parse_object, patience).await);
    let members = match group {
        CheckOutcome::Passed => outcome(client.read(member, parse_page, patience).await),
        CheckOutcome::Failed(_) | CheckOutcome::Unknown => UNKNOWN,
    };
    GroupReads { group, members }
}

fn report(token: CheckOutcome, roles: &Roles, reads: Reads) -> Vec<Check> {
    let Reads { users, group } = reads;
    let mut checks =
        vec![Check { subject: CheckSubject::Token, outcome: token }, permission(&READ_USERS, roles, &users)];
    checks.extend(group.as_ref().map(|reads| permission(&READ_MEMBERS, roles, &reads.group)));
    checks.push(Check { subject: CheckSubject::Users, outcome: users });
    checks.extend(group.map(|reads| Check { subject: CheckSubject::Group, outcome: reads.outcome() }));
    checks
}

/// What the token claims, else what Graph says; where Graph gives what the permission is for, the token may just be one
/// that cannot be read.
fn permission(permission: &Permission, roles: &Roles, read: &CheckOutcome) -> Check {
    let outcome = if roles.include(permission) {
        CheckOutcome::Passed
    } else {
        permission_error(read).map_or(UNKNOWN, |error| CheckOutcome::Failed(error.clone()))
    };
    Check { subject: CheckSubject::Permission(permission.name), outcome }
}

const UNKNOWN: CheckOutcome = CheckOutcome::Unknown;

fn outcome<T>(read: Result<T, ProviderError>) -> CheckOutcome {
    read.map_or_else(CheckOutcome::Failed, |_| CheckOutcome::Passed)
}

fn permission_error(outcome: &CheckOutcome) -> Option<&ProviderError> {
    match outcome {
        CheckOutcome::Failed(error) if error.code == RunErrorCode::PermissionMissing => Some(error),
        _ => None,
    }
}

impl GroupReads {
    fn unknown() -> Self {
        Self { group: UNKNOWN, members: UNKNOWN }
    }

    /// Both reads in one.
    fn outcome(self) -> CheckOutcome {
        if matches!(self.group, CheckOutcome::Passed) { self.members } else { self.group }
    }
}
