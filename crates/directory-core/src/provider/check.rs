//! What trying a connection finds out.

use crate::ProviderError;

/// Something that reading a directory needs, and whether it is there.
#[derive(Clone, Debug)]
pub struct Check {
    /// What was tried.
    pub subject: CheckSubject,
    /// How it went.
    pub outcome: CheckOutcome,
}

/// What is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckSubject {
    /// The directory gives a token for the credential.
    Token,
    /// The token carries this permission.
    Permission(&'static str),
    /// Users can be read.
    Users,
    /// The chosen group is there and can be read.
    Group,
}

/// How trying it went.
#[derive(Clone, Debug)]
pub enum CheckOutcome {
    /// It is there.
    Passed,
    /// It is not; the hint names what to mend.
    Failed(ProviderError),
    /// Not tried, because something before it failed, or not to be told from outside.
    Unknown,
}

/// The first failure, if there is one.
pub fn first_failure(checks: Vec<Check>) -> Result<(), ProviderError> {
    for check in checks {
        if let CheckOutcome::Failed(error) = check.outcome {
            return Err(error);
        }
    }
    Ok(())
}
