//! Objects of crates that know nothing of OpenAPI, as they look in an answer. `examples` shows real ones, and a test holds
//! them against these.
#![expect(dead_code, reason = "only their schemas are used")]

use std::borrow::Cow;

use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, Type, schema::AdditionalProperties},
};
use uuid::Uuid;

use super::words::{
    DeactivatedByWord, EmailAttributeWord, EventWord, ProblemCodeWord, RunModeWord, RunStatusWord, TriggerWord,
    UserStatusWord,
};
use crate::model::{FieldError, HoldView, RunErrorView};

/// The rules of a connection.
#[derive(ToSchema)]
#[schema(as = Policy, rename_all = "camelCase")]
#[expect(clippy::struct_excessive_bools, reason = "independent switches, named in the interface")]
pub(crate) struct PolicyShape {
    /// Deactivate users that are absent from a complete listing.
    deactivate_missing: bool,
    /// Take guests in.
    include_guests: bool,
    /// Take disabled accounts in, as inactive users. A linked user whose account is disabled is deactivated either way.
    include_disabled: bool,
    /// With a group: follow the groups inside it.
    include_nested_groups: bool,
    /// Which attribute is the e-mail address.
    email_attribute: EmailAttributeWord,
    /// Link a directory user to the unlinked local user with the same e-mail address.
    adopt_by_email: bool,
    /// Where set, only addresses of these domains are adopted.
    #[schema(required)]
    adopt_domains: Option<Vec<String>>,
    /// The last active user of each of these roles is never deactivated.
    protected_roles: Vec<String>,
    /// More than this is held for review.
    max_deactivations: MaxDeactivationsShape,
}

/// A plan is held when it passes both limits.
#[derive(ToSchema)]
#[schema(as = MaxDeactivations)]
pub(crate) struct MaxDeactivationsShape {
    /// Per cent of the connection's active linked users.
    #[schema(maximum = 100)]
    percent: u8,
    /// A number of users.
    #[schema(value_type = u64, maximum = 4_294_967_295_u64)]
    count: u32,
}

/// The position of a change in its run's plan: its `seq`.
pub(crate) enum PositionNumber {}

impl PartialSchema for PositionNumber {
    fn schema() -> RefOr<Schema> {
        let description = Some("The position of a change in its run's plan: its `seq`.");
        let number = ObjectBuilder::new().schema_type(Type::Integer).description(description);
        number.minimum(Some(1)).maximum(Some(u32::MAX)).into()
    }
}

impl ToSchema for PositionNumber {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Position")
    }
}

/// Members of the subject of an entry of the audit log: those of a connection, a run and so on, as far as they changed.
pub(crate) enum MembersShape {}

impl PartialSchema for MembersShape {
    fn schema() -> RefOr<Schema> {
        let description = Some("Members of what was changed, as far as they changed.");
        let object = ObjectBuilder::new().schema_type(Type::Object).description(description);
        object.additional_properties(Some(AdditionalProperties::FreeForm(true))).into()
    }
}

impl ToSchema for MembersShape {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Members")
    }
}

/// Users by what happened to them. A user can count twice where two things happened: linked and deactivated, say.
#[derive(ToSchema)]
#[schema(as = Counts)]
pub(crate) struct CountsShape {
    /// Distinct users in the listing.
    seen: u64,
    /// New users.
    created: u64,
    /// Users whose attributes changed and nothing else.
    updated: u64,
    /// Local users tied to a directory user.
    linked: u64,
    /// Users that became inactive.
    deactivated: u64,
    /// Users that became active again.
    reactivated: u64,
    /// Users that were already as the directory says.
    unchanged: u64,
    /// Users that the policy's filters left out.
    excluded: u64,
    /// Users that were left alone on purpose.
    protected: u64,
    /// Users that need a person's decision.
    conflicts: u64,
}

/// Some attributes of a user: what is not part of the change is left out, and null is "empty".
#[derive(ToSchema)]
#[schema(as = Values, rename_all = "camelCase")]
pub(crate) struct ValuesShape {
    /// E-mail address.
    #[schema(required = false)]
    email: String,
    /// Name to show.
    #[schema(required = false)]
    display_name: String,
    /// First name.
    given_name: Option<String>,
    /// Last name.
    family_name: Option<String>,
    /// Role; set on creation only.
    #[schema(required = false)]
    role: String,
    /// Active or inactive.
    #[schema(required = false)]
    status: UserStatusWord,
    /// Who deactivated the user.
    deactivated_by: Option<DeactivatedByWord>,
    /// The user's id in the connection's directory.
    external_id: Option<String>,
}

/// Why a plan is held: a code and the numbers that belong to it.
#[derive(ToSchema)]
#[schema(as = HoldCause)]
#[serde(tag = "code", rename_all = "snake_case")]
pub(crate) enum HoldReasonShape {
    /// More deactivations than the policy allows.
    TooManyDeactivations {
        /// How many the plan has.
        deactivations: u64,
        /// Active users that the connection governs.
        active: u64,
        /// The policy's limits.
        limit: MaxDeactivationsShape,
    },
    /// Nobody would be left active.
    AllDeactivated {
        /// How many the plan has, which is everybody.
        deactivations: u64,
    },
    /// The connection took up the users of one with another scope, and no run has been applied since.
    NewScope {
        /// How many the plan has.
        deactivations: u64,
    },
}

/// An event of a run's stream. (OpenAPI 3.1 says of a stream what one of its events is.)
#[derive(ToSchema)]
#[schema(as = RunEvent)]
pub(crate) struct RunEventShape {
    /// Stands for the run as it then is; send it as `last-event-id` to hear only what is new.
    id: String,
    /// `done` is the last one.
    event: EventWord,
    /// The run, as JSON in one line.
    #[schema(content_media_type = "application/json")]
    data: String,
}

/// What there is to tell of an event: of a user, of a run, or of a quarantine.
#[derive(ToSchema)]
#[schema(as = EventData)]
#[serde(untagged)]
pub(crate) enum EventDataShape {
    User(ChangedUserShape),
    Run(ToldRunShape),
    Quarantine(QuarantineShape),
}

/// A user that changed. Two users can have one address for a moment, between the events of one run.
#[derive(ToSchema)]
#[schema(as = ChangedUser, rename_all = "camelCase")]
pub(crate) struct ChangedUserShape {
    /// The user.
    user_id: Uuid,
    /// The directory user that it is, or was until now, linked to.
    #[schema(required)]
    external_id: Option<String>,
    /// The address that it has from here on.
    #[schema(required)]
    email: Option<String>,
    /// The status that it has from here on; null where it is what it was.
    #[schema(required)]
    status: Option<UserStatusWord>,
    /// The changed attributes' old values; null where there are none, as for a new user.
    #[schema(required)]
    before: Option<ValuesShape>,
    /// Their new values.
    #[schema(required)]
    after: Option<ValuesShape>,
}

/// A run that ended, or is held, as it was then.
#[derive(ToSchema)]
#[schema(as = ToldRun, rename_all = "camelCase")]
pub(crate) struct ToldRunShape {
    /// How it ended, or `held`.
    status: RunStatusWord,
    mode: RunModeWord,
    trigger: TriggerWord,
    /// It was to change nothing.
    dry_run: bool,
    counts: CountsShape,
    /// Why the run is, or was, held.
    #[schema(required)]
    hold: Option<HoldView>,
    /// Why the run failed.
    #[schema(required)]
    error: Option<RunErrorView>,
}

/// A connection that has to be mended.
#[derive(ToSchema)]
#[schema(as = Quarantine)]
pub(crate) struct QuarantineShape {
    /// What to do.
    #[schema(required)]
    reason: Option<String>,
}

/// Why a request was not served (RFC 9457).
#[derive(ToSchema)]
#[schema(as = Problem, rename_all = "camelCase")]
pub(crate) struct ProblemShape {
    /// `urn:problem-type:directory:` and the code.
    #[schema(rename = "type", format = "uri")]
    kind: String,
    /// What kind of problem it is, for people.
    title: String,
    /// The response's status.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// What happened, and the next step. Says nothing about the cause of a 500; the log does.
    detail: String,
    /// What kind of problem it is, for programs.
    code: ProblemCodeWord,
    /// The `x-request-id` of the response.
    request_id: String,
    /// Of bad input: each wrong part.
    #[schema(required = false)]
    errors: Vec<FieldError>,
    /// Of `run_active`: the run.
    #[schema(required = false)]
    active_run_id: Uuid,
    /// Of `directory_user_linked`: the user here who is that directory user.
    #[schema(required = false)]
    user_id: Uuid,
}
