//! A page of users, from bytes to entries (protocol reference §2.1, §2.3, §3).

use directory_core::{AccountKind, DirectoryEntry, DirectoryUser, ExternalId};
use serde::{Deserialize, de::IgnoredAny};
use serde_json::{error::Category, value::RawValue};
use uuid::{Uuid, fmt::Hyphenated};

use crate::json::Text;

/// A page as it arrived.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Page {
    /// How many objects it held, users or not.
    pub(crate) objects: usize,
    pub(crate) entries: Vec<DirectoryEntry>,
    /// There is more, even if `entries` is empty.
    pub(crate) next_link: Option<String>,
}

/// Why a body is no page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyFault {
    /// No JSON, or only the beginning of some.
    NotJson,
    /// JSON, but not what was asked for: `value` is missing or no array, say.
    NotAsked,
    /// A user of whom nothing but the id may be read: a permission is missing, and the user is not nameless.
    Concealed,
}

#[derive(Deserialize)]
#[serde(bound(deserialize = "I: Deserialize<'de>"))]
struct Envelope<'a, I> {
    #[serde(borrow, default, rename = "@odata.nextLink")]
    next_link: Option<Text<'a>>,
    #[serde(borrow, default, rename = "@odata.deltaLink")]
    delta_link: Option<Text<'a>>,
    value: Vec<I>,
    /// A service that fails after it began to answer can only say so in the body, behind what it had by then.
    #[serde(default)]
    error: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Item<'a> {
    #[serde(borrow, default, rename = "@odata.type")]
    pub(crate) odata_type: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(crate) id: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(crate) display_name: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(crate) given_name: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(crate) surname: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(crate) mail: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(crate) user_principal_name: Option<Text<'a>>,
    #[serde(default)]
    pub(crate) account_enabled: Option<bool>,
    #[serde(borrow, default)]
    pub(crate) user_type: Option<Text<'a>>,
}

/// What is wanted of an item that is no [`Item`].
#[derive(Deserialize)]
struct Stub<'a> {
    #[serde(borrow, default, rename = "@odata.type")]
    odata_type: Option<Text<'a>>,
    #[serde(borrow, default)]
    id: Option<Text<'a>>,
}

/// Reads a page.
pub(crate) fn parse_page(body: &[u8]) -> Result<Page, BodyFault> {
    let Items { objects, read, next_link, .. } = read_items(body, entry, unreadable)?;
    Ok(Page { objects, entries: read, next_link })
}

/// A page of any kind of item.
pub(crate) struct Items<T> {
    pub(crate) objects: usize,
    pub(crate) read: Vec<T>,
    pub(crate) next_link: Option<String>,
    pub(crate) delta_link: Option<String>,
}

/// Reads a page's items. One pass where every item is sound; an unsound item costs a second one and nothing else.
pub(crate) fn read_items<'a, I: Deserialize<'a>, T>(
    body: &'a [u8],
    sound: fn(I) -> Result<Option<T>, BodyFault>,
    unsound: impl Fn(&str) -> Option<T>,
) -> Result<Items<T>, BodyFault> {
    check_object(body)?;
    // Looked at as a whole, each text in it need not be.
    let body = str::from_utf8(body).map_err(|_| BodyFault::NotJson)?;
    if let Ok(page) = serde_json::from_str::<Envelope<'_, I>>(body) {
        return collect(page, sound);
    }
    let page = serde_json::from_str::<Envelope<'_, &RawValue>>(body).map_err(|error| fault_of(&error))?;
    collect(page, |raw| match serde_json::from_str::<I>(raw.get()) {
        Ok(item) => sound(item),
        Err(_) => Ok(unsound(raw.get())),
    })
}

fn collect<I, T>(
    page: Envelope<'_, I>,
    read: impl Fn(I) -> Result<Option<T>, BodyFault>,
) -> Result<Items<T>, BodyFault> {
    if page.error.is_some() {
        return Err(BodyFault::NotAsked);
    }
    let objects = page.value.len();
    let mut items = Vec::with_capacity(objects);
    for item in page.value {
        items.extend(read(item)?);
    }
    Ok(Items { objects, read: items, next_link: owned(page.next_link), delta_link: owned(page.delta_link) })
}

/// Reads the answer to a request for one object, of which only its being there matters.
pub(crate) fn parse_object(body: &[u8]) -> Result<(), BodyFault> {
    check_object(body)?;
    let object: Stub<'_> = serde_json::from_slice(body).map_err(|error| fault_of(&error))?;
    object.id.map(drop).ok_or(BodyFault::NotAsked)
}

/// serde would also take a JSON array for a struct.
fn check_object(body: &[u8]) -> Result<(), BodyFault> {
    match body.trim_ascii_start().first() {
        Some(b'[') => Err(BodyFault::NotAsked),
        _ => Ok(()),
    }
}

fn fault_of(error: &serde_json::Error) -> BodyFault {
    match error.classify() {
        Category::Data => BodyFault::NotAsked,
        Category::Io | Category::Syntax | Category::Eof => BodyFault::NotJson,
    }
}

pub(crate) fn entry(item: Item<'_>) -> Result<Option<DirectoryEntry>, BodyFault> {
    let kind = Kind::of(item.odata_type.as_ref());
    if kind == Kind::Other {
        return Ok(None);
    }
    let Some(external_id) = item.id.as_ref().and_then(|id| object_id(id.as_str())) else {
        return Ok(Some(DirectoryEntry::Unreadable(None)));
    };
    // Every user has this name, and no other object has; without it, an object of an unknown type may be either.
    if kind == Kind::Unknown && item.user_principal_name.is_none() {
        return Ok(Some(DirectoryEntry::Unreadable(Some(external_id))));
    }
    if item.is_concealed() {
        return Err(BodyFault::Concealed);
    }
    Ok(Some(DirectoryEntry::Present(DirectoryUser {
        external_id,
        user_principal_name: owned(item.user_principal_name),
        mail: owned(item.mail),
        display_name: owned(item.display_name),
        given_name: owned(item.given_name),
        family_name: owned(item.surname),
        enabled: item.account_enabled,
        kind: kind_of(item.user_type.as_ref()),
    })))
}

/// A guest may be an external member and an internal one a guest: only `userType` tells, never the name (§2.4).
pub(crate) fn kind_of(user_type: Option<&Text<'_>>) -> AccountKind {
    match user_type {
        Some(kind) if kind.as_str().eq_ignore_ascii_case("guest") => AccountKind::Guest,
        _ => AccountKind::Member,
    }
}

impl Item<'_> {
    fn is_concealed(&self) -> bool {
        let texts = [
            &self.display_name,
            &self.given_name,
            &self.surname,
            &self.mail,
            &self.user_principal_name,
            &self.user_type,
        ];
        self.account_enabled.is_none() && texts.into_iter().all(Option::is_none)
    }
}

/// An object's id. The same GUID in another case is the same object.
pub(crate) fn object_id(text: &str) -> Option<ExternalId> {
    match Uuid::try_parse(text) {
        Ok(guid) if text.len() == Hyphenated::LENGTH => ExternalId::parse(&guid.as_hyphenated().to_string()),
        _ => ExternalId::parse(text),
    }
}

pub(crate) fn unreadable(raw: &str) -> Option<DirectoryEntry> {
    let Ok(stub) = serde_json::from_str::<Stub<'_>>(raw) else { return Some(DirectoryEntry::Unreadable(None)) };
    let id = stub.id.and_then(|id| object_id(id.as_str()));
    (Kind::of(stub.odata_type.as_ref()) != Kind::Other).then_some(DirectoryEntry::Unreadable(id))
}

/// What an item is, as far as its type tells.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    User,
    /// One of the other kinds of member.
    Other,
    /// Possibly a user of a derived type, who must not be taken for absent.
    Unknown,
}

impl Kind {
    pub(crate) fn of(odata_type: Option<&Text<'_>>) -> Self {
        // With a cast, items need not say what they are.
        let Some(name) = odata_type else { return Self::User };
        match name.as_str().trim_start_matches('#').to_ascii_lowercase().as_str() {
            "microsoft.graph.user" => Self::User,
            "microsoft.graph.group"
            | "microsoft.graph.device"
            | "microsoft.graph.orgcontact"
            | "microsoft.graph.serviceprincipal" => Self::Other,
            _ => Self::Unknown,
        }
    }
}

fn owned(text: Option<Text<'_>>) -> Option<String> {
    text.map(|text| text.0.into_owned())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn id(text: &str) -> ExternalId {
        ExternalId::parse(text).expect("id")
    }

    fn entries(items: &str) -> Vec<DirectoryEntry> {
        parse_page(format!(r#"{{"value":[{items}]}}"#).as_bytes()).expect("page").entries
    }

    fn user(items: &str) -> DirectoryUser {
        match entries(items).as_slice() {
            [DirectoryEntry::Present(user)] => user.clone(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_full_user() {
        let read = user(
            r##"{"@odata.type":"#microsoft.graph.user","@odata.id":"x","id":"u1","displayName":"Zo\u00eb \"Z\" 山田",
                "givenName":"Zoë","surname":"Ångström","mail":"zoe@example.org","userPrincipalName":"z@example.org",
                "accountEnabled":false,"userType":"Guest","unknown":{"a":[1,2]},"onPremises@odata.count":3}"##,
        );
        assert_eq!(
            read,
            DirectoryUser {
                external_id: id("u1"),
                user_principal_name: Some("z@example.org".to_owned()),
                mail: Some("zoe@example.org".to_owned()),
                display_name: Some("Zoë \"Z\" 山田".to_owned()),
                given_name: Some("Zoë".to_owned()),
                family_name: Some("Ångström".to_owned()),
                enabled: Some(false),
                kind: AccountKind::Guest,
            }
        );
    }

    #[test]
    fn a_body_that_is_no_text_is_no_json() {
        assert_eq!(parse_page(b"{\"value\":[{\"id\":\"\xff\"}]}"), Err(BodyFault::NotJson));
    }

    #[rstest]
    #[case(r#""Member""#, AccountKind::Member)]
    #[case(r#""Guest""#, AccountKind::Guest)]
    #[case(r#""guest""#, AccountKind::Guest)]
    #[case(r#""Other""#, AccountKind::Member)]
    #[case("null", AccountKind::Member)]
    fn kinds(#[case] user_type: &str, #[case] kind: AccountKind) {
        let item = format!(r#"{{"id":"u","userPrincipalName":"a_b.test#EXT#@c.test","userType":{user_type}}}"#);
        assert_eq!(user(&item).kind, kind);
    }

    #[rstest]
    #[case(r#""accountEnabled":true,"#, Some(true))]
    #[case(r#""accountEnabled":null,"#, None)]
    #[case("", None)]
    fn absent_is_not_false(#[case] member: &str, #[case] enabled: Option<bool>) {
        assert_eq!(user(&format!(r#"{{{member}"id":"u","displayName":"A"}}"#)).enabled, enabled);
    }

    #[rstest]
    #[case::wrong_type(r#"{"id":"bad","displayName":5}"#, Some("bad"))]
    #[case::wrong_flag(r#"{"accountEnabled":"yes","id":"bad"}"#, Some("bad"))]
    #[case::lone_surrogate(r#"{"displayName":"\ud800","id":"bad"}"#, Some("bad"))]
    #[case::twice_a_name(r#"{"id":"bad","mail":null,"mail":"a@b.test"}"#, Some("bad"))]
    #[case::no_id(r#"{"displayName":"A"}"#, None)]
    #[case::null_id(r#"{"id":null,"displayName":"A"}"#, None)]
    #[case::blank_id(r#"{"id":" ","displayName":"A"}"#, None)]
    #[case::number_id(r#"{"id":7,"displayName":"A"}"#, None)]
    #[case::no_object(r#""text""#, None)]
    #[case::null("null", None)]
    fn a_bad_item_is_one_entry(#[case] bad: &str, #[case] known: Option<&str>) {
        let good = r#"{"id":"good","displayName":"G"}"#;
        let read = entries(&format!("{good},{bad},{good}"));
        assert_eq!(read.len(), 3, "{read:?}");
        assert_eq!(read[1], DirectoryEntry::Unreadable(known.map(id)));
        assert!(matches!(&read[2], DirectoryEntry::Present(user) if user.external_id == id("good")));
    }

    #[rstest]
    #[case("#microsoft.graph.group")]
    #[case("#microsoft.graph.device")]
    #[case("#microsoft.graph.orgContact")]
    #[case("#microsoft.graph.servicePrincipal")]
    #[case("microsoft.graph.Group")]
    fn other_kinds_of_object_are_no_users(#[case] kind: &str) {
        let bare = format!(r#"{{"@odata.type":"{kind}","id":"a","displayName":null}}"#);
        let named = format!(r#"{{"@odata.type":"{kind}","id":"b","displayName":"B"}}"#);
        let odd = format!(r#"{{"@odata.type":"{kind}","id":"c","displayName":9}}"#);
        for items in [format!("{bare},{named}"), format!("{odd},{bare}")] {
            let page = parse_page(format!(r#"{{"value":[{items}]}}"#).as_bytes()).expect("page");
            assert_eq!((page.objects, page.entries), (2, Vec::new()));
        }
    }

    #[rstest]
    #[case(r#""userPrincipalName":"u@example.org""#, true)]
    #[case(r#""displayName":"U""#, false)]
    #[case(r#""displayName":null"#, false)]
    #[case(r#""userPrincipalName":"u@example.org","displayName":9"#, false)]
    fn a_user_of_a_derived_type_is_never_absent(#[case] member: &str, #[case] readable: bool) {
        let read = entries(&format!(r##"{{"@odata.type":"#microsoft.graph.someUser","id":"u",{member}}}"##));
        match read.as_slice() {
            [DirectoryEntry::Present(user)] => assert!(readable && user.external_id == id("u")),
            other => assert!(!readable && other == [DirectoryEntry::Unreadable(Some(id("u")))], "{other:?}"),
        }
    }

    #[rstest]
    #[case(r#"{"id":"u"}"#)]
    #[case(
        r##"{"@odata.type":"#microsoft.graph.user","id":"u","displayName":null,"givenName":null,"surname":null,
        "mail":null,"userPrincipalName":null,"accountEnabled":null,"userType":null}"##
    )]
    fn a_user_of_nulls_is_concealed(#[case] item: &str) {
        let body = format!(r#"{{"value":[{{"id":"v","displayName":"V"}},{item}]}}"#);
        assert_eq!(parse_page(body.as_bytes()), Err(BodyFault::Concealed));
        let body = format!(r#"{{"value":[{{"id":"v","displayName":3}},{item}]}}"#);
        assert_eq!(parse_page(body.as_bytes()), Err(BodyFault::Concealed));
    }

    #[rstest]
    #[case(r#"{"value":[]}"#, None)]
    #[case(r#"{"value":[],"@odata.nextLink":null}"#, None)]
    #[case(r#"{"@odata.nextLink":"https:\/\/x\/?a=b","@odata.count":3,"value":[]}"#, Some("https://x/?a=b"))]
    fn next_links(#[case] body: &str, #[case] link: Option<&str>) {
        let page = parse_page(body.as_bytes()).expect("page");
        assert_eq!((page.entries.len(), page.next_link.as_deref()), (0, link));
    }

    #[test]
    fn a_guid_in_another_case_is_the_same_id() {
        let guid = "1f6a2c0e-0b1d-4c58-9b1e-5f6a1d2c3b4a";
        let items = format!(
            r#"{{"id":"{}","userPrincipalName":"a@x"}},{{"id":"{guid}","displayName":7}}"#,
            guid.to_uppercase()
        );
        let entries = entries(&items);
        let DirectoryEntry::Present(user) = &entries[0] else { panic!("{entries:?}") };
        assert_eq!(user.external_id, id(guid));
        assert_eq!(entries[1], DirectoryEntry::Unreadable(Some(id(guid))));
        assert_eq!(object_id("Not-A-Guid"), Some(id("Not-A-Guid")));
    }

    #[rstest]
    #[case("", BodyFault::NotJson)]
    #[case("<html>Bad gateway</html>", BodyFault::NotJson)]
    #[case(r#"{"value":[{"id":"u","displayName":"A"}"#, BodyFault::NotJson)]
    #[case(r#"{"value":[]}}"#, BodyFault::NotJson)]
    #[case("{}", BodyFault::NotAsked)]
    #[case("null", BodyFault::NotAsked)]
    #[case(r#"{"value":[{"id":"u","displayName":"A"}],"error":{"code":"generalException"}}"#, BodyFault::NotAsked)]
    #[case(r#"{"value":[{"id":"u","displayName":7}],"error":{"code":"generalException"}}"#, BodyFault::NotAsked)]
    #[case(r#"{"value":null}"#, BodyFault::NotAsked)]
    #[case(r#"{"value":{}}"#, BodyFault::NotAsked)]
    #[case(r#"{"value":[],"value":[]}"#, BodyFault::NotAsked)]
    #[case(r#"{"value":[],"@odata.nextLink":5}"#, BodyFault::NotAsked)]
    #[case("[null,[]]", BodyFault::NotAsked)]
    #[case(r#"{"error":{"code":"UnknownError"}}"#, BodyFault::NotAsked)]
    fn bodies_that_are_no_page(#[case] body: &str, #[case] fault: BodyFault) {
        assert_eq!(parse_page(body.as_bytes()), Err(fault));
    }

    #[rstest]
    #[case(r#"{"id":"g"}"#, Ok(()))]
    #[case("{}", Err(BodyFault::NotAsked))]
    #[case("[]", Err(BodyFault::NotAsked))]
    #[case("<html>", Err(BodyFault::NotJson))]
    fn objects(#[case] body: &str, #[case] read: Result<(), BodyFault>) {
        assert_eq!(parse_object(body.as_bytes()), read);
    }
}
