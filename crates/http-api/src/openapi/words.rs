//! Closed sets of words, as schemas. The crates that own the words know nothing of OpenAPI, so each set is listed here once
//! more; the compiler sees to it that none is missing, and the words themselves are those that are really sent.

use std::borrow::Cow;

use directory_core::{
    Action, ChangeCode, CredentialKind, DeactivatedBy, EmailAttribute, ExpiryWarning, RunErrorCode, UserStatus,
};
use serde_json::{Value, json};
use store::{
    ActorKind, AuditAction, ConnectionState, DeliveryState, EventKind, ModeReason, Outcome, RunMode, RunPhase,
    RunStatus, Trigger, WebhookState,
};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, Type},
};

use crate::{model::CLOUDS, problem::Kind};

/// `Marker("Name in the document") = Type as word { every variant }`.
macro_rules! words {
    ($($(#[doc = $doc:literal])+ $marker:ident($name:literal) = $of:ident as $word:expr, { $($variant:ident),+ $(,)? })+) => {$(
        $(#[doc = $doc])+
        pub(crate) enum $marker {}

        impl PartialSchema for $marker {
            fn schema() -> RefOr<Schema> {
                // A variant that is not listed does not compile.
                let word = |variant: $of| match variant {
                    $($of::$variant)|+ => $word(variant),
                };
                schema(concat!($($doc),+), [$($of::$variant),+].map(word))
            }
        }

        impl ToSchema for $marker {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed($name)
            }
        }
    )+};
}

/// The same, of words that are no enum.
macro_rules! literal_words {
    ($($(#[doc = $doc:literal])+ $marker:ident($name:literal) = $words:expr;)+) => {$(
        $(#[doc = $doc])+
        pub(crate) enum $marker {}

        impl PartialSchema for $marker {
            fn schema() -> RefOr<Schema> {
                schema(concat!($($doc),+), $words.map(Value::from))
            }
        }

        impl ToSchema for $marker {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed($name)
            }
        }
    )+};
}

words! {
    /// What a change does.
    ActionWord("Action") = Action as |word| json!(word),
    { Create, Link, Update, Deactivate, Reactivate, Conflict, Protected }

    /// What kind of somebody made a change: the bearer of an API token, a person who signed in, whoever runs the command
    /// line, or the program by itself.
    ActorKindWord("ActorKind") = ActorKind as |word| json!(word), { Token, Person, Operator, System }

    /// What is in the audit log. There may be more one day.
    AuditActionWord("AuditAction") = AuditAction as |word: AuditAction| json!(word.as_str()),
    {
        TenantCreated, TokenCreated, TokenRevoked, ConnectionCreated, ConnectionUpdated, ConnectionDeleted, CredentialSet,
        CredentialResealed, UserIgnored, UserHeeded, UserLinked, UserUnlinked, RunRequested, RunApproved, RunRejected,
        RunCancelled, WebhookCreated, WebhookUpdated, WebhookDeleted, WebhookSecretRotated, WebhookSecretResealed,
        WebhookReplayed,
    }

    /// What happened. There may be more one day.
    EventKindWord("EventType") = EventKind as |word| json!(word),
    {
        UserCreated, UserUpdated, UserDeactivated, UserReactivated, UserLinked, UserUnlinked, RunFinished, RunHeld,
        ConnectionQuarantined,
    }

    /// What became of a change.
    OutcomeWord("Outcome") = Outcome as |word| json!(word), { Planned, Applied, Rejected, Stale, Failed }

    /// What becomes of a message that did not arrive: it is tried again, or was given up.
    DeliveryStateWord("DeliveryState") = DeliveryState as |word| json!(word), { Pending, Dead }

    /// Whether a webhook is sent to.
    WebhookStateWord("WebhookState") = WebhookState as |word| json!(word), { Enabled, Disabled }

    /// Why a change was refused.
    ChangeCodeWord("ChangeCode") = ChangeCode as |word| json!(word),
    {
        NoEmail, EmailTaken, DuplicateEmail, AmbiguousMatch, AdoptionNotAllowed, UnreadableRecord, SuspendedLocally,
        LastOfProtectedRole,
    }

    /// Whether a connection synchronises: `paused` by an administrator, `quarantined` until its configuration is mended.
    ConnectionStateWord("ConnectionState") = ConnectionState as |word| json!(word), { Active, Paused, Quarantined }

    /// What a connection authenticates with.
    CredentialKindWord("CredentialKind") = CredentialKind as |word| json!(word),
    { ClientSecret, Certificate, FederatedToken }

    /// Who deactivated a user: the directory, because the account is disabled or absent, or a person.
    DeactivatedByWord("DeactivatedBy") = DeactivatedBy as |word| json!(word),
    { DirectoryDisabled, DirectoryAbsent, Admin }

    /// Where a user's e-mail address is read from; the other one stands in where it is missing.
    EmailAttributeWord("EmailAttribute") = EmailAttribute as |word| json!(word), { Mail, UserPrincipalName }

    /// Why a run, or a check of a connection, failed.
    RunErrorCodeWord("RunErrorCode") = RunErrorCode as |word| json!(word),
    {
        CredentialInvalid, CredentialExpired, AppNotFound, DirectoryNotFound, PermissionMissing, GroupNotFound, Throttled,
        ProviderUnavailable, ProviderProtocol, StoreUnavailable, Internal,
    }

    /// How a run reads the directory: every user, what changed, or whichever is cheapest and exact.
    RunModeWord("RunMode") = RunMode as |word| json!(word), { Auto, Full, Delta }

    /// Why a run read the directory as it did. `continued`: what changed since an earlier run was enough. Otherwise
    /// everybody was read: because it was asked for, or because there is no earlier run to go on from under the same scope, policy and
    /// links, it is of another scope, it was time for it again, the directory tells no changes from so long ago, it does not tell the changes of
    /// this scope, somebody changed of whom only the whole scope tells whether they are in it, or too many users wait for a
    /// decision.
    ModeReasonWord("ModeReason") = ModeReason as |word| json!(word),
    {
        Requested, NoContinuation, ScopeChanged, ReconcileDue, ContinuationExpired, NotFollowed, ScopeUnclear, ManyOpenCases,
        Continued,
    }

    /// What a running run is doing.
    RunPhaseWord("RunPhase") = RunPhase as |word| json!(word), { Pulling, Planning, Applying }

    /// Where a run stands. Only `queued` and `running` are active; `held` waits for a person's decision.
    RunStatusWord("RunStatus") = RunStatus as |word| json!(word),
    {
        Queued, Running, Held, Planned, Succeeded, CompletedWithErrors, Failed, Cancelled, Rejected, Superseded,
    }

    /// How near the end of a credential is.
    ExpiryWarningWord("ExpiryWarning") = ExpiryWarning as |word| json!(word), { Days30, Days7, Day1, Expired }

    /// What started a run.
    TriggerWord("Trigger") = Trigger as |word| json!(word), { Manual, Schedule }

    /// Whether a user may use the product.
    UserStatusWord("UserStatus") = UserStatus as |word| json!(word), { Active, Inactive }

    /// What kind of problem it is, for programs.
    ProblemCodeWord("ProblemCode") = Kind as |word: Kind| json!(word.code()),
    {
        BadRequest, Unauthorized, Forbidden, NotFound, MethodNotAllowed, RequestTimeout, RunActive, RunNotHeld,
        RunNotActive, PlanChanged, UserLinked, DirectoryUserLinked, UnknownDirectoryUser, EventsGone, TooManyWebhooks, PayloadTooLarge,
        UnsupportedMediaType, RateLimited, Internal, Unavailable, Overloaded, Timeout,
    }
}

literal_words! {
    /// Which cloud of Microsoft the directory is in.
    CloudWord("Cloud") = CLOUDS;

    /// What of a connection was tried.
    CheckWord("CheckSubject") = ["token", "permission", "users", "group"];

    /// What an event of a run's stream tells.
    EventWord("EventKind") = ["progress", "done"];
    /// That it is as it should be.
    OkWord("Ok") = ["ok"];

    /// Whether this process has every key that stored credentials need; `unknown` before it has looked.
    KeysWord("Keys") = ["ok", "missing", "unknown"];

    /// How trying it went; `unknown`: not tried, because something before it failed, or not to be told from outside.
    CheckOutcomeWord("CheckOutcome") = ["passed", "failed", "unknown"];
}

fn schema<const N: usize>(description: &str, words: [Value; N]) -> RefOr<Schema> {
    let word = ObjectBuilder::new().schema_type(Type::String).description(Some(description.trim()));
    word.enum_values(Some(words)).into()
}
