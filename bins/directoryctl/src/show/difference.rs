//! Old and new values side by side.

use directory_core::Values;
use serde_json::{Map, Value};

/// Each member with its old value, where there was one, and its new one. What was and stays empty is left out.
pub(crate) fn members(mut before: Map<String, Value>, after: Map<String, Value>) -> Vec<String> {
    let mut facts: Vec<String> = after
        .into_iter()
        .filter_map(|(name, new)| match before.remove(&name) {
            Some(old) => Some(format!("{name}: {} -> {}", plain(&old), plain(&new))),
            None if new.is_null() => None,
            None => Some(format!("{name}: {}", plain(&new))),
        })
        .collect();
    facts.extend(
        before.into_iter().filter(|(_, old)| !old.is_null()).map(|(name, old)| format!("{name}: {}", plain(&old))),
    );
    facts
}

/// A user's attributes, by their names in the interface.
pub(crate) fn values(before: Option<&Values>, after: Option<&Values>) -> Vec<String> {
    members(attributes(before), attributes(after))
}

fn attributes(values: Option<&Values>) -> Map<String, Value> {
    match values.map(serde_json::to_value) {
        Some(Ok(Value::Object(members))) => members,
        _ => Map::new(),
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => "(none)".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
