//! The body of a listing's page.

use serde_json::{Value, json};

use crate::fault::FaultKind;

/// A page, before it is written.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) context: String,
    pub(crate) count: Option<usize>,
    /// A link to this very page, with a token of its own.
    pub(crate) here: String,
    pub(crate) onward: Onward,
    pub(crate) items: Items,
}

/// How a page leads on. One has a next link or a delta link, never both.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Onward {
    /// It is a listing's last one.
    End,
    /// To the next page.
    Next(String),
    /// It is the last one of a delta round: to the next round.
    Delta(String),
}

impl Onward {
    /// To the next page of a listing, if there is one.
    pub(crate) fn next(link: Option<String>) -> Self {
        link.map_or(Self::End, Self::Next)
    }
}

/// The objects of a page, written one after the other into one buffer.
#[derive(Debug, Default)]
pub(crate) struct Items {
    json: String,
    ends: Vec<usize>,
}

impl Items {
    /// Appends one object of these members.
    pub(crate) fn push(&mut self, members: impl Iterator<Item = (&'static str, Value)>) {
        if !self.json.is_empty() {
            self.json.push(',');
        }
        push_object(&mut self.json, members);
        self.ends.push(self.json.len());
    }

    fn drop_last(&mut self, count: usize) {
        self.ends.truncate(self.ends.len().saturating_sub(count));
        self.json.truncate(self.ends.last().copied().unwrap_or_default());
    }

    fn duplicate(&mut self) {
        if !self.json.is_empty() {
            self.json = format!("{0},{0}", self.json);
        }
    }
}

impl Page {
    /// The body; `own_url` is what the client asked.
    pub(crate) fn render(mut self, fault: Option<&FaultKind>, own_url: &str) -> String {
        match fault {
            Some(FaultKind::EmptyPage) => {
                self.items = Items::default();
                self.onward = Onward::Next(std::mem::take(&mut self.here));
            }
            Some(FaultKind::LoopingNextLink) => self.onward = Onward::Next(own_url.to_owned()),
            Some(FaultKind::ForeignNextLink { url }) => self.onward = Onward::Next(url.clone()),
            Some(FaultKind::DuplicateItems) => self.items.duplicate(),
            Some(FaultKind::DropItems { count }) => self.items.drop_last(*count),
            _ => {}
        }
        let mut body = String::with_capacity(self.items.json.len() + 512);
        body.push('{');
        push_member(&mut body, "@odata.context", &json!(self.context));
        if let Some(count) = self.count {
            body.push(',');
            push_member(&mut body, "@odata.count", &json!(count));
        }
        let link = match self.onward {
            Onward::End => None,
            Onward::Next(link) => Some(("@odata.nextLink", link)),
            Onward::Delta(link) => Some(("@odata.deltaLink", link)),
        };
        if let Some((name, link)) = link {
            body.push(',');
            push_member(&mut body, name, &Value::String(link));
        }
        if !matches!(fault, Some(FaultKind::MissingValue)) {
            body += ",\"value\":[";
            body += &self.items.json;
            body.push(']');
        }
        body.push('}');
        body
    }
}

/// Writes one object.
pub(crate) fn push_object(json: &mut String, members: impl Iterator<Item = (&'static str, Value)>) {
    json.push('{');
    for (place, (name, value)) in members.enumerate() {
        if place > 0 {
            json.push(',');
        }
        push_member(json, name, &value);
    }
    json.push('}');
}

/// `name` is one that needs no escaping.
fn push_member(json: &mut String, name: &str, value: &Value) {
    json.push('"');
    json.push_str(name);
    json.push_str("\":");
    push_value(json, value);
}

/// The plain cases by hand: a page of a thousand users has twenty thousand values.
fn push_value(json: &mut String, value: &Value) {
    match value {
        Value::String(text) if !text.bytes().any(|byte| byte < b' ' || byte == b'"' || byte == b'\\') => {
            json.push('"');
            json.push_str(text);
            json.push('"');
        }
        Value::Null => json.push_str("null"),
        other => json.push_str(&other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_as_serde_would() {
        for value in [
            json!(null),
            json!(true),
            json!("plain"),
            json!("Zoë 太郎 🦀"),
            json!("quote \" backslash \\ newline \n tab \t bell \u{7}"),
            json!(["a", "\""]),
            json!([{"a": 1}]),
        ] {
            let mut written = String::new();
            push_value(&mut written, &value);
            assert_eq!(written, value.to_string());
        }
    }
}
