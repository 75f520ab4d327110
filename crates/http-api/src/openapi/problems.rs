//! What a request may be refused with: each refusal described once, and sets of them for routes to name.

use std::{collections::BTreeMap, time::Duration};

use serde_json::json;
use utoipa::{
    IntoResponses,
    openapi::{
        ContentBuilder, HeaderBuilder, Object, ObjectBuilder, Ref, RefOr, Response, ResponseBuilder, Type,
        example::ExampleBuilder,
    },
};
use uuid::Uuid;

use super::REQUEST_ID;
use crate::{
    model::FieldError,
    problem::{Kind, MEDIA_TYPE, Problem},
    request_id::RequestId,
};

/// `Set = the names of its refusals`.
macro_rules! sets {
    ($($(#[$doc:meta])+ $set:ident = [$($name:literal at $status:literal),+ $(,)?];)+) => {$(
        $(#[$doc])+
        pub(crate) enum $set {}

        impl IntoResponses for $set {
            fn responses() -> BTreeMap<String, RefOr<Response>> {
                [$(($status.to_owned(), Ref::from_response_name($name).into())),+].into()
            }
        }
    )+};
}

sets! {
    /// Whatever needs a token.
    Any = [
        "BadRequest" at "400", "Unauthorized" at "401", "Forbidden" at "403", "TooManyRequests" at "429",
        "InternalError" at "500", "Unavailable" at "503",
    ];
    /// Whatever names something in its path.
    Absent = ["NotFound" at "404"];
    /// Whatever takes a body.
    Body = ["RequestTimeout" at "408", "PayloadTooLarge" at "413", "UnsupportedMediaType" at "415"];
    /// What starts a run.
    Starting = ["RunActive" at "409"];
    /// Approving a run.
    Approving = ["NotApproved" at "409"];
    /// Rejecting a run.
    Rejecting = ["RunNotHeld" at "409"];
    /// Cancelling a run.
    Cancelling = ["RunNotActive" at "409"];
    /// Linking a user.
    NotLinked = ["NotLinked" at "409"];
    /// Reading on from a place that may be too long ago.
    Missed = ["EventsGone" at "410"];
    /// Making a webhook.
    TooMany = ["TooManyWebhooks" at "409"];
    /// The database is not to be used.
    NotReady = ["InternalError" at "500", "Unavailable" at "503"];
}

/// Every refusal by its name in the document.
pub(super) fn components() -> BTreeMap<String, RefOr<Response>> {
    let id = Uuid::from_u128(0x0190_6b3f_5e2a_7c10_9d4e_8f3a_2b1c_0d5e);
    let about = |kind: Kind| Problem::new(kind, detail(kind));
    let all = [
        (
            "BadRequest",
            vec![Problem::bad_input(vec![
                FieldError::new("/displayName", "must be 1 to 200 characters without control characters"),
                FieldError::new("?limit", "`limit` must be 1 to 200"),
            ])],
        ),
        ("Unauthorized", vec![about(Kind::Unauthorized)]),
        ("Forbidden", vec![about(Kind::Forbidden)]),
        ("NotFound", vec![Problem::not_found()]),
        ("RequestTimeout", vec![about(Kind::RequestTimeout)]),
        ("RunActive", vec![Problem::run_active(id.into())]),
        ("NotApproved", vec![about(Kind::RunNotHeld), about(Kind::PlanChanged), Problem::run_active(id.into())]),
        ("RunNotHeld", vec![about(Kind::RunNotHeld)]),
        ("RunNotActive", vec![about(Kind::RunNotActive)]),
        (
            "NotLinked",
            vec![about(Kind::UserLinked), Problem::directory_user_linked(id.into()), about(Kind::UnknownDirectoryUser)],
        ),
        ("EventsGone", vec![Problem::events_gone()]),
        ("TooManyWebhooks", vec![about(Kind::TooManyWebhooks)]),
        ("PayloadTooLarge", vec![about(Kind::PayloadTooLarge)]),
        ("UnsupportedMediaType", vec![about(Kind::UnsupportedMediaType)]),
        ("TooManyRequests", vec![Problem::rate_limited(Duration::from_secs(1))]),
        ("InternalError", vec![Problem::internal("")]),
        ("Unavailable", vec![Problem::unavailable(""), Problem::overloaded(1), Problem::timeout()]),
    ];
    all.into_iter().map(|(name, problems)| (name.to_owned(), response(&problems).into())).collect()
}

/// An example of what is said.
fn detail(kind: Kind) -> &'static str {
    match kind {
        Kind::Unauthorized => "The API token is unknown, revoked or expired.",
        Kind::Forbidden => "The token's role is viewer; this needs the role admin.",
        Kind::RequestTimeout => "The body did not arrive within 30 seconds.",
        Kind::RunNotHeld => {
            "The run's status is `succeeded`. It has ended, so there is nothing left to decide: start a new sync."
        }
        Kind::RunNotActive => "The run's status is `succeeded`. It has ended, so there is nothing left to stop.",
        Kind::PlanChanged => "The run's plan is not the one with this digest.",
        Kind::UserLinked => "The user is linked to another directory user; unlink it first.",
        Kind::UnknownDirectoryUser => {
            "Only a directory user that a run of this connection met as a conflict can be linked."
        }
        Kind::TooManyWebhooks => "The tenant has 20 webhooks, which is as many as it may have. Delete one first.",
        Kind::PayloadTooLarge => "The body must be at most 65536 bytes.",
        Kind::UnsupportedMediaType => "Send the body with `Content-Type: application/json`.",
        other => other.title(),
    }
}

/// One response for problems of one status.
fn response(problems: &[Problem]) -> Response {
    let titles: Vec<_> = problems.iter().map(|problem| problem.kind().title()).collect();
    let id = RequestId::of(Some("01906b3f-5e2a-7c10-9d4e-8f3a2b1c0d5e"));
    let examples = problems.iter().map(|problem| {
        let example = ExampleBuilder::new().summary(problem.kind().title()).value(Some(json!(problem.body(&id))));
        (problem.code(), example)
    });
    let content =
        ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).examples_from_iter(examples).build();
    let mut response = ResponseBuilder::new()
        .description(format!("{}.", titles.join(". Or: ")))
        .content(MEDIA_TYPE, content)
        .header_ref("x-request-id", Ref::new(REQUEST_ID));
    if problems.iter().all(|problem| problem.retry_seconds().is_some()) {
        let seconds = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1)).build();
        response = response.header("retry-after", header(seconds, "The seconds to wait before another try."));
    }
    if problems.iter().any(|problem| problem.kind() == Kind::Unauthorized) {
        let scheme = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(["Bearer"])).build();
        response = response.header("www-authenticate", header(scheme, "What to authenticate with."));
    }
    response.build()
}

fn header(schema: Object, description: &str) -> utoipa::openapi::Header {
    HeaderBuilder::new().schema(Some(schema)).description(Some(description)).build()
}
