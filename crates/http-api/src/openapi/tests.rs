//! The document agrees with what is served, with itself, and with the copy that is checked in.

use std::{collections::BTreeSet, env, fs, path::Path};

use serde_json::{Value, json};

use super::document;
use crate::{
    model::{
        ApprovalInput, ConnectionPatch, CredentialInput, LinkInput, RegisterEntra, ReplayInput, SyncInput,
        WebhookInput, WebhookPatch,
    },
    routes::{BASE, below_base, beside_base},
};

/// Set: the copy is written instead of compared.
const RENEW: &str = "DIRECTORY_RENEW_OPENAPI";
const METHODS: [&str; 5] = ["get", "put", "post", "delete", "patch"];

fn json() -> Value {
    serde_json::to_value(document()).unwrap()
}

/// Each operation with its path and method.
fn operations(document: &Value) -> Vec<(String, Value)> {
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            assert!(METHODS.contains(&method.as_str()), "{method} {path}");
            all.push((format!("{method} {path}"), operation.clone()));
        }
    }
    all
}

#[test]
fn the_copy_that_is_checked_in_is_this_document() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json");
    let current = format!("{}\n", document().to_pretty_json().unwrap());
    if env::var_os(RENEW).is_some() {
        fs::write(path, current).unwrap();
        return;
    }
    let copy = fs::read_to_string(path).unwrap_or_default();
    // Not `assert_eq`: two documents of thousands of lines would hide what to do.
    assert!(copy == current, "docs/openapi.json is out of date; renew it with: cargo xtask openapi");
}

#[test]
fn every_route_is_documented_and_nothing_else() {
    let below = below_base().into_iter().map(|route| (BASE, route));
    let beside = beside_base().into_iter().map(|route| ("", route));
    let mut routes = BTreeSet::new();
    for (base, route) in below.chain(beside) {
        // Whatever has GET has HEAD, and the document says so once.
        let methods = route.methods().iter().filter(|method| *method != "HEAD");
        routes.extend(methods.map(|method| format!("{} {base}{}", method.as_str().to_lowercase(), route.path())));
    }
    let documented: BTreeSet<_> = operations(&json()).into_iter().map(|(name, _)| name).collect();
    assert_eq!(documented, routes);
}

#[test]
fn every_operation_is_described_and_has_a_name_of_its_own() {
    let document = json();
    let mut ids = BTreeSet::new();
    for (name, operation) in operations(&document) {
        assert!(ids.insert(operation["operationId"].as_str().unwrap().to_owned()), "{name}");
        assert!(!operation["summary"].as_str().unwrap().is_empty(), "{name}");
        let tag = &operation["tags"][0];
        assert!(document["tags"].as_array().unwrap().iter().any(|known| known["name"] == *tag), "{name}");
    }
}

#[test]
fn whatever_needs_a_token_says_what_it_is_refused_with() {
    let document = json();
    for (name, operation) in operations(&document) {
        let statuses: BTreeSet<_> = operation["responses"].as_object().unwrap().keys().map(String::as_str).collect();
        let has = |wanted: &[&str]| wanted.iter().all(|status| statuses.contains(status));
        if name.contains(BASE) {
            assert_eq!(operation["security"], Value::Null, "{name}");
            assert!(has(&["400", "401", "403", "429", "500", "503"]), "{name}: {statuses:?}");
            assert_eq!(name.contains("/{"), has(&["404"]), "{name}: {statuses:?}");
        } else {
            assert_eq!(operation["security"], json!([{}]), "{name}");
        }
        assert_eq!(operation["requestBody"].is_object(), has(&["408", "413", "415"]), "{name}: {statuses:?}");
    }
    assert_eq!(document["security"], json!([{"token": []}]));
}

#[test]
fn every_body_has_examples_that_fit_its_schema() {
    let document = json();
    for (name, operation) in operations(&document) {
        let responses =
            operation["responses"].as_object().unwrap().values().map(|response| resolve(&document, response));
        let bodies = responses.chain([&operation["requestBody"]]).filter_map(|body| body["content"].as_object());
        for (media_type, content) in bodies.flatten() {
            if !(media_type.contains("json") || media_type.contains("event")) || name.ends_with("/openapi.json") {
                continue;
            }
            let examples = content["examples"].as_object().unwrap_or_else(|| panic!("no example: {name}"));
            for (which, example) in examples {
                let complaints = complaints(&document, &content["schema"], &resolve(&document, example)["value"]);
                assert!(complaints.is_empty(), "{name} {which}: {complaints:?}");
            }
        }
    }
}

#[test]
fn every_reference_leads_somewhere() {
    let document = json();
    let text = document.to_string();
    let references: BTreeSet<_> = text.split(r#""$ref":""#).skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert!(references.len() > 50, "{references:?}");
    for reference in references {
        assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
    }
}

#[test]
fn the_examples_of_requests_are_taken() {
    let document = json();
    let tenant = "01890a5d-ac96-774b-bcce-b302099a8058".parse().unwrap();
    let mut taken = 0;
    for (name, operation) in operations(&document) {
        let content = &operation["requestBody"]["content"]["application/json"];
        for (which, example) in content["examples"].as_object().into_iter().flatten() {
            let value = resolve(&document, example)["value"].clone();
            let problem = match schema_name(&content["schema"]).as_str() {
                "Registration" => read::<RegisterEntra>(value).into_registration(tenant).err(),
                "Credential" => read::<CredentialInput>(value).into_credential().err(),
                "Approval" => read::<ApprovalInput>(value).into_plan().err(),
                "LinkRequest" => read::<LinkInput>(value).into_target().err(),
                "ConnectionPatch" => Some(read::<ConnectionPatch>(value)).and(None),
                "SyncRequest" => Some(read::<SyncInput>(value)).and(None),
                "NewWebhook" => read::<WebhookInput>(value).into_registration(tenant, |_| None).err(),
                "WebhookPatch" => Some(read::<WebhookPatch>(value)).and(None),
                "Replay" => read::<ReplayInput>(value).into_replay().err(),
                "Nothing" => (value != json!({})).then(Vec::new),
                other => panic!("{name} takes {other}"),
            };
            assert_eq!(problem, None, "{name} {which}");
            taken += 1;
        }
    }
    assert!(taken > 10, "{taken}");
}

/// The members of answers that are other crates' types are written down a second time: here the two are compared.
#[test]
fn a_schema_that_has_lost_a_member_is_noticed() {
    let mut document = json();
    let schema = json!({"$ref": "#/components/schemas/Run"});
    let operation = &document["paths"]["/api/directory/runs/{id}"]["get"]["responses"]["200"];
    let run = resolve(&document, &operation["content"]["application/json"]["examples"]["held"])["value"].clone();
    assert_eq!(complaints(&document, &schema, &run), Vec::<String>::new());
    document["components"]["schemas"]["Counts"]["properties"].as_object_mut().unwrap().remove("linked");
    assert_eq!(complaints(&document, &schema, &run), ["/counts/linked is not documented"]);
    let mut short = run.clone();
    short["counts"].as_object_mut().unwrap().remove("seen");
    assert!(complaints(&document, &schema, &short).contains(&"/counts/seen is missing".to_owned()));
}

fn read<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

/// What `#/components/…` stands for, also as the only item of an `oneOf` with null.
fn resolve<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    match value["$ref"].as_str() {
        Some(reference) => document.pointer(reference.trim_start_matches('#')).unwrap_or_else(|| panic!("{reference}")),
        None => value,
    }
}

fn schema_name(schema: &Value) -> String {
    let items = schema["oneOf"].as_array().into_iter().flatten().chain([schema]);
    let mut names = items.filter_map(|item| item["$ref"].as_str()?.rsplit('/').next());
    names.next_back().unwrap_or_default().to_owned()
}

/// What of `value` the schema does not allow: types, words, and members that are missing or unknown.
fn complaints(document: &Value, schema: &Value, value: &Value) -> Vec<String> {
    let mut members = BTreeSet::new();
    let mut found = check(document, schema, value, "", &mut members);
    found.retain(|complaint| !complaint.is_empty());
    found
}

/// `known` collects the members that are documented at this place: with `allOf` in several schemas.
fn check(document: &Value, schema: &Value, value: &Value, at: &str, known: &mut BTreeSet<String>) -> Vec<String> {
    let schema = resolve(document, schema);
    if let Some(ways) = schema["oneOf"].as_array() {
        let mut tried = ways.iter().map(|way| check(document, way, value, at, &mut BTreeSet::new()));
        let fits = tried.clone().any(|complaints| complaints.is_empty());
        return if fits { Vec::new() } else { tried.next_back().unwrap_or_default() };
    }
    let mut found = Vec::new();
    if let Some(parts) = schema["allOf"].as_array() {
        let mut all = BTreeSet::new();
        for part in parts {
            found.extend(check_members_of(document, part, value, at, &mut all));
        }
        found.extend(unknown(value, at, &all));
        return found;
    }
    found.extend(check_members_of(document, schema, value, at, known));
    // Unless the schema says that any member may be there.
    if schema["additionalProperties"] != json!(true) {
        found.extend(unknown(value, at, known));
    }
    found
}

fn unknown(value: &Value, at: &str, known: &BTreeSet<String>) -> Vec<String> {
    let names = value.as_object().into_iter().flat_map(|object| object.keys());
    names.filter(|name| !known.contains(*name)).map(|name| format!("{at}/{name} is not documented")).collect()
}

fn check_members_of(
    document: &Value,
    schema: &Value,
    value: &Value,
    at: &str,
    known: &mut BTreeSet<String>,
) -> Vec<String> {
    let schema = resolve(document, schema);
    if let Some(ways) = schema["oneOf"].as_array() {
        // Alternatives below `allOf`: the one whose word in `code` it is.
        let fits = |way: &&Value| {
            let word = &resolve(document, way)["properties"]["code"]["enum"][0];
            *word == value["code"]
        };
        return match ways.iter().find(fits) {
            Some(way) => check_members_of(document, way, value, at, known),
            None => vec![format!("{at} fits no alternative")],
        };
    }
    let mut found = Vec::new();
    let types = schema["type"].as_array().cloned().unwrap_or_else(|| vec![schema["type"].clone()]);
    let is = |name: &str| match name {
        "null" => value.is_null(),
        "string" => value.is_string(),
        "integer" => value.is_u64(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        _ => value.is_object(),
    };
    if !types.iter().filter_map(Value::as_str).any(is) {
        found.push(format!("{at} is no {types:?}"));
        return found;
    }
    if schema["enum"].as_array().is_some_and(|words| !words.contains(value)) {
        found.push(format!("{at} is none of the words"));
    }
    for item in value.as_array().into_iter().flatten() {
        found.extend(check(document, &schema["items"], item, at, &mut BTreeSet::new()));
    }
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        known.insert(name.clone());
        match value.get(name) {
            Some(member) => {
                found.extend(check(document, property, member, &format!("{at}/{name}"), &mut BTreeSet::new()));
            }
            None if schema["required"].as_array().is_some_and(|names| names.contains(&json!(name))) => {
                found.push(format!("{at}/{name} is missing"));
            }
            None => {}
        }
    }
    found
}
