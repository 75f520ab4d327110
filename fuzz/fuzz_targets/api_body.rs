//! The JSON bodies of the API. The first byte chooses which.

#![no_main]

use chrono::DateTime;
use directory_core::{CredentialKind, EmailAttribute, ExternalId, Policy, TenantId};
use http_api::{
    fuzzing,
    model::{ApprovalInput, ConnectionPatch, CredentialInput, FieldError, LinkInput, RegisterEntra, SyncInput},
};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use store::{Choice, Connection, ConnectionState};
use uuid::Uuid;

fuzz_target!(|bytes: &[u8]| {
    let Some((kind, body)) = bytes.split_first() else { return };
    let faults = match kind % 6 {
        0 => register(body),
        1 => patch(body),
        2 => credential(body),
        3 => approval(body),
        4 => link(body),
        _ => fuzzing::json::<SyncInput>(body).map(drop).map_err(|error| vec![error]),
    };
    match faults {
        Ok(()) => {
            // What is accepted is one JSON object, whatever reads it.
            let json: Value = serde_json::from_slice(body).expect("JSON");
            assert!(json.is_object());
        }
        Err(faults) => refused(body, faults),
    }
});

type Checked = Result<(), Vec<FieldError>>;

fn read<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, Vec<FieldError>> {
    fuzzing::json(body).map_err(|error| vec![error])
}

fn register(body: &[u8]) -> Checked {
    let tenant = TenantId(Uuid::from_u128(1));
    let registration = read::<RegisterEntra>(body)?.into_registration(tenant)?;
    assert_eq!(registration.tenant, tenant);
    assert_name(&registration.display_name);
    assert_guid(&registration.directory_id);
    assert_guid(&registration.client_id);
    registration.group_id.iter().for_each(|group| assert_guid(group));
    assert_role(&registration.default_role);
    assert!(["global", "usGov", "usGovDod", "china"].contains(&registration.cloud.as_str()));
    registration.schedule.iter().for_each(|schedule| assert_schedule(schedule));
    assert_policy(&registration.policy);
    Ok(())
}

fn patch(body: &[u8]) -> Checked {
    let patch = read::<ConnectionPatch>(body)?;
    let mut connection = connection();
    let update = patch.resolve(&connection)?;
    assert_name(&update.display_name);
    update.group_id.iter().for_each(|group| assert_guid(group));
    assert_role(&update.default_role);
    update.schedule.iter().for_each(|schedule| assert_schedule(schedule));
    assert_policy(&update.policy);
    // A patch says what is to be, so it says nothing more the second time.
    connection.display_name.clone_from(&update.display_name);
    connection.group_id.clone_from(&update.group_id);
    connection.default_role.clone_from(&update.default_role);
    connection.policy.clone_from(&update.policy);
    connection.schedule.clone_from(&update.schedule);
    connection.state = if update.paused { ConnectionState::Paused } else { ConnectionState::Active };
    assert_eq!(patch.resolve(&connection).as_ref(), Ok(&update));
    Ok(())
}

fn credential(body: &[u8]) -> Checked {
    use secrecy::ExposeSecret;

    let given = read::<CredentialInput>(body)?.into_credential()?;
    if let Some(secret) = given.credential.secret() {
        assert!((1..=32 * 1024).contains(&secret.expose_secret().len()));
    }
    assert!(given.expires_at.is_none() || given.credential.kind() == CredentialKind::ClientSecret);
    Ok(())
}

fn approval(body: &[u8]) -> Checked {
    let plan = read::<ApprovalInput>(body)?.into_plan()?;
    assert!(plan.digest.len() == 64 && plan.digest.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')));
    let chosen = match &plan.choice {
        Choice::All => return Ok(()),
        Choice::Only(chosen) => {
            assert!(!chosen.is_empty());
            chosen
        }
        Choice::Except(chosen) => chosen,
    };
    assert!(chosen.iter().enumerate().all(|(at, position)| *position > 0 && !chosen[..at].contains(position)));
    Ok(())
}

fn link(body: &[u8]) -> Checked {
    let (_, id) = fuzzing::link(read::<LinkInput>(body)?)?;
    assert_eq!(ExternalId::parse(id.as_str()), Some(id));
    Ok(())
}

/// The answer is JSON, says where the fault is, and repeats nothing of the body but names of members.
fn refused(body: &[u8], faults: Vec<FieldError>) {
    assert!((1..=51).contains(&faults.len()), "{}", faults.len());
    // Any long word in the body may be a secret. Names of members are pointed at; what is expected there names no value.
    let json: Option<Value> = serde_json::from_slice(body).ok();
    let words = json.iter().flat_map(texts).flat_map(str::split_whitespace).filter(|word| word.len() > 40);
    for word in words {
        assert!(faults.iter().all(|fault| !fault.detail.contains(word)), "{faults:?}");
    }
    let answer = fuzzing::refusal(faults);
    assert_eq!(answer.status, 400);
    let answer: Value = serde_json::from_slice(&answer.body).expect("a problem document");
    assert!(answer["errors"].as_array().is_some_and(|errors| !errors.is_empty()));
}

fn texts(json: &Value) -> Vec<&str> {
    match json {
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        Value::Object(members) => members.values().flat_map(texts).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => Vec::new(),
    }
}

fn assert_name(name: &str) {
    assert!((1..=200).contains(&name.chars().count()) && name.trim() == name, "{name:?}");
    assert!(!name.contains(char::is_control), "{name:?}");
}

fn assert_guid(text: &str) {
    assert_eq!(Uuid::parse_str(text).expect("a GUID").hyphenated().to_string(), text);
}

fn assert_role(role: &str) {
    assert!((1..=64).contains(&role.len()) && role.is_ascii(), "{role:?}");
}

fn assert_schedule(schedule: &str) {
    assert_eq!(fuzzing::schedule(schedule).as_deref(), Some(schedule));
}

fn assert_policy(policy: &Policy) {
    assert!(policy.max_deactivations.percent <= 100);
    assert!(policy.protected_roles.len() <= 50 && policy.adopt_domains.iter().all(|domains| domains.len() <= 100));
    policy.protected_roles.iter().for_each(|role| assert_role(role));
    for domain in policy.adopt_domains.iter().flatten() {
        assert!(domain.len() <= 253 && domain.contains('.') && !domain.contains('@'), "{domain:?}");
    }
    assert!(matches!(policy.email_attribute, EmailAttribute::Mail | EmailAttribute::UserPrincipalName));
    // It is stored as JSON and read back by every run.
    let stored = serde_json::to_vec(policy).expect("JSON");
    assert_eq!(&serde_json::from_slice::<Policy>(&stored).expect("a policy"), policy);
}

fn connection() -> Connection {
    let at = DateTime::UNIX_EPOCH;
    let id = "9b2a6c1e-3f4d-4a5b-8c6d-7e8f90a1b2c3".to_owned();
    Connection {
        id: Uuid::from_u128(2).into(),
        tenant: Uuid::from_u128(1).into(),
        provider: "entra".to_owned(),
        display_name: "Acme".to_owned(),
        directory_id: id.clone(),
        client_id: id,
        group_id: None,
        cloud: "global".to_owned(),
        default_role: "member".to_owned(),
        policy: Policy::default(),
        schedule: None,
        next_sync_at: None,
        held_until: None,
        quarantined_at: None,
        setbacks: 0,
        state: ConnectionState::Active,
        state_reason: None,
        new_scope: false,
        credential_kind: CredentialKind::ClientSecret,
        credential_updated_at: at,
        credential_expires_at: None,
        created_at: at,
        updated_at: at,
    }
}
