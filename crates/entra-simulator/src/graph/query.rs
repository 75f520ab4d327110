//! Query options of a listing (protocol/entra.md §2.2).

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::web;
use uuid::Uuid;

use super::error::GraphError;
use crate::directory::OUTSIDE_DIRECTORY;

const DEFAULT_PAGE_SIZE: usize = 100;
const MAX_PAGE_SIZE: usize = 999;
const MAX_IDS: usize = 15;

/// The options of a request, understood.
#[derive(Debug)]
pub(crate) struct Query {
    /// The selected names, each known to be in the directory store or to be refused by the type.
    pub(crate) select: Option<Vec<String>>,
    pub(crate) top: usize,
    /// `$count=true`.
    pub(crate) count: bool,
    /// The header `ConsistencyLevel: eventual`.
    pub(crate) eventual: bool,
    /// `$filter=accountEnabled eq …`.
    pub(crate) enabled: Option<bool>,
    /// `$filter=id in ('…',…)`.
    pub(crate) ids: Option<Vec<Uuid>>,
    pub(crate) page_token: Option<String>,
    /// The query as it was written, without the page token.
    pub(crate) options: String,
}

impl Query {
    pub(crate) fn of(request: &HttpRequest) -> Result<Self, GraphError> {
        let consistency = request.headers().get("ConsistencyLevel").and_then(|level| level.to_str().ok());
        let eventual = consistency.is_some_and(|level| level.eq_ignore_ascii_case("eventual"));
        Self::parse(request.query_string(), eventual)
    }

    fn parse(text: &str, eventual: bool) -> Result<Self, GraphError> {
        let mut query = Self {
            select: None,
            top: DEFAULT_PAGE_SIZE,
            count: false,
            eventual,
            enabled: None,
            ids: None,
            page_token: None,
            options: String::new(),
        };
        for QueryOption { name, value, written } in options(text)? {
            query.take(&name, &value)?;
            if name != "$skiptoken" {
                push_option(&mut query.options, written);
            }
        }
        Ok(query)
    }

    fn take(&mut self, name: &str, value: &str) -> Result<(), GraphError> {
        match name {
            "$select" => self.select = Some(read_select(value)?),
            "$top" => self.top = read_top(value)?,
            "$count" => {
                let count = value.parse().ok();
                self.count =
                    count.ok_or_else(|| GraphError::bad_request("The value of '$count' must be true or false."))?;
            }
            "$filter" => match read_ids(value)? {
                Some(ids) => self.ids = Some(ids),
                None => self.enabled = Some(read_filter(value)?),
            },
            "$skiptoken" => self.page_token = Some(value.to_owned()),
            "$skip" => return Err(GraphError::bad_request("'$skip' is not supported by the service.")),
            "$expand" | "$orderby" | "$search" => {
                return Err(GraphError::unsupported_query(format!("'{name}' is not supported by the simulator.")));
            }
            _ if name.starts_with('$') => {
                return Err(GraphError::bad_request(format!("Unrecognized query option '{name}'.")));
            }
            _ => {}
        }
        Ok(())
    }

    /// Whether the advanced index answers: it takes the header and the option.
    pub(crate) const fn is_advanced(&self) -> bool {
        self.eventual && self.count
    }

    /// Whether the response carries `@odata.count`: on page 1 of an advanced query. Without the header the option is
    /// silently ignored.
    pub(crate) const fn wants_count(&self) -> bool {
        self.is_advanced() && self.page_token.is_none()
    }
}

/// One option of a query.
pub(crate) struct QueryOption<'a> {
    pub(crate) name: String,
    pub(crate) value: String,
    /// As it stands in the URL.
    pub(crate) written: &'a str,
}

/// The options of a query, each there once.
pub(crate) fn options(text: &str) -> Result<Vec<QueryOption<'_>>, GraphError> {
    let mut found = Vec::<QueryOption<'_>>::new();
    for written in text.split('&').filter(|option| !option.is_empty()) {
        let (name, value) = decode(written)?;
        if found.iter().any(|option| option.name == name) {
            return Err(GraphError::bad_request(format!("Query option '{name}' was specified more than once.")));
        }
        found.push(QueryOption { name, value, written });
    }
    Ok(found)
}

/// Appends an option to a query.
pub(crate) fn push_option(query: &mut String, option: &str) {
    if !query.is_empty() {
        query.push('&');
    }
    query.push_str(option);
}

fn decode(option: &str) -> Result<(String, String), GraphError> {
    let pairs = web::Query::<Vec<(String, String)>>::from_query(option).ok();
    let pair = pairs.and_then(|pairs| pairs.into_inner().pop());
    pair.ok_or_else(|| GraphError::bad_request("The query is not form-encoded."))
}

pub(crate) fn read_select(value: &str) -> Result<Vec<String>, GraphError> {
    let names: Vec<String> = value.split(',').map(|name| name.trim().to_owned()).collect();
    match names.iter().find(|name| OUTSIDE_DIRECTORY.contains(&name.as_str())) {
        Some(name) => Err(GraphError::new(
            StatusCode::NOT_IMPLEMENTED,
            "NotImplemented",
            format!("Property '{name}' cannot be selected in a collection."),
        )),
        None => Ok(names),
    }
}

fn read_top(value: &str) -> Result<usize, GraphError> {
    match value.parse() {
        Ok(size) if (1..=MAX_PAGE_SIZE).contains(&size) => Ok(size),
        Ok(size) => {
            let message =
                format!("Invalid page size specified: '{size}'. Must be between 1 and {MAX_PAGE_SIZE} inclusive.");
            Err(GraphError::unsupported_query(message))
        }
        Err(_) => Err(GraphError::bad_request(format!("Invalid value '{value}' for '$top'."))),
    }
}

/// The ids of `id in ('…',…)`; `None` for another filter.
fn read_ids(value: &str) -> Result<Option<Vec<Uuid>>, GraphError> {
    let list = value.trim().strip_prefix("id in").map(str::trim);
    let Some(list) = list.and_then(|list| list.strip_prefix('(')?.strip_suffix(')')) else { return Ok(None) };
    let read = |id: &str| id.trim().strip_prefix('\'')?.strip_suffix('\'')?.parse().ok();
    let ids: Option<Vec<Uuid>> = list.split(',').map(read).collect();
    match ids {
        Some(ids) if ids.len() <= MAX_IDS => Ok(Some(ids)),
        Some(_) => Err(GraphError::bad_request(format!("Too many child clauses in the filter: at most {MAX_IDS}."))),
        None => Err(GraphError::bad_request("Invalid filter clause.")),
    }
}

fn read_filter(value: &str) -> Result<bool, GraphError> {
    match value.split_whitespace().collect::<Vec<_>>()[..] {
        ["accountEnabled", "eq", "true"] => Ok(true),
        ["accountEnabled", "eq", "false"] => Ok(false),
        _ => Err(GraphError::unsupported_query("Unsupported or invalid query filter clause specified.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> u16 {
        Query::parse(text, false).expect_err(text).status.as_u16()
    }

    #[test]
    fn options_are_understood_encoded_or_not() {
        let query = Query::parse("$select=id%2cmail,displayName&%24top=7&x=1&$skiptoken=a%27b", true).expect("valid");
        assert_eq!(query.select.as_deref(), Some(&["id", "mail", "displayName"].map(str::to_owned)[..]));
        assert_eq!(query.top, 7);
        assert_eq!(query.page_token.as_deref(), Some("a'b"));
        assert_eq!(query.options, "$select=id%2cmail,displayName&%24top=7&x=1");
        assert!(query.eventual && !query.is_advanced());
        assert_eq!(Query::parse("", false).expect("valid").top, 100);
    }

    #[test]
    fn filters_on_the_account_are_understood() {
        let enabled = |text| Query::parse(text, false).expect("valid").enabled;
        assert_eq!(enabled("$filter=accountEnabled%20eq%20true"), Some(true));
        assert_eq!(enabled("$filter=accountEnabled+eq+false"), Some(false));
    }

    #[test]
    fn a_filter_names_some_ids() {
        let one = "1f6a2c0e-0b1d-4c58-9b1e-5f6a1d2c3b4a";
        let ids = |text: &str| Query::parse(text, false).map(|query| query.ids.map(|ids| ids.len())).ok();
        assert_eq!(ids(&format!("$filter=id%20in%20('{one}','{one}')")), Some(Some(2)));
        assert_eq!(ids("$filter=accountEnabled+eq+true"), Some(None));
        assert_eq!(ids("$filter=id+in+('x')"), None);
        let many = vec![format!("'{one}'"); 16].join(",");
        assert_eq!(ids(&format!("$filter=id+in+({many})")), None);
    }

    #[test]
    fn what_graph_refuses_is_refused() {
        for text in [
            "$top=0",
            "$top=1000",
            "$top=-1",
            "$top=x",
            "$skip=5",
            "$count=yes",
            "$unknown=1",
            "$top=1&$top=1",
            "$filter=accountEnabled%20ne%20true",
            "$filter=startswith(mail,'a')",
            "$orderby=mail",
            "$search=x",
        ] {
            assert_eq!(refused(text), 400, "{text}");
        }
        assert_eq!(refused("$select=id,aboutMe"), 501);
    }
}
