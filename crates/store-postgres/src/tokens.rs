//! API tokens.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use directory_core::TenantId;
use sqlx::PgConnection;
use store::{Actor, AuditRecord, NOTED_EVERY, NewToken, StoreError, Token, Tokens};
use uuid::Uuid;

use crate::{PostgresStore, audit, decode::Place, error::failed};

#[derive(sqlx::FromRow)]
struct TokenRow {
    id: Uuid,
    tenant_id: Uuid,
    name: String,
    role: String,
    created_at: DateTime<Utc>,
    expires_at: Option<DateTime<Utc>>,
    revoked_at: Option<DateTime<Utc>>,
    last_used_at: Option<DateTime<Utc>>,
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
            id: row.id,
            tenant: TenantId(row.tenant_id),
            role: place.word("role", &row.role)?,
            name: row.name,
            created_at: row.created_at,
            expires_at: row.expires_at,
            revoked_at: row.revoked_at,
            last_used_at: row.last_used_at,
        })
    }
}

#[async_trait]
impl Tokens for PostgresStore {
    async fn create_token(&self, by: &Actor, token: &NewToken) -> Result<Token, StoreError> {
        let mut tx = self.access.tenant(token.tenant).await.map_err(failed)?;
        let row = sqlx::query_as::<_, TokenRow>(concat!(
            "INSERT INTO api_tokens (tenant_id, id, name, role, hash, expires_at) VALUES ($1, $2, $3, $4, $5, $6)
             RETURNING ",
            columns!()
        ))
        .bind(token.tenant.0)
        .bind(token.id)
        .bind(&token.name)
        .bind(token.role.as_str())
        .bind(token.hash.as_slice())
        .bind(token.expires_at)
        .fetch_one(&mut *tx)
        .await
        .map_err(failed)?;
        let token = row.try_into()?;
        audit::note(&mut tx, by, &AuditRecord::token_created(&token)).await.map_err(failed)?;
        tx.commit().await.map_err(failed)?;
        Ok(token)
    }

    async fn usable_token(&self, hash: &[u8; 32]) -> Result<Option<Token>, StoreError> {
        // Whose it is, is what we want to know.
        let look = || {
            sqlx::query_as::<_, TokenRow>(concat!(
                "SELECT ",
                columns!(),
                " FROM api_tokens
              WHERE hash = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())"
            ))
            .bind(hash.as_slice())
        };
        self.access.look_across_tenants(look).await.map_err(failed)?.map(Token::try_from).transpose()
    }

    async fn tokens(&self, tenant: TenantId) -> Result<Vec<Token>, StoreError> {
        let mut tx = self.access.tenant(tenant).await.map_err(failed)?;
        sqlx::query_as::<_, TokenRow>(concat!(
            "SELECT ",
            columns!(),
            " FROM api_tokens WHERE tenant_id = $1 ORDER BY created_at, id"
        ))
        .bind(tenant.0)
        .fetch_all(&mut *tx)
        .await
        .map_err(failed)?
        .into_iter()
        .map(Token::try_from)
        .collect()
    }

    async fn revoke_token(&self, by: &Actor, tenant: TenantId, id: Uuid) -> Result<bool, StoreError> {
        let mut tx = self.access.tenant(tenant).await.map_err(failed)?;
        let revoked_at: Option<DateTime<Utc>> = sqlx::query_scalar(
            "UPDATE api_tokens SET revoked_at = now() WHERE tenant_id = $1 AND id = $2 AND revoked_at IS NULL
             RETURNING revoked_at",
        )
        .bind(tenant.0)
        .bind(id)
        .fetch_optional(&mut *tx)
        .await
        .map_err(failed)?;
        let Some(at) = revoked_at else { return exists(&mut tx, tenant, id).await.map_err(failed) };
        let revoked = AuditRecord::token_revoked(tenant, id, at);
        audit::note(&mut tx, by, &revoked).await.map_err(failed)?;
        tx.commit().await.map_err(failed)?;
        Ok(true)
    }

    async fn note_token_use(&self, tenant: TenantId, id: Uuid) -> Result<(), StoreError> {
        let mut tx = self.access.tenant(tenant).await.map_err(failed)?;
        sqlx::query(
            "UPDATE api_tokens SET last_used_at = now() WHERE tenant_id = $1 AND id = $2
                 AND (last_used_at IS NULL OR last_used_at <= now() - make_interval(secs => $3))",
        )
        .bind(tenant.0)
        .bind(id)
        .bind(NOTED_EVERY.as_secs_f64())
        .execute(&mut *tx)
        .await
        .map_err(failed)?;
        tx.commit().await.map_err(failed)
    }
}

async fn exists(tx: &mut PgConnection, tenant: TenantId, id: Uuid) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM api_tokens WHERE tenant_id = $1 AND id = $2)")
        .bind(tenant.0)
        .bind(id)
        .fetch_one(tx)
        .await
}
