//! The audit log.

use http_api::model::{ActorView, AuditEntryView, ListView};
use serde_json::{Map, Value};

use super::difference;
use crate::table::{Table, time};

pub(crate) fn list(entries: &ListView<AuditEntryView>) -> Table {
    let mut table = Table::list(["AT", "WHO", "ACTION", "SUBJECT", "WHAT"]);
    for entry in &entries.items {
        table.row([
            time(entry.at),
            who(&entry.actor),
            entry.action.clone(),
            format!("{} {}", entry.subject.kind, entry.subject.id),
            difference::members(members(entry.before.as_ref()), members(entry.after.as_ref())).join("; "),
        ]);
    }
    table
}

/// The kind, and the name or else the id.
fn who(actor: &ActorView) -> String {
    let known_as = actor.name.as_ref().or(actor.id.as_ref());
    [Some(actor.kind.as_str()), known_as.map(String::as_str)].into_iter().flatten().collect::<Vec<_>>().join(" ")
}

fn members(values: Option<&Value>) -> Map<String, Value> {
    values.and_then(Value::as_object).cloned().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use store::{Actor, AuditEntry, Subject};

    use super::*;

    const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

    fn shown(actor: Actor, before: Option<Value>, after: Option<Value>) -> String {
        let subject = Subject { kind: "connection".to_owned(), id: ID.to_owned() };
        let entry = AuditEntry {
            id: ID.parse().unwrap(),
            tenant: ID.parse().unwrap(),
            at: "2026-01-02T03:04:05Z".parse().unwrap(),
            actor,
            action: "connection.updated".to_owned(),
            subject,
            before,
            after,
        };
        list(&ListView { items: vec![entry.into()], next_cursor: None }).render(None)
    }

    #[test]
    fn a_line_says_when_who_and_what() {
        let (before, after) =
            (json!({"schedule": null, "state": "active"}), json!({"schedule": "every 15m", "state": "paused"}));
        let text = shown(Actor::operator(Some("zoe".to_owned())), Some(before), Some(after));
        let what = "schedule: (none) -> every 15m; state: active -> paused";
        for part in ["2026-01-02 03:04:05Z", "operator zoe", "connection.updated", &format!("connection {ID}"), what] {
            assert!(text.contains(part), "`{part}` in {text}");
        }
        let gone = shown(Actor::person("p1".to_owned(), None), Some(json!({"cloud": "global", "groupId": null})), None);
        assert!(gone.contains("person p1") && gone.trim_end().ends_with("cloud: global"), "{gone}");
        assert!(shown(Actor::SYSTEM.clone(), None, None).contains(" system "));
    }
}
