//! API tokens.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use directory_core::TenantId;
use store::{NewToken, StoreError, Token, Tokens};
use uuid::Uuid;

use crate::{PostgresStore, decode::Place, error::failed};

#[derive(sqlx::FromRow)]
struct TokenRow {
    id: Uuid,
    tenant_id: Uuid,
    name: String,
    role: String,
    created_at: DateTime<Utc>,
    expires_at: Option<DateTime<Utc>>,
    revoked_at: Option<DateTime<Utc>>,
}

impl TryFrom<TokenRow> for Token {
    type Error = StoreError;

    fn try_from(row: TokenRow) -> Result<Self, StoreError> {
        let place = Place { table: "api_tokens", row: &row.id };
        Ok(Self {
            id: row.id,
            tenant: TenantId(row.tenant_id),
            role: place.word("role", &row.role)?,
            name: row.name,
            created_at: row.created_at,
            expires_at: row.expires_at,
            revoked_at: row.revoked_at,
        })
    }
}

#[async_trait]
impl Tokens for PostgresStore {
    async fn create_token(&self, token: &NewToken) -> Result<Token, StoreError> {
        let mut tx = self.access.tenant(token.tenant).await.map_err(failed)?;
        let row = sqlx::query_as::<_, TokenRow>(
            "INSERT INTO api_tokens (tenant_id, id, name, role, hash, expires_at) VALUES ($1, $2, $3, $4, $5, $6)
             RETURNING id, tenant_id, name, role, created_at, expires_at, revoked_at",
        )
        .bind(token.tenant.0)
        .bind(token.id)
        .bind(&token.name)
        .bind(token.role.as_str())
        .bind(token.hash.as_slice())
        .bind(token.expires_at)
        .fetch_one(&mut *tx)
        .await
        .map_err(failed)?;
        tx.commit().await.map_err(failed)?;
        row.try_into()
    }

    async fn usable_token(&self, hash: &[u8; 32]) -> Result<Option<Token>, StoreError> {
        // Whose it is, is what we want to know.
        let mut tx = self.access.across_tenants().await.map_err(failed)?;
        sqlx::query_as::<_, TokenRow>(
            "SELECT id, tenant_id, name, role, created_at, expires_at, revoked_at FROM api_tokens
             WHERE hash = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())",
        )
        .bind(hash.as_slice())
        .fetch_optional(&mut *tx)
        .await
        .map_err(failed)?
        .map(Token::try_from)
        .transpose()
    }

    async fn tokens(&self, tenant: TenantId) -> Result<Vec<Token>, StoreError> {
        let mut tx = self.access.tenant(tenant).await.map_err(failed)?;
        sqlx::query_as::<_, TokenRow>(
            "SELECT id, tenant_id, name, role, created_at, expires_at, revoked_at FROM api_tokens
             WHERE tenant_id = $1 ORDER BY created_at, id",
        )
        .bind(tenant.0)
        .fetch_all(&mut *tx)
        .await
        .map_err(failed)?
        .into_iter()
        .map(Token::try_from)
        .collect()
    }

    async fn revoke_token(&self, tenant: TenantId, id: Uuid) -> Result<bool, StoreError> {
        let mut tx = self.access.tenant(tenant).await.map_err(failed)?;
        let done = sqlx::query(
            "UPDATE api_tokens SET revoked_at = COALESCE(revoked_at, now()) WHERE tenant_id = $1 AND id = $2",
        )
        .bind(tenant.0)
        .bind(id)
        .execute(&mut *tx)
        .await
        .map_err(failed)?;
        tx.commit().await.map_err(failed)?;
        Ok(done.rows_affected() == 1)
    }
}
