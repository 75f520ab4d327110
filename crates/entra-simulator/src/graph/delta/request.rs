//! What a delta request asks for (protocol/entra.md §4.1).

use actix_web::HttpRequest;
use uuid::Uuid;

use crate::graph::error::GraphError;
use crate::graph::query::{options, push_option, read_select};

const MAX_FILTERED: usize = 50;

/// The options of a round. They come with its first request, and its tokens carry them from there on.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Options {
    pub(super) select: Option<Vec<String>>,
    /// The ids of `$filter=id eq '…' or …`.
    pub(super) filter: Option<Vec<Uuid>>,
    /// As they stand in the URL.
    pub(super) written: String,
}

/// Where a request starts.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// A first round.
    Everything(Options),
    /// `$deltatoken=latest`: from now on.
    Now(Options),
    /// `$skiptoken`: within a round.
    Page(String),
    /// `$deltatoken`: a round after another one.
    Round(String),
}

/// A request, understood.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct DeltaRequest {
    pub(super) start: Start,
    /// `Prefer: return=minimal`.
    pub(super) minimal: bool,
}

impl DeltaRequest {
    pub(super) fn of(request: &HttpRequest) -> Result<Self, GraphError> {
        let preferences = request.headers().get_all("Prefer").filter_map(|value| value.to_str().ok());
        let mut preferences = preferences.flat_map(|value| value.split([',', ';']));
        let minimal = preferences.any(|preference| preference.trim().eq_ignore_ascii_case("return=minimal"));
        Ok(Self { start: Start::parse(request.query_string())?, minimal })
    }
}

impl Start {
    fn parse(text: &str) -> Result<Self, GraphError> {
        let (mut skip, mut delta, mut others) = (None, None, String::new());
        for option in options(text)? {
            match option.name.to_ascii_lowercase().as_str() {
                "$skiptoken" => skip = Some(option.value),
                "$deltatoken" => delta = Some(option.value).filter(|token| !token.is_empty()),
                _ => push_option(&mut others, option.written),
            }
        }
        let given = Options::parse(&others)?;
        match (skip, delta) {
            (None, None) => Ok(Self::Everything(given)),
            (None, Some(token)) if token.eq_ignore_ascii_case("latest") => Ok(Self::Now(given)),
            (Some(_), Some(_)) => Err(GraphError::bad_request("A page token and a delta token exclude each other.")),
            _ if !given.written.is_empty() => {
                Err(GraphError::bad_request("Query options are in the token already and cannot be given with it."))
            }
            (Some(token), None) => Ok(Self::Page(token)),
            (None, Some(token)) => Ok(Self::Round(token)),
        }
    }
}

impl Options {
    /// `text` is a query without tokens.
    pub(super) fn parse(text: &str) -> Result<Self, GraphError> {
        let mut found = Self::default();
        for option in options(text)? {
            match option.name.as_str() {
                "$select" => found.select = Some(read_select(&option.value)?),
                "$filter" => found.filter = Some(read_filter(&option.value)?),
                // Silently ignored.
                "$top" => continue,
                name if name.starts_with('$') => {
                    let message = format!("Query option '{name}' is not supported by a delta query.");
                    return Err(GraphError::unsupported_query(message));
                }
                _ => continue,
            }
            push_option(&mut found.written, option.written);
        }
        Ok(found)
    }
}

/// `id eq '…' or id eq '…'`: nothing else can be filtered by.
fn read_filter(value: &str) -> Result<Vec<Uuid>, GraphError> {
    let ids: Option<Vec<Uuid>> = value.split(" or ").map(read_clause).collect();
    let ids = ids.ok_or_else(|| GraphError::unsupported_query("A delta query can be filtered by 'id eq' only."))?;
    if ids.len() > MAX_FILTERED {
        let message = format!("The filter has more than {MAX_FILTERED} ids.");
        return Err(GraphError::unsupported_query(message));
    }
    Ok(ids)
}

fn read_clause(clause: &str) -> Option<Uuid> {
    match clause.split_whitespace().collect::<Vec<_>>()[..] {
        ["id", "eq", id] => Uuid::try_parse(id.strip_prefix('\'')?.strip_suffix('\'')?).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: Uuid = Uuid::from_u128(0x1f6a_2c0e_0b1d_4c58_9b1e_5f6a_1d2c_3b4a);

    #[test]
    fn a_round_starts_with_options_or_goes_on_with_a_token() {
        let start = |text| Start::parse(text).expect(text);
        let select = Some(vec!["id".to_owned(), "mail".to_owned()]);
        let options = || Options { select: select.clone(), filter: None, written: "$select=id,mail".to_owned() };
        assert_eq!(start("$select=id,mail"), Start::Everything(options()));
        assert_eq!(start("$top=5&$select=id,mail&x=1"), Start::Everything(options()));
        assert_eq!(start("$deltatoken=&$select=id,mail"), Start::Everything(options()));
        assert_eq!(start("$select=id,mail&$deltaToken=latest"), Start::Now(options()));
        assert_eq!(start("$skiptoken=a%27"), Start::Page("a'".to_owned()));
        assert_eq!(start("%24deltatoken=b&$top=7"), Start::Round("b".to_owned()));
    }

    #[test]
    fn a_filter_is_a_list_of_ids() {
        let ids = |text: &str| Options::parse(text).expect(text).filter;
        assert_eq!(ids(&format!("$filter=id%20eq%20'{ID}'")), Some(vec![ID]));
        assert_eq!(ids(&format!("$filter=id+eq+'{ID}'+or+id+eq+'{ID}'")), Some(vec![ID, ID]));
    }

    #[test]
    fn what_graph_refuses_is_refused() {
        let clauses = |count| vec![format!("id eq '{ID}'"); count].join(" or ");
        assert!(Start::parse(&format!("$filter={}", clauses(50))).is_ok());
        for text in [
            "$skiptoken=a&$deltatoken=b",
            "$skiptoken=a&$select=id",
            "$deltatoken=b&$select=id",
            "$deltatoken=b&$filter=id eq '1f6a2c0e-0b1d-4c58-9b1e-5f6a1d2c3b4a'",
            "$expand=manager",
            "$orderby=id",
            "$search=x",
            "$count=true",
            "$filter=accountEnabled eq true",
            "$filter=id eq 'x'",
            "$filter=id eq 1f6a2c0e-0b1d-4c58-9b1e-5f6a1d2c3b4a",
            "$filter=",
            &format!("$filter={}", clauses(51)),
        ] {
            assert_eq!(Start::parse(text).expect_err(text).status.as_u16(), 400, "{text}");
        }
    }
}
