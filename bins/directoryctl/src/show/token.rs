//! API tokens.

use chrono::{DateTime, Utc};
use http_api::model::ListView;
use serde::Serialize;
use store::{Token, TokenRole};
use uuid::Uuid;

use crate::table::{Table, or_dash, time};

/// A token, without what would let anybody use it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TokenView {
    id: Uuid,
    role: TokenRole,
    name: String,
    created_at: DateTime<Utc>,
    expires_at: Option<DateTime<Utc>>,
    revoked_at: Option<DateTime<Utc>>,
    last_used_at: Option<DateTime<Utc>>,
}

impl From<Token> for TokenView {
    fn from(token: Token) -> Self {
        Self {
            id: token.id,
            role: token.role,
            name: token.name,
            created_at: token.created_at,
            expires_at: token.expires_at,
            revoked_at: token.revoked_at,
            last_used_at: token.last_used_at,
        }
    }
}

/// A token just made, with what its bearer sends. There is no `Debug` on purpose.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CreatedTokenView<'a> {
    id: Uuid,
    token: &'a str,
    role: TokenRole,
    name: String,
    created_at: DateTime<Utc>,
    expires_at: Option<DateTime<Utc>>,
}

impl<'a> CreatedTokenView<'a> {
    pub(crate) fn new(stored: Token, token: &'a str) -> Self {
        let Token { id, role, name, created_at, expires_at, .. } = stored;
        Self { id, token, role, name, created_at, expires_at }
    }
}

pub(crate) fn created(token: &CreatedTokenView<'_>) -> Table {
    let mut table = Table::facts();
    table
        .fact("ID", token.id.to_string())
        .fact("Token", token.token.to_owned())
        .fact("Role", token.role.as_str().to_owned())
        .fact("Name", token.name.clone())
        .fact("Expires", token.expires_at.map(time));
    table
}

pub(crate) fn list(tokens: &ListView<TokenView>) -> Table {
    let mut table = Table::list(["ID", "ROLE", "NAME", "MADE", "EXPIRES", "REVOKED", "LAST USED"]);
    for token in &tokens.items {
        table.row([
            token.id.to_string(),
            token.role.as_str().to_owned(),
            token.name.clone(),
            time(token.created_at),
            or_dash(token.expires_at.map(time)),
            or_dash(token.revoked_at.map(time)),
            or_dash(token.last_used_at.map(time)),
        ]);
    }
    table
}
