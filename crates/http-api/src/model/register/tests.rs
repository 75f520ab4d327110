use directory_core::{EmailAttribute, MaxDeactivations, Policy};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::*;

const DIRECTORY: &str = "3f2504e0-4f89-11d3-9a0c-0305e82c3301";
const CLIENT: &str = "7d444840-9dc0-11d1-b245-5ffdce74fad2";
const SECRET: &str = "Abc8Q~synthetic.value-of_a-secret";

fn tenant() -> TenantId {
    "01890a5d-ac96-774b-bcce-b302099a8057".parse().unwrap()
}

fn minimal() -> Value {
    json!({"displayName": "Acme Entra", "directoryId": DIRECTORY, "clientId": CLIENT, "clientSecret": SECRET})
}

/// The minimal body with `member` set; a dot leads into the policy.
fn with(member: &str, value: &Value) -> Value {
    let mut body = minimal();
    match member.strip_prefix("policy.") {
        Some(member) => body["policy"] = json!({member: value}),
        None => body[member] = value.clone(),
    }
    body
}

fn register(body: Value) -> Result<Registration, Vec<FieldError>> {
    serde_json::from_value::<RegisterEntra>(body).unwrap().into_registration(tenant())
}

fn accepted(body: Value) -> Registration {
    register(body).unwrap_or_else(|errors| panic!("{errors:?}"))
}

fn pointers(body: Value) -> Vec<String> {
    register(body).err().unwrap_or_default().into_iter().map(|error| error.pointer).collect()
}

#[test]
fn the_minimal_body_takes_every_default() {
    let made = accepted(minimal());
    assert_eq!(made.tenant, tenant());
    assert_eq!((made.provider.as_str(), made.display_name.as_str()), ("entra", "Acme Entra"));
    assert_eq!((made.directory_id.as_str(), made.client_id.as_str()), (DIRECTORY, CLIENT));
    assert_eq!(made.credential.secret().unwrap().expose_secret(), SECRET);
    assert_eq!((made.cloud.as_str(), made.default_role.as_str()), ("global", "member"));
    assert_eq!((made.group_id, made.schedule, made.credential_expires_at), (None, None, None));
    assert_eq!(made.policy, Policy::default_for(false));
}

#[test]
fn null_is_the_default() {
    let mut body = minimal();
    for member in ["groupId", "defaultRole", "cloud", "clientSecretExpiresAt", "schedule", "policy"] {
        body[member] = Value::Null;
    }
    assert_eq!(accepted(body).policy, Policy::default_for(false));
    let nulls = json!({
        "deactivateMissing": null, "includeGuests": null, "includeDisabled": null, "includeNestedGroups": null,
        "emailAttribute": null, "adoptByEmail": null, "adoptDomains": null, "protectedRoles": null,
        "maxDeactivations": {"percent": null, "count": null},
    });
    assert_eq!(accepted(with("policy", &nulls)).policy, Policy::default_for(false));
}

#[test]
fn every_member_is_taken_in_its_stored_form() {
    let mut body = minimal();
    body["displayName"] = json!("  Zoe\u{308} & Co ");
    body["directoryId"] = json!(DIRECTORY.to_uppercase());
    body["groupId"] = json!(CLIENT.to_uppercase());
    body["defaultRole"] = json!("team:read_only.v-2");
    body["cloud"] = json!("usGovDod");
    body["clientSecretExpiresAt"] = json!("2030-01-31T01:00:00+01:00");
    body["schedule"] = json!("every  15m");
    body["policy"] = json!({
        "deactivateMissing": false, "includeGuests": false, "includeDisabled": false, "includeNestedGroups": false,
        "emailAttribute": "userPrincipalName", "adoptByEmail": false, "adoptDomains": [" Example.ORG "],
        "protectedRoles": [], "maxDeactivations": {"percent": 0, "count": 3},
    });
    let made = accepted(body);
    assert_eq!(made.display_name, "Zo\u{eb} & Co");
    assert_eq!((made.directory_id.as_str(), made.group_id.as_deref()), (DIRECTORY, Some(CLIENT)));
    assert_eq!((made.default_role.as_str(), made.cloud.as_str()), ("team:read_only.v-2", "usGovDod"));
    assert_eq!(made.credential_expires_at.unwrap().to_rfc3339(), "2030-01-31T00:00:00+00:00");
    assert_eq!(made.schedule.as_deref(), Some("every 15m"));
    let policy = Policy {
        deactivate_missing: false,
        include_guests: false,
        include_disabled: false,
        include_nested_groups: false,
        email_attribute: EmailAttribute::UserPrincipalName,
        adopt_by_email: false,
        adopt_domains: Some(vec!["example.org".to_owned()]),
        protected_roles: Vec::new(),
        max_deactivations: MaxDeactivations { percent: 0, count: 3 },
    };
    assert_eq!(made.policy, policy);
}

#[test]
fn guests_are_in_by_default_when_a_group_is_chosen() {
    let body = with("groupId", &json!(CLIENT));
    assert_eq!(accepted(body.clone()).policy, Policy::default_for(true));
    let mut without_guests = body;
    without_guests["policy"] = json!({"includeGuests": false});
    assert!(!accepted(without_guests).policy.include_guests);
}

#[test]
fn half_a_limit_keeps_the_other_half() {
    let made = accepted(with("policy.maxDeactivations", &json!({"percent": 100})));
    assert_eq!(made.policy.max_deactivations, MaxDeactivations { percent: 100, count: 10 });
}

#[test]
fn each_wrong_value_is_pointed_at() {
    let long = |character: &str, count: usize| json!(character.repeat(count));
    let table = [
        (
            "displayName",
            "/displayName",
            vec![json!(""), json!(" \t "), long("a", 201), json!("a\u{7}b"), json!("a\nb")],
        ),
        (
            "directoryId",
            "/directoryId",
            vec![
                json!(""),
                json!("acme.onmicrosoft.com"),
                json!("3f2504e04f8911d39a0c0305e82c3301"),
                json!("{3f2504e0-4f89-11d3-9a0c-0305e82c3301}"),
                json!("3f2504e0-4f89-11d3-9a0c-0305e82c330g"),
                long("é", 18),
            ],
        ),
        ("clientId", "/clientId", vec![json!(""), json!("app")]),
        ("groupId", "/groupId", vec![json!(""), json!("engineering")]),
        (
            "clientSecret",
            "/clientSecret",
            vec![
                json!(""),
                long("a", 1025),
                json!(" abc"),
                json!("abc\n"),
                json!("a\u{0}b"),
                json!(CLIENT),
                json!(CLIENT.to_uppercase()),
            ],
        ),
        ("defaultRole", "/defaultRole", vec![json!(""), json!("two words"), json!("rôle"), long("a", 65)]),
        ("cloud", "/cloud", vec![json!(""), json!("Global"), json!("germany")]),
        (
            "clientSecretExpiresAt",
            "/clientSecretExpiresAt",
            vec![json!(""), json!("2030-01-31"), json!("2030-13-01T00:00:00Z"), json!("tomorrow")],
        ),
        ("schedule", "/schedule", vec![json!(""), json!("hourly"), json!("every 0m"), json!("61 * * * *")]),
        (
            "policy.adoptDomains",
            "/policy/adoptDomains/1",
            ["", "@example.org", "a@example.org", "localhost", "a..b", "-a.b", "a b.c"]
                .map(|bad| json!(["example.org", bad]))
                .to_vec(),
        ),
        ("policy.adoptDomains", "/policy/adoptDomains", vec![json!(vec!["example.org"; 101])]),
        ("policy.protectedRoles", "/policy/protectedRoles/0", vec![json!([""]), json!(["a b"])]),
        ("policy.protectedRoles", "/policy/protectedRoles", vec![json!(vec!["admin"; 51])]),
        (
            "policy.maxDeactivations",
            "/policy/maxDeactivations/percent",
            vec![json!({"percent": 101}), json!({"percent": 300})],
        ),
        ("policy.maxDeactivations", "/policy/maxDeactivations/count", vec![json!({"count": 4_294_967_296_u64})]),
    ];
    for (member, pointer, values) in table {
        for value in values {
            assert_eq!(pointers(with(member, &value)), [pointer], "{member}: {value}");
        }
    }
}

#[test]
fn the_longest_values_are_taken() {
    accepted(with("displayName", &json!("ü".repeat(200))));
    accepted(with("clientSecret", &json!("x".repeat(1024))));
    accepted(with("defaultRole", &json!("r".repeat(64))));
    accepted(with("policy.protectedRoles", &json!(vec!["admin"; 50])));
}

#[test]
fn everything_wrong_is_told_at_once() {
    let body = json!({"groupId": "x", "cloud": "x", "policy": {"maxDeactivations": {"percent": 101}}});
    let expected = [
        "/displayName",
        "/directoryId",
        "/clientId",
        "/clientSecret",
        "/groupId",
        "/cloud",
        "/policy/maxDeactivations/percent",
    ];
    assert_eq!(pointers(body), expected);
}

#[test]
fn a_pasted_secret_id_is_told_apart() {
    let errors = register(with("clientSecret", &json!(CLIENT))).err().unwrap();
    assert!(errors[0].detail.contains("Value"), "{errors:?}");
}

#[test]
fn nothing_shows_the_secret() {
    let input: RegisterEntra = serde_json::from_value(minimal()).unwrap();
    assert!(!format!("{input:?}").contains(SECRET));
}
