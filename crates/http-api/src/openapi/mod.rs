//! The OpenAPI document. It is made of the handlers' and the models' own annotations, and of what no annotation can say:
//! the schemas of other crates' types, refusals, examples.

mod examples;
mod params;
mod problems;
mod shapes;
#[cfg(test)]
mod tests;
mod text;
mod variants;
mod words;

use std::collections::BTreeMap;

use utoipa::{
    Modify, OpenApi,
    openapi::{
        HeaderBuilder, ObjectBuilder, OpenApi as Document, Ref, RefOr, Required, Schema, Type,
        path::Operation,
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

use crate::routes;
pub(crate) use params::{AuditOf, ChangesOf, DeliveriesOf, EventsOf, LastEvent, Page, UsersOf, Verifying, Waiting};
pub(crate) use problems::{
    Absent, Any, Approving, Body, Cancelling, Missed, NotLinked, NotReady, Rejecting, Starting, TooMany,
};
pub(crate) use shapes::{
    CountsShape, EventDataShape, HoldReasonShape, MembersShape, PolicyShape, PositionNumber, RunEventShape, ValuesShape,
};
pub(crate) use text::{
    ClientSecretText, DescriptionText, DisplayNameText, DomainText, EventIdText, ExternalIdText, GuidText, PemText,
    PlanDigestText, RoleText, ScheduleText, TimeText, WebhookUrlText,
};
pub(crate) use words::{
    ActionWord, ActorKindWord, ChangeCodeWord, CheckOutcomeWord, CheckWord, CloudWord, ConnectionStateWord,
    CredentialKindWord, DeactivatedByWord, DeliveryStateWord, EmailAttributeWord, EventKindWord, ExpiryWarningWord,
    KeysWord, ModeReasonWord, OkWord, OutcomeWord, RunErrorCodeWord, RunModeWord, RunPhaseWord, RunStatusWord,
    TriggerWord, UserStatusWord, WebhookStateWord,
};

const REQUEST_ID: &str = "#/components/headers/RequestId";

/// The document as it is served.
pub(crate) fn document() -> Document {
    Api::openapi()
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Directory sync",
        description = include_str!("description.md"),
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    servers((url = "/", description = "This server")),
    tags(
        (name = "Connections", description = "Connections to directories: registering, changing, trying and deleting them"),
        (name = "Runs", description = "Syncs: starting, previewing, watching, reviewing and stopping them"),
        (name = "Users", description = "The users, and settling by hand who is who in the directory"),
        (name = "Events", description = "What changed, in order, for other services"),
        (name = "Audit", description = "Who changed what, and when"),
        (name = "Webhooks", description = "Where events are sent, and the messages that did not arrive"),
        (name = "Service", description = "The server itself; needs no token"),
    ),
    security(("token" = [])),
    components(schemas(words::AuditActionWord, shapes::ProblemShape, text::CursorText, text::EmailText, text::EventPlaceText, text::EventTypesText)),
    paths(
        routes::register::register,
        routes::connections::list,
        routes::connections::show,
        routes::update::update,
        routes::deletion::delete,
        routes::credential::set,
        routes::credential::test,
        routes::ignored::list,
        routes::ignored::ignore,
        routes::ignored::heed,
        routes::preview::start,
        routes::sync::start,
        routes::runs::list,
        routes::runs::show,
        routes::changes::list,
        routes::events::stream,
        routes::approval::approve,
        routes::ending::reject,
        routes::ending::cancel,
        routes::users::list,
        routes::users::show,
        routes::links::link,
        routes::links::unlink,
        routes::feed::list,
        routes::audit::list,
        routes::webhooks::create,
        routes::webhooks::list,
        routes::webhooks::show,
        routes::webhooks::update,
        routes::webhooks::delete,
        routes::deliveries::rotate_secret,
        routes::deliveries::test,
        routes::deliveries::list,
        routes::deliveries::replay_one,
        routes::deliveries::replay_many,
        routes::health::alive,
        routes::health::ready,
        routes::health::metrics,
        routes::document::openapi,
        routes::document::page,
        routes::document::file,
    ),
    modifiers(&Shared),
)]
struct Api;

/// What is the same for all routes.
struct Shared;

impl Modify for Shared {
    fn modify(&self, document: &mut Document) {
        let components = document.components.get_or_insert_default();
        components.responses = problems::components();
        components.headers.insert("RequestId".to_owned(), request_id());
        components.security_schemes.insert("token".to_owned(), token().into());
        variants::spell_out(components);
        let mut shown = BTreeMap::new();
        for operation in operations(document) {
            may_be_left_out(operation);
            for response in operation.responses.responses.values_mut() {
                if let RefOr::T(response) = response {
                    response.headers.insert("x-request-id".to_owned(), RefOr::Ref(Ref::new(REQUEST_ID)));
                }
            }
            examples::add(operation, &mut shown);
        }
        document.components.get_or_insert_default().examples = shown;
    }
}

/// No body is not the same as null, which is no body that is taken.
fn may_be_left_out(operation: &mut Operation) {
    let Some(RefOr::T(body)) = &mut operation.request_body else { return };
    for content in body.content.values_mut() {
        if let RefOr::T(content) = content
            && let Some(RefOr::T(Schema::OneOf(either))) = &mut content.schema
            && let Some(given) = either.items.iter().find(|item| matches!(item, RefOr::Ref(_)))
        {
            content.schema = Some(given.clone());
            body.required = Some(Required::False);
        }
    }
}

fn operations(document: &mut Document) -> impl Iterator<Item = &mut Operation> {
    document.paths.paths.values_mut().flat_map(|path| {
        [&mut path.get, &mut path.put, &mut path.post, &mut path.delete, &mut path.patch].into_iter().flatten()
    })
}

fn request_id() -> RefOr<utoipa::openapi::Header> {
    let text = ObjectBuilder::new().schema_type(Type::String).pattern(Some("^[A-Za-z0-9_.-]{1,64}$"));
    let header = HeaderBuilder::new().schema(Some(text.build()));
    header
        .description(Some("The request's own `x-request-id` if it is usable, else a new one. Logs have it."))
        .build()
        .into()
}

fn token() -> SecurityScheme {
    let description = "An API token (`directoryctl token create`), or a JWT of the platform that the server trusts. Role `admin` may do everything, `viewer` may read.";
    let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer);
    SecurityScheme::Http(scheme.description(Some(description)).build())
}
