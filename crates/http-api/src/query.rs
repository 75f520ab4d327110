//! Query parameters: every complaint is told at once, and one that is unknown is a complaint, since a misspelt filter
//! would otherwise list everything.

use std::borrow::Cow;

use actix_web::{HttpRequest, web};
use serde::{Deserialize, de::IntoDeserializer, de::value::Error as ValueError};

use crate::{
    cursor::{List, Position},
    model::{FieldError, ListView},
    problem::Problem,
};

const DEFAULT_LIMIT: u32 = 50;
const MAX_LIMIT: u32 = 200;
/// Names of parameters are repeated in the answer, within reason.
const MAX_NAME_CHARS: usize = 40;

/// The parameters that nobody has taken yet.
pub(crate) struct Query {
    rest: Vec<(String, String)>,
    errors: Vec<FieldError>,
}

/// Which page of a list is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Paging<P> {
    list: List,
    /// The last position of the page before.
    pub(crate) after: Option<P>,
    limit: u32,
}

impl Query {
    pub(crate) fn of(request: &HttpRequest) -> Self {
        Self::parse(request.query_string())
    }

    pub(crate) fn parse(text: &str) -> Self {
        // Any text is some list of pairs, so the default is never used.
        let rest =
            web::Query::<Vec<(String, String)>>::from_query(text).map(web::Query::into_inner).unwrap_or_default();
        Self { rest, errors: Vec::new() }
    }

    /// A parameter that may be left out. `expected` follows its name in the complaint.
    pub(crate) fn take<T>(
        &mut self,
        name: &str,
        expected: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let mut values = self.rest.extract_if(.., |(found, _)| found == name).map(|(_, value)| value);
        let value = values.next()?;
        let again = values.count() > 0;
        if again {
            self.refuse(name, format!("`{name}` is given more than once"));
            return None;
        }
        let parsed = parse(&value);
        if parsed.is_none() {
            self.refuse(name, format!("`{name}` {expected}"));
        }
        parsed
    }

    /// The parameters of every list.
    pub(crate) fn paging<P: Position>(&mut self, list: List) -> Paging<P> {
        let limit = self.limit();
        let after = self.take("cursor", "must be the `nextCursor` of a page of this list", |text| list.position(text));
        Paging { list, after, limit }
    }

    /// How many items a page may have.
    pub(crate) fn limit(&mut self) -> u32 {
        let limit = self.take("limit", "must be 1 to 200", |text| {
            text.parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit))
        });
        limit.unwrap_or(DEFAULT_LIMIT)
    }

    /// Fails if there was a complaint, or if there are parameters left.
    pub(crate) fn finish(mut self) -> Result<(), Problem> {
        for (name, _) in std::mem::take(&mut self.rest) {
            self.refuse(&name, "is not a parameter of this resource");
        }
        if self.errors.is_empty() { Ok(()) } else { Err(Problem::bad_input(self.errors)) }
    }

    fn refuse(&mut self, name: &str, detail: impl Into<Cow<'static, str>>) {
        let shown: String = name.chars().filter(|character| !character.is_control()).take(MAX_NAME_CHARS).collect();
        self.errors.push(FieldError::new(format!("?{shown}"), detail));
    }
}

/// One of an enum's words.
pub(crate) fn word<T: for<'de> Deserialize<'de>>(text: &str) -> Option<T> {
    T::deserialize(IntoDeserializer::<ValueError>::into_deserializer(text)).ok()
}

impl<P: Position> Paging<P> {
    /// How many items to read: one more than asked for, which tells whether there is another page.
    pub(crate) fn read_limit(&self) -> u32 {
        self.limit.saturating_add(1)
    }

    /// The page, and the way to the next.
    pub(crate) fn page<T, V>(
        &self,
        mut items: Vec<T>,
        position: impl Fn(&T) -> P,
        view: impl FnMut(T) -> V,
    ) -> ListView<V> {
        let limit = self.limit as usize;
        let more = items.len() > limit;
        items.truncate(limit);
        let last = items.last().filter(|_| more);
        let next_cursor = last.map(|last| self.list.cursor(&position(last)));
        ListView { items: items.into_iter().map(view).collect(), next_cursor }
    }
}

#[cfg(test)]
mod tests {
    use store::Outcome;
    use uuid::Uuid;

    use super::*;

    const ID: Uuid = Uuid::from_u128(7);

    fn paging(text: &str) -> Option<Paging<Uuid>> {
        let mut query = Query::parse(text);
        let paging = query.paging(List::Users);
        query.finish().ok().map(|()| paging)
    }

    #[test]
    fn a_page_has_its_defaults_and_bounds() {
        assert_eq!(paging(""), Some(Paging { list: List::Users, after: None, limit: 50 }));
        assert_eq!(paging("limit=1").unwrap().limit, 1);
        assert_eq!(paging("limit=200").unwrap().limit, 200);
        let cursor = List::Users.cursor(&ID);
        assert_eq!(paging(&format!("cursor={cursor}")).unwrap().after, Some(ID));
    }

    #[test]
    fn wrong_parameters_are_refused() {
        for text in
            ["limit=0", "limit=201", "limit=", "limit=x", "limit=-1", "cursor=", "cursor=x", "limit=1&limit=2", "x=1"]
        {
            assert_eq!(paging(text), None, "{text}");
        }
    }

    #[test]
    fn every_complaint_is_told_at_once_without_the_values() {
        let mut query = Query::parse("limit=9%209&cursor=!&bad%0Aname=secret&status=secret");
        let _: Paging<Uuid> = query.paging(List::Users);
        assert_eq!(query.take("status", "must be a word", word::<Outcome>), None);
        let pointers: Vec<_> = query.errors.iter().map(|error| error.pointer.as_str()).collect();
        assert_eq!(pointers, ["?limit", "?cursor", "?status"]);
        let shown = format!("{:?}", query.finish());
        assert!(shown.contains("?badname") && !shown.contains("secret"), "{shown}");
    }

    #[test]
    fn words_are_those_of_the_interface() {
        assert_eq!(word::<Outcome>("stale"), Some(Outcome::Stale));
        assert_eq!(word::<Outcome>("Stale"), None);
    }

    #[test]
    fn the_item_too_many_makes_the_cursor() {
        let page = paging("limit=2").unwrap();
        let ids = [1, 2, 3].map(Uuid::from_u128);
        let first = page.page(ids.to_vec(), |id| *id, |id| id);
        assert_eq!(first.items, ids[..2]);
        assert_eq!(List::Users.position(&first.next_cursor.unwrap()), Some(ids[1]));
        let last = page.page(ids[..2].to_vec(), |id| *id, |id| id);
        assert_eq!((last.items.len(), last.next_cursor), (2, None));
    }
}
