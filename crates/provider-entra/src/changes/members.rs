//! Who came into a group and who left it (protocol reference §4.5).

use std::collections::HashMap;

use directory_core::{ExternalId, FailureKind, ProviderError};
use serde::Deserialize;

use crate::{
    error::protocol,
    json::Text,
    page::{BodyFault, Items, Kind, object_id, read_items},
    request::Target,
};

use super::page::Removal;

/// A page as it arrived.
pub(crate) struct MembersPage {
    pub(crate) groups: Vec<GroupChange>,
    /// There is more of this round.
    pub(crate) next_link: Option<String>,
    /// The round ends here, and the next one begins there.
    pub(crate) delta_link: Option<String>,
}

/// What a page says of a group. The same group may come again, with others of its members.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct GroupChange {
    id: ExternalId,
    deleted: bool,
    /// Users only, and whether each is a member now.
    members: Vec<(ExternalId, bool)>,
}

#[derive(Deserialize)]
struct GroupItem<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(default, rename = "@removed")]
    removed: Option<Removal>,
    #[serde(borrow, default, rename = "members@delta")]
    members: Option<Vec<MemberItem<'a>>>,
}

#[derive(Deserialize)]
struct MemberItem<'a> {
    #[serde(borrow, default, rename = "@odata.type")]
    odata_type: Option<Text<'a>>,
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(default, rename = "@removed")]
    removed: Option<Removal>,
}

/// Reads a page of changed members. An item that cannot be read may be anybody's, so then there is no page.
pub(crate) fn parse_members(body: &[u8]) -> Result<MembersPage, BodyFault> {
    let Items { objects, read, next_link, delta_link } = read_items(body, |item| change(item).map(Some), |_| None)?;
    if read.len() < objects || next_link.is_some() == delta_link.is_some() {
        return Err(BodyFault::NotAsked);
    }
    Ok(MembersPage { groups: read, next_link, delta_link })
}

fn change(item: GroupItem<'_>) -> Result<GroupChange, BodyFault> {
    let id = object_id(item.id.as_str()).ok_or(BodyFault::NotAsked)?;
    let mut members = Vec::new();
    for member in item.members.unwrap_or_default() {
        if Kind::of(member.odata_type.as_ref()) != Kind::Other {
            let id = object_id(member.id.as_str()).ok_or(BodyFault::NotAsked)?;
            members.push((id, member.removed.is_none()));
        }
    }
    Ok(GroupChange { id, deleted: item.removed.is_some(), members })
}

/// What a round said of one group's members.
#[derive(Default)]
pub(super) struct Membership(HashMap<ExternalId, bool>);

impl Membership {
    /// Takes what is said of the group in question; others come in between.
    pub(super) fn take(&mut self, target: &Target, groups: Vec<GroupChange>) -> Result<(), ProviderError> {
        for group in groups.into_iter().filter(|group| target.is_of_group(group.id.as_str())) {
            if group.deleted {
                return Err(unsure("The group was deleted, or deleted and brought back."));
            }
            for (id, is_member) in group.members {
                // Graph promises no order, so which of two words is the last is not known.
                if self.0.insert(id, is_member).is_some_and(|before| before != is_member) {
                    return Err(unsure(
                        "Microsoft Graph tells that somebody came into the group and that they left it.",
                    ));
                }
            }
        }
        Ok(())
    }

    /// Who came and who left.
    pub(super) fn into_parts(self) -> (Vec<ExternalId>, Vec<ExternalId>) {
        let (came, left): (Vec<_>, Vec<_>) = self.0.into_iter().partition(|(_, is_member)| *is_member);
        let ids = |some: Vec<(ExternalId, bool)>| some.into_iter().map(|(id, _)| id).collect();
        (ids(came), ids(left))
    }
}

/// Only a listing tells.
fn unsure(what: &str) -> ProviderError {
    let error = protocol(what, "Nothing has to be changed: the group is listed as a whole.");
    ProviderError { kind: FailureKind::ListingExpired, ..error }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn id(text: &str) -> ExternalId {
        ExternalId::parse(text).expect("id")
    }

    #[test]
    fn users_come_and_go_and_other_kinds_do_not_matter() {
        let body = br##"{"@odata.deltaLink":"https://x/","value":[{"id":"g","members@delta":[
            {"@odata.type":"#microsoft.graph.user","id":"a"},
            {"@odata.type":"#microsoft.graph.group","id":"b"},
            {"@odata.type":"#microsoft.graph.device","id":"c","@removed":{"reason":"deleted"}},
            {"@odata.type":"#microsoft.graph.user","id":"d","@removed":{"reason":"deleted"}},
            {"id":"e"}]},{"id":"h","@removed":{"reason":"deleted"}},{"id":"i"}]}"##;
        let groups = parse_members(body).expect("page").groups;
        assert_eq!(groups[0].members, [(id("a"), true), (id("d"), false), (id("e"), true)]);
        assert_eq!((groups[0].deleted, groups[1].deleted), (false, true));
        assert!(groups[2].members.is_empty());
    }

    #[rstest]
    #[case(r#"{"value":[{"id":"g","members@delta":[{"id":7}]}],"@odata.deltaLink":"https://x/"}"#)]
    #[case(r#"{"value":[{"members@delta":[]}],"@odata.deltaLink":"https://x/"}"#)]
    #[case(r#"{"value":[{"id":"g","members@delta":{}}],"@odata.deltaLink":"https://x/"}"#)]
    #[case(r#"{"value":[{"id":" "}],"@odata.deltaLink":"https://x/"}"#)]
    #[case(r#"{"value":[{"id":"g","members@delta":[{"id":"a","@removed":true}]}],"@odata.deltaLink":"https://x/"}"#)]
    #[case(r#"{"value":[]}"#)]
    fn what_cannot_be_read_is_no_page(#[case] body: &str) {
        assert_eq!(parse_members(body.as_bytes()).err(), Some(BodyFault::NotAsked));
    }
}
