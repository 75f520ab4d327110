//! API tokens.

use async_trait::async_trait;
use directory_core::TenantId;
use sqlx::SqliteConnection;
use store::{Actor, AuditRecord, NOTED_EVERY, NewToken, StoreError, Token, Tokens};
use uuid::Uuid;

use crate::{
    SqliteStore, audit,
    decode::{Place, ago, stored_id, stored_time},
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
    last_used_at: Option<String>,
}

macro_rules! columns {
    () => {
        "id, tenant_id, name, role, created_at, expires_at, revoked_at, last_used_at"
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
            last_used_at: place.time_if_any("last_used_at", row.last_used_at.as_deref())?,
            name: row.name,
        })
    }
}

#[async_trait]
impl Tokens for SqliteStore {
    async fn create_token(&self, by: &Actor, token: &NewToken) -> Result<Token, StoreError> {
        let mut tx = self.write().await?;
        let row: TokenRow = sqlx::query_as(concat!(
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
        .fetch_one(&mut *tx)
        .await
        .map_err(failed)?;
        let token = row.try_into()?;
        audit::note(&mut tx, by, &AuditRecord::token_created(&token)).await?;
        tx.commit().await.map_err(failed)?;
        Ok(token)
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

    async fn revoke_token(&self, by: &Actor, tenant: TenantId, id: Uuid) -> Result<bool, StoreError> {
        let mut tx = self.write().await?;
        let revoked_at: Option<String> = sqlx::query_scalar(concat!(
            "UPDATE api_tokens SET revoked_at = ",
            now!(),
            " WHERE tenant_id = ?1 AND id = ?2 AND revoked_at IS NULL RETURNING revoked_at"
        ))
        .bind(stored_id(tenant.0))
        .bind(stored_id(id))
        .fetch_optional(&mut *tx)
        .await
        .map_err(failed)?;
        let Some(at) = revoked_at else { return exists(&mut tx, tenant, id).await };
        let at = Place { table: "api_tokens", row: &stored_id(id) }.time("revoked_at", &at)?;
        audit::note(&mut tx, by, &AuditRecord::token_revoked(tenant, id, at)).await?;
        tx.commit().await.map_err(failed)?;
        Ok(true)
    }

    async fn note_token_use(&self, tenant: TenantId, id: Uuid) -> Result<(), StoreError> {
        sqlx::query(concat!(
            "UPDATE api_tokens SET last_used_at = ",
            now!(),
            " WHERE tenant_id = ?1 AND id = ?2
                 AND (last_used_at IS NULL OR last_used_at <= strftime('%Y-%m-%dT%H:%M:%fZ', 'now', ?3))"
        ))
        .bind(stored_id(tenant.0))
        .bind(stored_id(id))
        .bind(ago(NOTED_EVERY))
        .execute(&self.writer)
        .await
        .map(drop)
        .map_err(failed)
    }
}

async fn exists(connection: &mut SqliteConnection, tenant: TenantId, id: Uuid) -> Result<bool, StoreError> {
    sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM api_tokens WHERE tenant_id = ?1 AND id = ?2)")
        .bind(stored_id(tenant.0))
        .bind(stored_id(id))
        .fetch_one(connection)
        .await
        .map_err(failed)
}
