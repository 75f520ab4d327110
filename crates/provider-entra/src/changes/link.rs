//! The links that a continuation is made of.

use directory_core::Continuation;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::links;

/// Delta links of a connection. Kept as JSON, so that others can be added.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Links {
    pub(super) users: Url,
}

impl Links {
    /// A link as Graph gave it; `None` where the token must not go there.
    pub(super) fn new(graph: &Url, users: &str) -> Option<Self> {
        links::check(graph, users).ok().map(|users| Self { users })
    }

    /// `None` for what is no continuation of this API, or one of another Graph.
    pub(super) fn of(graph: &Url, continuation: &Continuation) -> Option<Self> {
        let links: Self = serde_json::from_str(continuation.expose()).ok()?;
        Self::new(graph, links.users.as_str())
    }

    pub(super) fn to_continuation(&self) -> Continuation {
        Continuation::new(serde_json::json!(self).to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_come_back_for_their_own_graph_only() {
        let graph = |host: &str| Url::parse(&format!("https://{host}/v1.0/")).expect("URL");
        let (here, there) = (graph("graph.microsoft.com"), graph("graph.microsoft.us"));
        let link = "https://graph.microsoft.com/v1.0/users/delta?$deltatoken=a%2Bb%27c";
        let links = Links::new(&here, link).expect("link");
        let kept = links.to_continuation();
        assert_eq!(Links::of(&here, &kept).expect("link").users.as_str(), link);
        assert!(Links::of(&there, &kept).is_none());
        assert!(Links::new(&here, "https://evil.test/v1.0/users/delta").is_none());
        for text in ["", "{}", "[]", r#"{"users":7}"#] {
            assert!(Links::of(&here, &Continuation::new(text.to_owned())).is_none(), "{text}");
        }
        assert!(!format!("{kept:?}").contains("deltatoken"));
    }
}
