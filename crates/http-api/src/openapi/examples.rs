//! Examples of bodies. Answers are made of the real views, so that they look as answers do.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use directory_core::{
    Action, ChangeCode, Check, CheckOutcome, CheckSubject, ConnectionId, Counts, CredentialKind, DeactivatedBy,
    ExternalId, FailureKind, HoldReason, Link, LocalUser, MaxDeactivations, Policy, ProviderError, Rival, RunErrorCode,
    RunId, TenantId, UserId, UserStatus, Values,
};
use secrecy::SecretString;
use serde::Serialize;
use serde_json::{Value, json};
use store::{
    Actor, AuditEntry, ChangeRecord, Connection, ConnectionState, Delivery, DeliveryState, Event, EventData, EventId,
    EventKind, EventPage, ModeReason, Outcome, QuarantineEvent, Run, RunError, RunEvent, RunMode, RunStatus, Subject,
    Trigger, UserEvent, UserRecord, Webhook, WebhookState,
};
use sync_engine::webhooks::WebhookOutcome;
use utoipa::openapi::{
    Content, Ref, RefOr,
    example::{Example, ExampleBuilder},
    path::Operation,
};
use uuid::Uuid;

use crate::model::{
    AuditEntryView, ChangeView, ConnectionView, DeliveryView, EventPageView, RunView, TestView, UserView,
    WebhookSecretView, WebhookTestView, WebhookView,
};

const CONNECTION: ConnectionId = ConnectionId(Uuid::from_u128(0x0190_6b3f_5e2a_7c10_9d4e_8f3a_2b1c_0001));
const RUN: RunId = RunId(Uuid::from_u128(0x0190_6b3f_5e2a_7c10_9d4e_8f3a_2b1c_0002));
const USER: UserId = UserId(Uuid::from_u128(0x0190_6b3f_5e2a_7c10_9d4e_8f3a_2b1c_0003));
const TENANT: TenantId = TenantId(Uuid::from_u128(0x0190_6b3f_5e2a_7c10_9d4e_8f3a_2b1c_0004));
const WEBHOOK: Uuid = Uuid::from_u128(0x0190_6b3f_5e2a_7c10_9d4e_8f3a_2b1c_0005);
const EVENT: EventId = EventId { entry: Uuid::from_u128(0x0190_6b3f_5e2a_7c10_9d4e_8f3a_2b1c_0d5e), seq: Some(7) };
const EXTERNAL: &str = "5b2f9c1e-7d3a-4e60-8a94-0c1d2e3f4a5b";
const DIGEST: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
const CURSOR: &str = "ATU2YjA5ZjM0AZBrP14qfBCdTo86KxwAAw";

/// The examples of the whole document, each once.
type Shown = BTreeMap<String, RefOr<Example>>;

/// Gives an operation's bodies their examples.
pub(super) fn add(operation: &mut Operation, shown: &mut Shown) {
    if let Some(RefOr::T(body)) = &mut operation.request_body {
        body.content.values_mut().for_each(|content| illustrate(content, requests, shown));
    }
    for response in operation.responses.responses.values_mut() {
        if let RefOr::T(response) = response {
            response.content.values_mut().for_each(|content| illustrate(content, answers, shown));
        }
    }
}

fn illustrate(content: &mut RefOr<Content>, of: fn(&str) -> Vec<Named>, shown: &mut Shown) {
    let RefOr::T(content) = content else { return };
    if let Some(RefOr::Ref(schema)) = &content.schema {
        let name = schema.ref_location.rsplit('/').next().unwrap_or_default();
        for (which, summary, value) in of(name) {
            let full_name = format!("{name}.{which}");
            let reference = Ref::new(format!("#/components/examples/{full_name}"));
            shown.insert(full_name, example(summary, value).into());
            content.examples.insert(which.to_owned(), RefOr::Ref(reference));
        }
    }
}

fn example(summary: &str, value: Value) -> Example {
    ExampleBuilder::new().summary(summary).value(Some(value)).build()
}

/// Name, summary, value.
type Named = (&'static str, &'static str, Value);

/// What may be sent, by the schema's name.
fn requests(schema: &str) -> Vec<Named> {
    match schema {
        "Registration" => vec![
            (
                "wholeDirectory",
                "Everybody in the directory, every 15 minutes",
                json!({
                    "displayName": "Acme Entra", "directoryId": "7c9e6679-7425-40de-944b-e07fc1f90ae7",
                    "clientId": "3f2504e0-4f89-41d3-9a0c-0305e82c3301",
                    "clientSecret": "Xy~8Q~aBcDeFgHiJkLmNoPqRsTuVwXyZ012345",
                    "clientSecretExpiresAt": "2030-01-31T00:00:00Z", "schedule": "every 15m",
                }),
            ),
            (
                "oneGroup",
                "The members of a group, with rules of its own, by hand",
                json!({
                    "displayName": "Acme staff", "directoryId": "7c9e6679-7425-40de-944b-e07fc1f90ae7",
                    "clientId": "3f2504e0-4f89-41d3-9a0c-0305e82c3301",
                    "clientSecret": "Xy~8Q~aBcDeFgHiJkLmNoPqRsTuVwXyZ012345",
                    "groupId": "1f6a2c0e-0b1d-4c58-9b1e-5f6a1d2c3b4a", "cloud": "global", "defaultRole": "member",
                    "policy": {"adoptDomains": ["example.org"], "maxDeactivations": {"percent": 10, "count": 5}},
                }),
            ),
        ],
        "ConnectionPatch" => vec![
            ("pause", "Stop the schedule", json!({"paused": true})),
            (
                "rules",
                "Another schedule, and one rule; null is the default",
                json!({"schedule": "0 3 * * MON-FRI", "policy": {"includeGuests": true, "adoptDomains": null}}),
            ),
        ],
        "Credential" => vec![(
            "clientSecret",
            "A new client secret",
            json!({
                "clientSecret": "Zz~8Q~aBcDeFgHiJkLmNoPqRsTuVwXyZ012345",
                "clientSecretExpiresAt": "2031-01-31T00:00:00Z",
            }),
        )],
        "SyncRequest" => vec![
            ("usual", "Whatever is cheapest and exact", json!({})),
            ("dryRun", "Plan a full sync, and write nothing", json!({"mode": "full", "dryRun": true})),
        ],
        "Approval" => vec![
            ("all", "The whole plan", json!({"planDigest": DIGEST})),
            ("some", "Only these changes", json!({"planDigest": DIGEST, "changes": [1, 2]})),
            ("except", "All but this change", json!({"planDigest": DIGEST, "except": [3]})),
        ],
        "LinkRequest" => {
            vec![("link", "A directory user", json!({"connectionId": CONNECTION, "externalId": EXTERNAL}))]
        }
        "NewWebhook" => vec![(
            "users",
            "What happens to users",
            json!({"url": "https://hooks.example.org/directory", "description": "The payroll",
                "eventTypes": ["user.created", "user.deactivated"]}),
        )],
        "WebhookPatch" => vec![("enable", "Send to it again", json!({"enabled": true, "eventTypes": null}))],
        "Replay" => vec![
            ("dead", "Every message that was given up", json!({})),
            ("after", "Everything after an event", json!({"after": "evt_01906b3f5e2a7c109d4e8f3a2b1c0d5e_7"})),
        ],
        "Nothing" => vec![("nothing", "Nothing", json!({}))],
        _ => Vec::new(),
    }
}

/// What is answered, by the schema's name.
fn answers(schema: &str) -> Vec<Named> {
    if let Some(item) = schema.strip_prefix("List_") {
        let items: Vec<Value> = answers(item).into_iter().map(|(_, _, value)| value).collect();
        return vec![("page", "A page that is not the last", json!({"items": items, "nextCursor": CURSOR}))];
    }
    match schema {
        "Connection" => {
            vec![("connection", "A connection", view(ConnectionView::at(connection(), Some(run()), at(120))))]
        }
        "Run" => vec![
            ("succeeded", "A run that has ended", view(RunView::from(run()))),
            ("held", "A run that waits for a decision", view(RunView::from(held()))),
            ("failed", "A run that could not be finished", view(RunView::from(failed()))),
        ],
        "Change" => changes(),
        "RunEvent" => {
            let data = json!(RunView::from(run())).to_string();
            let event = json!({"id": "e5f0792f0bfeb02aa0477eb4a83ce7d0", "event": "done", "data": data});
            vec![("done", "The last event, of a run that has ended", event)]
        }
        "User" => vec![("user", "A user who has left the directory", view(UserView::from(user())))],
        "EventPage" => vec![("events", "One of each form", view(EventPageView::from(events())))],
        "AuditEntry" => vec![("paused", "A connection was paused", view(AuditEntryView::from(audited())))],
        "IgnoredUser" => vec![("ignored", "A directory user", json!({"externalId": EXTERNAL, "createdAt": at(0)}))],
        "ConnectionTest" => vec![("missing", "A permission is missing", view(TestView::from(checks())))],
        "Webhook" => vec![("webhook", "A webhook", view(WebhookView::from(webhook())))],
        "WebhookWithSecret" => {
            let secret = SecretString::from("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD");
            vec![("made", "A webhook that was just made", view(WebhookSecretView::new(webhook(), &secret)))]
        }
        "WebhookTest" => {
            let outcome = WebhookOutcome::Failed {
                status: None,
                code: "connect".to_owned(),
                message: "no connection to the receiver could be made".to_owned(),
                retry_after: None,
            };
            vec![
                ("arrived", "It arrived", view(WebhookTestView::from(WebhookOutcome::Delivered { status: 204 }))),
                ("failed", "Nobody is there", view(WebhookTestView::from(outcome))),
            ]
        }
        "Delivery" => vec![("pending", "A message that is tried again", view(DeliveryView::from(delivery())))],
        "Replayed" => vec![("some", "Three messages", json!({"deliveries": 3}))],
        "Readiness" => {
            let checks = json!({"database": "ok", "migrations": "ok", "keys": "ok"});
            vec![("ready", "It can serve", json!({"status": "ready", "checks": checks}))]
        }
        "Health" => vec![("well", "All is well", json!({"status": "ok"}))],
        _ => Vec::new(),
    }
}

fn view(view: impl Serialize) -> Value {
    json!(view)
}

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_454) + TimeDelta::seconds(seconds)
}

fn webhook() -> Webhook {
    Webhook {
        id: WEBHOOK,
        tenant: TENANT,
        url: "https://hooks.example.org/directory".to_owned(),
        description: Some("The payroll".to_owned()),
        kinds: Some(vec![EventKind::UserCreated, EventKind::UserDeactivated]),
        unknown_kinds: Vec::new(),
        state: WebhookState::Enabled,
        state_reason: None,
        cursor: EVENT,
        secret_created_at: at(0),
        pending: 1,
        dead: 0,
        created_at: at(0),
        updated_at: at(0),
    }
}

fn delivery() -> Delivery {
    Delivery {
        id: Uuid::from_u128(0x0190_6b3f_5e2a_7c10_9d4e_8f3a_2b1c_0006),
        webhook: WEBHOOK,
        event: EVENT,
        after: EventId::START,
        kind: "user.created".to_owned(),
        state: DeliveryState::Pending,
        attempts: 2,
        next_attempt_at: Some(at(370)),
        last_status: Some(503),
        last_code: "status".to_owned(),
        created_at: at(60),
        failed_at: at(65),
    }
}

fn connection() -> Connection {
    Connection {
        id: CONNECTION,
        tenant: TENANT,
        provider: "entra".to_owned(),
        display_name: "Acme Entra".to_owned(),
        directory_id: "7c9e6679-7425-40de-944b-e07fc1f90ae7".to_owned(),
        client_id: "3f2504e0-4f89-41d3-9a0c-0305e82c3301".to_owned(),
        group_id: None,
        cloud: "global".to_owned(),
        default_role: "member".to_owned(),
        policy: Policy::default_for(false),
        schedule: Some("every 15m".to_owned()),
        next_sync_at: Some(at(900)),
        state: ConnectionState::Active,
        state_reason: None,
        quarantined_at: None,
        held_until: None,
        setbacks: 0,
        new_scope: false,
        credential_kind: CredentialKind::ClientSecret,
        credential_updated_at: at(0),
        credential_expires_at: Some(at(1_728_000)),
        created_at: at(0),
        updated_at: at(0),
    }
}

fn run() -> Run {
    Run {
        id: RUN,
        tenant: TENANT,
        connection: CONNECTION,
        status: RunStatus::Succeeded,
        phase: None,
        mode: RunMode::Full,
        mode_reason: Some(ModeReason::ReconcileDue),
        trigger: Trigger::Manual,
        dry_run: false,
        draft: None,
        counts: Counts { seen: 250, created: 3, updated: 1, deactivated: 1, unchanged: 245, ..Counts::default() },
        planned_changes: Some(5),
        applied_changes: 5,
        exceptions: 0,
        plan_digest: None,
        hold: Vec::new(),
        error: None,
        not_before: None,
        created_at: at(60),
        started_at: Some(at(61)),
        finished_at: Some(at(63)),
        changes_deleted_at: None,
    }
}

fn held() -> Run {
    let limit = MaxDeactivations { percent: 20, count: 10 };
    Run {
        status: RunStatus::Held,
        counts: Counts { seen: 70, deactivated: 30, unchanged: 70, ..Counts::default() },
        planned_changes: Some(30),
        applied_changes: 0,
        plan_digest: Some(DIGEST.to_owned()),
        hold: vec![
            HoldReason::TooManyDeactivations { deactivations: 30, active: 100, limit },
            HoldReason::NewScope { deactivations: 30 },
        ],
        ..run()
    }
}

fn failed() -> Run {
    let error = RunError {
        code: RunErrorCode::CredentialExpired,
        message: "The client secret has expired.".to_owned(),
        hint: "Create a new one at the application, and give it to the connection.".to_owned(),
        request_id: Some("0a1b2c3d-0000-4000-8000-000000000000".to_owned()),
    };
    Run {
        status: RunStatus::Failed,
        counts: Counts::default(),
        planned_changes: None,
        applied_changes: 0,
        error: Some(error),
        ..run()
    }
}

fn changes() -> Vec<Named> {
    let update = ChangeRecord {
        seq: 1,
        action: Action::Update,
        outcome: Outcome::Applied,
        user: Some(USER),
        user_version: None,
        external_id: ExternalId::parse(EXTERNAL),
        email: Some("ada@example.org".to_owned()),
        before: Values { display_name: Some("Ada Byron".to_owned()), family_name: Some(None), ..Values::default() },
        after: Values {
            display_name: Some("Ada Lovelace".to_owned()),
            family_name: Some(Some("Lovelace".to_owned())),
            ..Values::default()
        },
        code: None,
        rival: None,
    };
    let deactivation = ChangeRecord {
        seq: 2,
        action: Action::Deactivate,
        before: Values { status: Some(UserStatus::Active), deactivated_by: Some(None), ..Values::default() },
        after: Values {
            status: Some(UserStatus::Inactive),
            deactivated_by: Some(Some(DeactivatedBy::DirectoryAbsent)),
            ..Values::default()
        },
        ..update.clone()
    };
    let conflict = ChangeRecord {
        seq: 3,
        action: Action::Conflict,
        outcome: Outcome::Planned,
        user: None,
        before: Values::default(),
        after: Values::default(),
        code: Some(ChangeCode::EmailTaken),
        rival: Some(Rival { user: Some(USER), external_id: None }),
        ..update.clone()
    };
    vec![
        ("update", "A change of attributes", view(ChangeView::from(update))),
        ("deactivation", "A deactivation", view(ChangeView::from(deactivation))),
        ("conflict", "A conflict, for a person to settle", view(ChangeView::from(conflict))),
    ]
}

fn user() -> UserRecord {
    UserRecord {
        user: LocalUser {
            id: USER,
            version: 2,
            email: "ada@example.org".to_owned(),
            display_name: "Ada Lovelace".to_owned(),
            given_name: Some("Ada".to_owned()),
            family_name: Some("Lovelace".to_owned()),
            role: "member".to_owned(),
            status: UserStatus::Inactive,
            deactivated_by: Some(DeactivatedBy::DirectoryAbsent),
            link: ExternalId::parse(EXTERNAL).map(|external_id| Link { connection: CONNECTION, external_id }),
        },
        deactivated_run: Some(RUN),
        deactivated_at: Some(at(62)),
        created_at: at(0),
        updated_at: at(62),
    }
}

fn audited() -> AuditEntry {
    AuditEntry {
        id: RUN.0,
        tenant: TENANT,
        at: at(60),
        actor: Actor {
            request: Some("0190b09f-345e-7c10-9d4e-8f3a2b1c0005".to_owned()),
            ..Actor::person("248289761001".to_owned(), None)
        },
        action: "connection.updated".to_owned(),
        subject: Subject { kind: "connection".to_owned(), id: CONNECTION.to_string() },
        before: Some(json!({"state": "active"})),
        after: Some(json!({"state": "paused"})),
    }
}

fn events() -> EventPage {
    let entry = |n: u128| Uuid::from_u128(0x0190_b09f_345e_4c10_9d4e_8f3a_2b1c_0000 + n);
    let event = |id, kind, run, data| Event { id, tenant: TENANT, kind, at: at(60), connection: CONNECTION, run, data };
    let left = UserEvent {
        user: USER,
        external_id: ExternalId::parse(EXTERNAL),
        email: Some("ada@example.org".to_owned()),
        status: Some(UserStatus::Inactive),
        before: Values { status: Some(UserStatus::Active), ..Values::default() },
        after: Values {
            status: Some(UserStatus::Inactive),
            deactivated_by: Some(Some(DeactivatedBy::DirectoryAbsent)),
            ..Values::default()
        },
    };
    let Run { mode, trigger, dry_run, counts, hold, error, status, .. } = held();
    let held = RunEvent { status, mode, trigger, dry_run, counts, hold, error };
    let reason = Some("The client secret has expired. Set a new one.".to_owned());
    let next = EventId::of(entry(7));
    let events = vec![
        event(EventId::within(entry(5), 7), EventKind::UserDeactivated, Some(RUN), EventData::User(Box::new(left))),
        event(EventId::of(entry(6)), EventKind::RunHeld, Some(RUN), EventData::Run(Box::new(held))),
        event(next, EventKind::ConnectionQuarantined, None, EventData::Quarantine(QuarantineEvent { reason })),
    ];
    EventPage { events, unknown: Vec::new(), next, more: false }
}

fn checks() -> Vec<Check> {
    let missing = ProviderError {
        kind: FailureKind::Configuration,
        code: RunErrorCode::PermissionMissing,
        message: "The application may not read users.".to_owned(),
        hint: "Grant it User.Read.All, with an administrator's consent.".to_owned(),
        request_id: None,
    };
    vec![
        Check { subject: CheckSubject::Token, outcome: CheckOutcome::Passed },
        Check { subject: CheckSubject::Permission("User.Read.All"), outcome: CheckOutcome::Failed(missing) },
        Check { subject: CheckSubject::Users, outcome: CheckOutcome::Unknown },
    ]
}
