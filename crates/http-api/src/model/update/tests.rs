use directory_core::{EmailAttribute, MaxDeactivations};
use serde_json::{Value, json};

use super::*;

const GROUP: &str = "7d444840-9dc0-11d1-b245-5ffdce74fad2";
const OTHER_GROUP: &str = "3f2504e0-4f89-11d3-9a0c-0305e82c3301";

/// A connection of which nothing is at its default.
fn connection() -> Connection {
    let at = "2026-01-02T03:04:05Z".parse().unwrap();
    Connection {
        id: "01890a5d-ac96-774b-bcce-b302099a8057".parse().unwrap(),
        tenant: "01890a5d-ac96-774b-bcce-b302099a8058".parse().unwrap(),
        provider: "entra".to_owned(),
        display_name: "Acme".to_owned(),
        directory_id: "d".to_owned(),
        client_id: "c".to_owned(),
        group_id: Some(GROUP.to_owned()),
        cloud: "global".to_owned(),
        default_role: "guest".to_owned(),
        policy: Policy {
            deactivate_missing: false,
            include_guests: false,
            include_disabled: false,
            include_nested_groups: false,
            email_attribute: EmailAttribute::UserPrincipalName,
            adopt_by_email: false,
            adopt_domains: Some(vec!["example.org".to_owned()]),
            protected_roles: vec!["boss".to_owned()],
            max_deactivations: MaxDeactivations { percent: 5, count: 3 },
        },
        schedule: Some("every 15m".to_owned()),
        next_sync_at: None,
        state: ConnectionState::Paused,
        state_reason: None,
        quarantined_at: None,
        held_until: None,
        setbacks: 0,
        new_scope: false,
        credential_kind: directory_core::CredentialKind::ClientSecret,
        credential_updated_at: at,
        credential_expires_at: None,
        created_at: at,
        updated_at: at,
    }
}

fn resolve(patch: Value) -> Result<ConnectionUpdate, Vec<FieldError>> {
    serde_json::from_value::<ConnectionPatch>(patch).unwrap().resolve(&connection())
}

fn resolved(patch: Value) -> ConnectionUpdate {
    resolve(patch).unwrap_or_else(|errors| panic!("{errors:?}"))
}

fn pointers(patch: Value) -> Vec<String> {
    resolve(patch).err().unwrap_or_default().into_iter().map(|error| error.pointer).collect()
}

#[test]
fn what_is_left_out_stays() {
    let standing = unchanged(&connection());
    assert_eq!((standing.group_id.as_deref(), standing.paused), (Some(GROUP), true));
    assert_eq!((standing.default_role.as_str(), standing.policy.include_guests), ("guest", false));
    assert_eq!(resolved(json!({})), standing);
    assert_eq!(resolved(json!({"policy": {}})), standing);
    assert_eq!(resolved(json!({"policy": {"maxDeactivations": {}}})), standing);
}

#[test]
fn null_is_the_default() {
    let patch = json!({"groupId": null, "defaultRole": null, "policy": null, "schedule": null});
    let expected = ConnectionUpdate {
        display_name: "Acme".to_owned(),
        group_id: None,
        default_role: "member".to_owned(),
        policy: Policy::default_for(false),
        schedule: None,
        paused: true,
    };
    assert_eq!(resolved(patch), expected);
}

#[test]
fn the_default_policy_is_that_of_the_new_scope() {
    assert_eq!(resolved(json!({"policy": null})).policy, Policy::default_for(true));
    assert_eq!(resolved(json!({"policy": null, "groupId": OTHER_GROUP})).policy, Policy::default_for(true));
    assert_eq!(resolved(json!({"policy": null, "groupId": null})).policy, Policy::default_for(false));
    let guests = json!({"includeGuests": null});
    assert!(resolved(json!({"policy": guests})).policy.include_guests);
    assert!(!resolved(json!({"policy": guests, "groupId": null})).policy.include_guests);
}

#[test]
fn another_scope_alone_leaves_the_policy() {
    for group in [json!(null), json!(OTHER_GROUP)] {
        let update = resolved(json!({"groupId": group}));
        assert_eq!((json!(update.group_id), update.policy), (group, connection().policy));
    }
}

#[test]
fn null_is_the_default_of_a_single_rule() {
    let default = serde_json::to_value(Policy::default_for(true)).unwrap();
    let current = serde_json::to_value(connection().policy).unwrap();
    for member in default.as_object().unwrap().keys() {
        let mut expected = current.clone();
        expected[member] = default[member].clone();
        assert_ne!(expected, current, "{member}");
        let update = resolved(json!({"policy": {member: null}}));
        assert_eq!(serde_json::to_value(update.policy).unwrap(), expected, "{member}");
    }
    let limit = |patch: Value| resolved(json!({"policy": {"maxDeactivations": patch}})).policy.max_deactivations;
    assert_eq!(limit(json!({"percent": null})), MaxDeactivations { percent: 20, count: 3 });
    assert_eq!(limit(json!({"count": null})), MaxDeactivations { percent: 5, count: 10 });
    assert_eq!(limit(json!({"count": 7})), MaxDeactivations { percent: 5, count: 7 });
}

#[test]
fn each_member_is_taken_in_its_stored_form() {
    let patch = json!({
        "displayName": "  Zoe\u{308} ", "groupId": OTHER_GROUP.to_uppercase(), "defaultRole": "team",
        "schedule": "0  3 * * *", "paused": false,
        "policy": {"adoptDomains": [" Example.COM "], "protectedRoles": ["a", "b"], "emailAttribute": "mail"},
    });
    let expected = ConnectionUpdate {
        display_name: "Zo\u{eb}".to_owned(),
        group_id: Some(OTHER_GROUP.to_owned()),
        default_role: "team".to_owned(),
        policy: Policy {
            adopt_domains: Some(vec!["example.com".to_owned()]),
            protected_roles: vec!["a".to_owned(), "b".to_owned()],
            email_attribute: EmailAttribute::Mail,
            ..connection().policy
        },
        schedule: Some("0 3 * * *".to_owned()),
        paused: false,
    };
    assert_eq!(resolved(patch), expected);
}

#[test]
fn everything_wrong_is_told_at_once() {
    let patch = json!({
        "displayName": " ", "groupId": "x", "defaultRole": "two words", "schedule": "often",
        "policy": {"adoptDomains": ["x"], "protectedRoles": [""], "maxDeactivations": {"percent": 101}},
    });
    let mut found = pointers(patch);
    found.sort_unstable();
    let expected = [
        "/defaultRole",
        "/displayName",
        "/groupId",
        "/policy/adoptDomains/0",
        "/policy/maxDeactivations/percent",
        "/policy/protectedRoles/0",
        "/schedule",
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_quarantined_connection_is_not_paused() {
    for state in [ConnectionState::Active, ConnectionState::Quarantined] {
        assert!(!unchanged(&Connection { state, ..connection() }).paused, "{state:?}");
    }
}
