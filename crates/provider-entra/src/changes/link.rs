//! The links that a continuation is made of.

use std::borrow::Cow;

use directory_core::Continuation;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::{links, request::USER_FIELDS};

/// Delta links of a connection.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Links {
    pub(super) users: Url,
    /// Of the group's members, where the scope is a group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) members: Option<Url>,
}

/// How they are kept, as JSON.
#[derive(Serialize, Deserialize)]
struct Kept<'a> {
    #[serde(flatten)]
    links: Links,
    /// The properties whose changes the links tell. Of a user who never changes again they tell nothing, so a program that
    /// reads other properties has to read everybody first.
    fields: Cow<'a, str>,
}

impl Links {
    /// `None` for what is no continuation of this API and this kind of scope, or one of another Graph or other properties.
    pub(super) fn of(graph: &Url, has_group: bool, continuation: &Continuation) -> Option<Self> {
        let Kept { links, fields } = serde_json::from_str(continuation.expose()).ok()?;
        if fields != USER_FIELDS {
            return None;
        }
        let members = match &links.members {
            Some(members) => Some(own(graph, members.as_str())?),
            None => None,
        };
        let users = own(graph, links.users.as_str())?;
        (members.is_some() == has_group).then_some(Self { users, members })
    }

    pub(super) fn to_continuation(&self) -> Continuation {
        let kept = Kept { links: self.clone(), fields: USER_FIELDS.into() };
        Continuation::new(serde_json::json!(kept).to_string())
    }
}

/// A link as Graph gave it; `None` where the token must not go there.
pub(super) fn own(graph: &Url, link: &str) -> Option<Url> {
    links::check(graph, link).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_come_back_for_their_own_graph_and_scope_only() {
        let graph = |host: &str| Url::parse(&format!("https://{host}/v1.0/")).expect("URL");
        let (here, there) = (graph("graph.microsoft.com"), graph("graph.microsoft.us"));
        let link = "https://graph.microsoft.com/v1.0/users/delta?$deltatoken=a%2Bb%27c";
        let users = own(&here, link).expect("link");
        let kept = Links { users: users.clone(), members: None }.to_continuation();
        assert_eq!(Links::of(&here, false, &kept).expect("link").users.as_str(), link);
        assert!(Links::of(&there, false, &kept).is_none() && Links::of(&here, true, &kept).is_none());
        let kept = Links { members: Some(users.clone()), users }.to_continuation();
        assert!(Links::of(&here, true, &kept).is_some() && Links::of(&here, false, &kept).is_none());
        assert!(own(&here, "https://evil.test/v1.0/users/delta").is_none());
        let other = Continuation::new(kept.expose().replace("displayName", "jobTitle"));
        assert!(
            Links::of(&here, true, &kept).is_some() && Links::of(&here, true, &other).is_none(),
            "other properties"
        );
        for text in ["", "{}", "[]", r#"{"users":7}"#] {
            assert!(Links::of(&here, false, &Continuation::new(text.to_owned())).is_none(), "{text}");
        }
        assert!(!format!("{kept:?}").contains("deltatoken"));
    }
}
