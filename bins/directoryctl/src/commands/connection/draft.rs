//! The flags of scope and policy: what `connection update` saves and `connection preview` tries.

use http_api::model::ConnectionPatch;

use super::policy::PolicyArgs;

/// Scope and policy. What is not said stays as it is.
#[derive(clap::Args)]
pub(super) struct DraftArgs {
    /// Only members of this group are in scope
    #[arg(long, value_name = "GUID", conflicts_with = "whole_directory")]
    group_id: Option<String>,
    /// Everybody in the directory is in scope
    #[arg(long)]
    whole_directory: bool,
    /// Role of the users that the connection creates
    #[arg(long, value_name = "ROLE")]
    default_role: Option<String>,
    #[command(flatten)]
    policy: PolicyArgs,
}

impl DraftArgs {
    pub(super) fn into_patch(self) -> ConnectionPatch {
        ConnectionPatch {
            group_id: value_or_none(self.group_id, self.whole_directory),
            default_role: self.default_role.map(Some),
            policy: self.policy.into_input().map(Some),
            ..ConnectionPatch::default()
        }
    }
}

/// A member that has a flag for its value and one for having none.
#[expect(clippy::option_option, reason = "unsaid, none and a value are three things")]
pub(super) fn value_or_none(value: Option<String>, none: bool) -> Option<Option<String>> {
    if none { Some(None) } else { value.map(Some) }
}
