//! API tokens.

use async_trait::async_trait;
use directory_core::TenantId;
use store::{NewToken, StoreError, Token, Tokens};
use uuid::Uuid;

use crate::{
    SqliteStore,
    decode::{Place, stored_id, stored_time},
    error::failed,
    sql::now,
};

#[derive(sqlx::FromRow)]
struct TokenRow {
    id: String,
    tenant_id: String,
    name: String,
    role: String,
    created_at: String,
    expires_at: Option<String>,
    revoked_at: Option<String>,
}

macro_rules! columns {
    () => {
        "id, tenant_id, name, role, created_at, expires_at, revoked_at"
    };
}

impl TryFrom<TokenRow> for Token {
    type Error = StoreError;

    fn try_from(row: TokenRow) -> Result<Self, StoreError> {
        let place = Place { table: "api_tokens", row: &row.id };
        Ok(Self {
            id: place.id("id", &row.id)?,
            tenant: place.id("tenant_id", &row.tenant_id)?,
            role: place.word("role", &row.role)?,
            created_at: place.time("created_at", &row.created_at)?,
            expires_at: place.time_if_any("expires_at", row.expires_at.as_deref())?,
            revoked_at: place.time_if_any("revoked_at", row.revoked_at.as_deref())?,
            name: row.name,
        })
    }
}

#[async_trait]
impl Tokens for SqliteStore {
    async fn create_token(&self, token: &NewToken) -> Result<Token, StoreError> {
        sqlx::query_as::<_, TokenRow>(concat!(
            "INSERT INTO api_tokens (tenant_id, id, name, role, hash, expires_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             RETURNING ",
            columns!()
        ))
        .bind(stored_id(token.tenant.0))
        .bind(stored_id(token.id))
        .bind(&token.name)
        .bind(token.role.as_str())
        .bind(token.hash.as_slice())
        .bind(token.expires_at.map(stored_time))
        .fetch_one(&self.writer)
        .await
        .map_err(failed)?
        .try_into()
    }

    async fn usable_token(&self, hash: &[u8; 32]) -> Result<Option<Token>, StoreError> {
        sqlx::query_as::<_, TokenRow>(concat!(
            "SELECT ",
            columns!(),
            " FROM api_tokens WHERE hash = ?1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ",
            now!(),
            ")"
        ))
        .bind(hash.as_slice())
        .fetch_optional(&self.reader)
        .await
        .map_err(failed)?
        .map(Token::try_from)
        .transpose()
    }

    async fn tokens(&self, tenant: TenantId) -> Result<Vec<Token>, StoreError> {
        sqlx::query_as::<_, TokenRow>(concat!(
            "SELECT ",
            columns!(),
            " FROM api_tokens WHERE tenant_id = ?1 ORDER BY created_at, id"
        ))
        .bind(stored_id(tenant.0))
        .fetch_all(&self.reader)
        .await
        .map_err(failed)?
        .into_iter()
        .map(Token::try_from)
        .collect()
    }

    async fn revoke_token(&self, tenant: TenantId, id: Uuid) -> Result<bool, StoreError> {
        sqlx::query(concat!(
            "UPDATE api_tokens SET revoked_at = coalesce(revoked_at, ",
            now!(),
            ") WHERE tenant_id = ?1 AND id = ?2"
        ))
        .bind(stored_id(tenant.0))
        .bind(stored_id(id))
        .execute(&self.writer)
        .await
        .map(|done| done.rows_affected() == 1)
        .map_err(failed)
    }
}
