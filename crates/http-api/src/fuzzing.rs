//! What reads bytes of others, for the fuzz targets in `fuzz/`. No part of the interface: each function passes its input on
//! and nothing else.

use std::time::Duration;

use actix_web::{
    body::MessageBody,
    http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue},
};
use directory_core::{ConnectionId, ExternalId};
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::{
    auth::{self, Credential},
    body::complaint,
    cursor::{List, Position},
    host,
    model::{FieldError, LinkInput, LinkTarget, input::schedule as schedules},
    prefer::Wait,
    problem::Problem,
    query::Query,
    request_id::RequestId,
};

/// The list that a cursor belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listed {
    /// Connections.
    Connections,
    /// A connection's runs.
    Runs(Uuid),
    /// A run's changes.
    Changes(Uuid),
    /// Users.
    Users,
    /// Whom a connection ignores.
    Ignored(Uuid),
    /// The audit log.
    Audit,
}

/// The answer to a request that is refused.
#[derive(Debug)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// The problem document.
    pub body: Vec<u8>,
}

/// Reads a body.
pub fn json<T: DeserializeOwned>(body: &[u8]) -> Result<T, FieldError> {
    complaint::from_slice(body)
}

/// Checks the body of a link.
pub fn link(input: LinkInput) -> Result<(ConnectionId, ExternalId), Vec<FieldError>> {
    input.into_target().map(|LinkTarget { connection, external_id }| (connection, external_id))
}

/// What is answered to input with these faults.
#[must_use]
pub fn refusal(errors: Vec<FieldError>) -> Refusal {
    answer(&Problem::bad_input(errors))
}

/// Reads a schedule.
#[must_use]
pub fn schedule(text: &str) -> Option<String> {
    schedules::normalise(text).ok()
}

/// Reads a cursor and writes the one for the place that it stands for.
#[must_use]
pub fn cursor(listed: Listed, text: &str) -> Option<String> {
    fn again<P: Position>(list: List, text: &str) -> Option<String> {
        list.position::<P>(text).map(|position| list.cursor(&position))
    }
    match listed {
        Listed::Connections => again::<Uuid>(List::Connections, text),
        Listed::Runs(connection) => again::<Uuid>(List::Runs(connection), text),
        Listed::Changes(run) => again::<u32>(List::Changes(run), text),
        Listed::Users => again::<Uuid>(List::Users, text),
        Listed::Ignored(connection) => again::<ExternalId>(List::Ignored(connection), text),
        Listed::Audit => again::<Uuid>(List::Audit, text),
    }
}

/// Reads the query of the list of users that has no filter: how many rows are asked for, and after whom.
pub fn paging(query: &str) -> Result<(u32, Option<Uuid>), Refusal> {
    let mut query = Query::parse(query);
    let paging = query.paging(List::Users);
    query.finish().map_err(|problem| answer(&problem))?;
    Ok((paging.read_limit(), paging.after))
}

/// Reads `Prefer` headers: how long to wait, and how that is confirmed.
#[must_use]
pub fn wait(fields: &[&[u8]]) -> Option<(Duration, Vec<u8>)> {
    let wait = Wait::of(&headers(&HeaderName::from_static("prefer"), fields))?;
    let (_, confirmed) = wait.header();
    Some((wait.time(), confirmed.as_bytes().to_vec()))
}

/// Reads `Authorization` headers where no platform signs people in: the hash of the token.
pub fn bearer(fields: &[&[u8]]) -> Result<[u8; 32], Refusal> {
    match auth::bearer(&headers(&AUTHORIZATION, fields), None) {
        Ok(Credential::ApiToken(hash)) => Ok(*hash.as_bytes()),
        Ok(Credential::Jwt { .. }) => unreachable!("nobody signs people in here"),
        Err(problem) => Err(answer(&problem)),
    }
}

/// Reads `Host`.
#[must_use]
pub fn tenant_slug(host: &str, base_domain: &str) -> Option<String> {
    host::tenant_slug(host, base_domain)
}

/// Reads `X-Request-Id`: the header that is answered.
#[must_use]
pub fn request_id(sent: &str) -> Option<Vec<u8>> {
    RequestId::of(Some(sent)).header_value().map(|value| value.as_bytes().to_vec())
}

/// As a server would read them: what can be no header never arrives.
fn headers(name: &HeaderName, fields: &[&[u8]]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for value in fields.iter().filter_map(|field| HeaderValue::from_bytes(field).ok()) {
        headers.append(name.clone(), value);
    }
    headers
}

fn answer(problem: &Problem) -> Refusal {
    let response = problem.render(&RequestId::of(Some("fuzz")));
    let status = response.status().as_u16();
    // The body is in memory: a default would be no JSON, and show.
    let body = response.into_body().try_into_bytes().unwrap_or_default().to_vec();
    Refusal { status, body }
}
