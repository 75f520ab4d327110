//! The exit codes, and the errors that stand for one.

use std::process::ExitCode;

use store::RunStatus;
use thiserror::Error;

/// How a command ended. The numbers are a contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// It did what it was asked.
    Done = 0,
    /// It could not.
    Failed = 1,
    /// It was asked wrongly, or its settings are wrong.
    BadUsage = 2,
    /// The run waits for a person.
    Held = 3,
    /// The run, or the rotation of keys, completed with conflicts or errors.
    Incomplete = 4,
}

/// The command cannot be meant like this; other arguments are needed.
#[derive(Debug, Error)]
#[error("{0}")]
pub(crate) struct BadUsage(pub(crate) String);

impl Exit {
    /// How a command that failed with this error ends.
    pub(crate) fn of_error(error: &anyhow::Error) -> Self {
        let usage = error.chain().any(<dyn std::error::Error>::is::<BadUsage>);
        // Wiring's code for bad settings is this program's for bad usage.
        if usage || directory_wiring::exit_code_of(error) == Self::BadUsage as u8 {
            Self::BadUsage
        } else {
            Self::Failed
        }
    }

    /// How a sync ends whose run stands so when there is nothing more to wait for.
    pub(crate) fn of_run(status: RunStatus) -> Self {
        match status {
            RunStatus::Succeeded | RunStatus::Planned => Self::Done,
            RunStatus::Held => Self::Held,
            RunStatus::CompletedWithErrors => Self::Incomplete,
            RunStatus::Queued
            | RunStatus::Running
            | RunStatus::Failed
            | RunStatus::Cancelled
            | RunStatus::Rejected
            | RunStatus::Superseded => Self::Failed,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

#[cfg(test)]
mod tests {
    use directory_wiring::SettingsError;

    use super::*;

    #[test]
    fn usage_and_settings_are_2_and_the_rest_is_1() {
        let usage = anyhow::Error::from(BadUsage("no".to_owned())).context("outer");
        assert_eq!(Exit::of_error(&usage), Exit::BadUsage);
        assert_eq!(Exit::of_error(&SettingsError::NoKey.into()), Exit::BadUsage);
        assert_eq!(Exit::of_error(&anyhow::anyhow!("no")), Exit::Failed);
    }

    #[test]
    fn the_codes_of_runs_are_those_of_the_interface() {
        for (status, code) in [
            (RunStatus::Succeeded, 0),
            (RunStatus::Planned, 0),
            (RunStatus::Failed, 1),
            (RunStatus::Cancelled, 1),
            (RunStatus::Held, 3),
            (RunStatus::CompletedWithErrors, 4),
        ] {
            assert_eq!(Exit::of_run(status) as u8, code, "{status:?}");
        }
    }
}
