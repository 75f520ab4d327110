//! A page of changes, from bytes to what it tells.

use directory_core::{DirectoryEntry, ExternalId};
use serde::{Deserialize, Deserializer};

use crate::{
    json::Text,
    page::{BodyFault, Item, Items, entry, kind_of, object_id, read_items, unreadable},
};

use super::said::{MaySay, Said};

/// A page as it arrived.
pub(crate) struct ChangesPage {
    /// How many objects it held.
    pub(crate) objects: usize,
    pub(crate) told: Vec<Told>,
    /// There is more of this round.
    pub(crate) next_link: Option<String>,
    /// The round ends here, and the next one begins there.
    pub(crate) delta_link: Option<String>,
}

/// What a page says of an object.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// All of it.
    Entry(DirectoryEntry),
    /// That something about this user changed, and not all that is to be known.
    Part(ExternalId, Said),
}

/// What `@removed` is: an object, and nothing else ends anybody's access. Its reason makes no difference.
#[derive(Deserialize)]
pub(super) struct Removal {}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ChangedItem<'a> {
    #[serde(borrow, default, rename = "@odata.type")]
    odata_type: Option<Text<'a>>,
    #[serde(borrow, default)]
    id: Option<Text<'a>>,
    #[serde(default, rename = "@removed")]
    removed: Option<Removal>,
    #[serde(borrow, default, deserialize_with = "said")]
    display_name: MaySay<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "said")]
    given_name: MaySay<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "said")]
    surname: MaySay<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "said")]
    mail: MaySay<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "said")]
    user_principal_name: MaySay<Text<'a>>,
    #[serde(default, deserialize_with = "said")]
    account_enabled: MaySay<bool>,
    #[serde(borrow, default, deserialize_with = "said")]
    user_type: MaySay<Text<'a>>,
}

fn said<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<MaySay<T>, D::Error> {
    Option::deserialize(from).map(Some)
}

impl<'a> ChangedItem<'a> {
    /// What is said, for when it is not all.
    fn said(&self) -> Said {
        let text =
            |said: &MaySay<Text<'a>>| said.as_ref().map(|text| text.as_ref().map(|text| text.as_str().to_owned()));
        Said {
            display_name: text(&self.display_name),
            given_name: text(&self.given_name),
            family_name: text(&self.surname),
            mail: text(&self.mail),
            user_principal_name: text(&self.user_principal_name),
            enabled: self.account_enabled,
            kind: self.user_type.as_ref().map(|kind| kind_of(kind.as_ref())),
        }
    }

    /// The user, if every property is said.
    fn whole(self) -> Option<Item<'a>> {
        Some(Item {
            odata_type: self.odata_type,
            id: self.id,
            display_name: self.display_name?,
            given_name: self.given_name?,
            surname: self.surname?,
            mail: self.mail?,
            user_principal_name: self.user_principal_name?,
            account_enabled: self.account_enabled?,
            user_type: self.user_type?,
        })
    }
}

/// Reads a page of changes.
pub(crate) fn parse_changes(body: &[u8]) -> Result<ChangesPage, BodyFault> {
    let unsound = |raw: &str| unreadable(raw).map(Told::Entry);
    let Items { objects, read, next_link, delta_link } = read_items(body, told, unsound)?;
    if next_link.is_some() == delta_link.is_some() {
        // A page never has both, and without either it is unknown whether the round has ended.
        return Err(BodyFault::NotAsked);
    }
    Ok(ChangesPage { objects, told: read, next_link, delta_link })
}

fn told(item: ChangedItem<'_>) -> Result<Option<Told>, BodyFault> {
    let Some(id) = item.id.as_ref().and_then(|id| object_id(id.as_str())) else {
        return Ok(Some(Told::Entry(DirectoryEntry::Unreadable(None))));
    };
    // Deleted for good or for now: gone in either case, and a user that is restored is told of as a new one.
    if item.removed.is_some() {
        return Ok(Some(Told::Entry(DirectoryEntry::Removed(id))));
    }
    let said = item.said();
    match item.whole() {
        Some(item) => Ok(entry(item)?.map(Told::Entry)),
        None => Ok(Some(Told::Part(id, said))),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const ALL: &str = r#""displayName":"A","givenName":null,"surname":null,"mail":"a@example.org",
        "userPrincipalName":"a@example.org","accountEnabled":true,"userType":null"#;

    fn read(items: &str) -> Vec<Told> {
        let body = format!(r#"{{"value":[{items}],"@odata.deltaLink":"https://x/"}}"#);
        parse_changes(body.as_bytes()).expect("page").told
    }

    fn id(text: &str) -> ExternalId {
        ExternalId::parse(text).expect("id")
    }

    #[test]
    fn a_user_is_whole_when_every_property_is_said() {
        let read = read(&format!(r#"{{"id":"u",{ALL}}}"#));
        assert!(matches!(&read[..], [Told::Entry(DirectoryEntry::Present(user))] if user.mail.is_some()), "{read:?}");
    }

    #[rstest]
    #[case(r#"{"id":"u"}"#)]
    #[case(r#"{"id":"u","mail":null}"#)]
    #[case(r#"{"id":"u","accountEnabled":false,"displayName":"A"}"#)]
    fn what_is_not_said_is_not_taken_for_empty(#[case] item: &str) {
        assert!(matches!(&read(item)[..], [Told::Part(part, _)] if *part == id("u")));
    }

    #[test]
    fn each_property_counts() {
        for left_out in ALL.split(',') {
            let rest: Vec<&str> = ALL.split(',').filter(|said| *said != left_out).collect();
            let told = read(&format!(r#"{{"id":"u",{}}}"#, rest.join(",")));
            assert!(matches!(&told[..], [Told::Part(part, _)] if *part == id("u")), "{left_out}");
        }
    }

    #[rstest]
    #[case(r#"{"id":"u","@removed":{"reason":"changed"}}"#)]
    #[case(r#"{"@removed":{"reason":"deleted"},"id":"u"}"#)]
    #[case(r#"{"id":"u","displayName":"A","@removed":{}}"#)]
    fn who_is_gone_is_removed(#[case] item: &str) {
        assert_eq!(read(item), [Told::Entry(DirectoryEntry::Removed(id("u")))]);
    }

    #[rstest]
    #[case(r#"{"id":"u","mail":5}"#, Some("u"))]
    #[case(r#"{"id":"u","@removed":false}"#, Some("u"))]
    #[case(r#"{"displayName":"A"}"#, None)]
    fn a_bad_item_is_one_entry(#[case] item: &str, #[case] known: Option<&str>) {
        assert_eq!(read(item), [Told::Entry(DirectoryEntry::Unreadable(known.map(id)))]);
    }

    #[rstest]
    #[case(r#"{"value":[]}"#)]
    #[case(r#"{"value":[],"@odata.deltaLink":null}"#)]
    #[case(r#"{"value":[],"@odata.deltaLink":"https://x/","@odata.nextLink":"https://y/"}"#)]
    #[case(r#"{"@odata.deltaLink":"https://x/"}"#)]
    #[case(r#"{"value":[],"@odata.deltaLink":"https://x/","error":{"code":"generalException"}}"#)]
    fn a_page_has_one_link(#[case] body: &str) {
        assert_eq!(parse_changes(body.as_bytes()).err(), Some(BodyFault::NotAsked));
    }
}
