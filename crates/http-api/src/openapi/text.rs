//! Texts of a certain form, as schemas: each says what `model/input` takes.

use std::borrow::Cow;

use directory_core::{EmailAddress, ExternalId};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, SchemaFormat, Type},
};

use crate::model::{credential::MAX_PEM_CHARS, input::check, webhook};

/// No control characters (`char::is_control`), and something else than white space.
const NAME: &str = r"^[^\u0000-\u001f\u007f-\u009f]*[^\u0000-\u0020\u007f-\u00a0][^\u0000-\u001f\u007f-\u009f]*$";
/// No control characters, and no white space at either end.
const SECRET: &str = r"^[^\u0000-\u0020\u007f-\u00a0](?:[^\u0000-\u001f\u007f-\u009f]*[^\u0000-\u0020\u007f-\u00a0])?$";
const DIGEST: &str = "^[0-9A-Fa-f]{64}$";
const ROLE: &str = "^[A-Za-z0-9_.:-]{1,64}$";
const ASCII: &str = r"^[\u0000-\u007f]+$";
const EVENT: &str = "^evt_[0-9a-f]{32}(_(0|[1-9][0-9]{0,8}))?$";
const PLACE: &str = "^(latest|evt_[0-9a-f]{32}(_(0|[1-9][0-9]{0,8}))?)$";
const TYPES: &str = "^[a-z]+[.][a-z]+(,[a-z]+[.][a-z]+)*$";
const CURSOR: &str = "^[A-Za-z0-9_-]+$";

/// What is known of a text.
#[derive(Default)]
struct Form {
    format: Option<&'static str>,
    pattern: Option<&'static str>,
    least: Option<usize>,
    most: Option<usize>,
    examples: &'static [&'static str],
}

/// `Marker("Name in the document") = form`.
macro_rules! texts {
    ($($(#[doc = $doc:literal])+ $marker:ident($name:literal) = $form:expr;)+) => {$(
        $(#[doc = $doc])+
        pub(crate) enum $marker {}

        impl PartialSchema for $marker {
            fn schema() -> RefOr<Schema> {
                schema(concat!($($doc),+), &$form)
            }
        }

        impl ToSchema for $marker {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed($name)
            }
        }
    )+};
}

texts! {
    /// A GUID with hyphens, in any case.
    GuidText("Guid") = Form { format: Some("uuid"), examples: &["1f6a2c0e-0b1d-4c58-9b1e-5f6a1d2c3b4a"], ..Form::default() };

    /// A name to show, without control characters.
    DisplayNameText("DisplayName") = Form {
        pattern: Some(NAME), least: Some(1), most: Some(check::MAX_NAME_CHARS), examples: &["Acme Entra"], ..Form::default()
    };

    /// A role of the product: letters, digits and any of `_ . : -`.
    RoleText("Role") = Form {
        pattern: Some(ROLE), least: Some(1), most: Some(check::MAX_ROLE_CHARS), examples: &["member"], ..Form::default()
    };

    /// A domain of at least two labels, without an `@`; it may have letters of any script.
    DomainText("Domain") = Form { format: Some("domain"), least: Some(3), most: Some(check::MAX_DOMAIN_CHARS),
        examples: &["example.org"], ..Form::default() };

    /// When to synchronise: `every N` followed by `m`, `h` or `d` (one minute to 366 days), or a cron expression of five
    /// fields, which a time zone may follow (else UTC): minute, hour, day of the month, month, day of the week; each `*`,
    /// values, ranges and lists, and a range or `*` with a step. Connections of one schedule start a little apart.
    ScheduleText("Schedule") = Form { format: Some("schedule"), examples: &["every 15m", "0 3 * * MON-FRI Europe/Berlin"],
        ..Form::default() };

    /// The directory's own id of a user: at most 256 bytes, without control characters.
    ExternalIdText("ExternalId") = Form {
        pattern: Some(NAME), least: Some(1), most: Some(ExternalId::MAX_BYTES), format: Some("external-id"),
        examples: &["1f6a2c0e-0b1d-4c58-9b1e-5f6a1d2c3b4a"],
    };

    /// The value of a client secret (not its Secret ID, which is a GUID), without white space around it.
    ClientSecretText("ClientSecret") = Form {
        pattern: Some(SECRET), least: Some(1), most: Some(check::MAX_SECRET_CHARS), format: Some("password"),
        examples: &["Xy~8Q~aBcDeFgHiJkLmNoPqRsTuVwXyZ012345"],
    };

    /// A private key and the certificate that belongs to it, both in PEM.
    PemText("Pem") = Form {
        pattern: Some(ASCII), least: Some(1), most: Some(MAX_PEM_CHARS), format: Some("pem"), ..Form::default()
    };

    /// A time in RFC 3339 that is not in the past.
    TimeText("Time") = Form { format: Some("date-time"), examples: &["2030-01-31T00:00:00Z"], ..Form::default() };

    /// The digest of a run's plan: 64 hexadecimal digits.
    PlanDigestText("PlanDigest") = Form { pattern: Some(DIGEST), least: Some(64), most: Some(64), ..Form::default() };

    /// The `nextCursor` of a page of this list. Nothing else is taken.
    CursorText("Cursor") = Form { pattern: Some(CURSOR), least: Some(1), format: Some("cursor"), ..Form::default() };

    /// An event's id, which is the place right after it as well.
    EventIdText("EventId") = Form { pattern: Some(EVENT), least: Some(36), most: Some(46),
        examples: &["evt_0190b09f345e4c109d4e8f3a2b1c0005_7"], ..Form::default() };

    /// `latest`, the `nextCursor` of a page of events, or an event's id.
    EventPlaceText("EventPlace") = Form { pattern: Some(PLACE), format: Some("event-place"), ..Form::default() };

    /// Types of events, with commas between them.
    EventTypesText("EventTypes") = Form { pattern: Some(TYPES), format: Some("event-types"),
        examples: &["user.created,user.deactivated"], ..Form::default() };

    /// Where messages go: an `https` address on the public internet, without user, password and fragment.
    WebhookUrlText("WebhookUrl") = Form { format: Some("webhook-url"), least: Some(1), most: Some(webhook::MAX_URL_CHARS),
        examples: &["https://hooks.example.org/directory"], ..Form::default() };

    /// What something is for, without control characters.
    DescriptionText("Description") = Form {
        pattern: Some(NAME), least: Some(1), most: Some(webhook::MAX_DESCRIPTION_CHARS), examples: &["The payroll"],
        ..Form::default()
    };

    /// An e-mail address; its case does not matter.
    EmailText("EmailAddress") = Form { format: Some("email-address"), most: Some(EmailAddress::MAX_BYTES),
        examples: &["ada@example.org"], ..Form::default() };
}

fn schema(description: &str, form: &Form) -> RefOr<Schema> {
    let description = description.trim().replace("  ", " ");
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some(description))
        .format(form.format.map(|format| SchemaFormat::Custom(format.to_owned())))
        .pattern(form.pattern)
        .min_length(form.least)
        .max_length(form.most)
        .examples(form.examples.iter().copied())
        .into()
}
