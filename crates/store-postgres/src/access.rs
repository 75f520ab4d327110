//! The one way to the database, so that nobody gets there without saying for whom.
//!
//! A tenant's work is done in a transaction that the server itself confines to the tenant's rows (the policies
//! `tenant_wall` of the migrations), whatever a statement forgets. Only this module has the pool.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use directory_core::TenantId;
use sqlx::{
    AssertSqlSafe, FromRow, PgConnection, PgPool, Postgres,
    postgres::{PgArguments, PgDatabaseError, PgListener, PgRow, PgSeverity},
    query::QueryAs,
};
use store::Clock;

/// Rolled back when it is dropped, and nobody waits for that: the driver does it on the connection's way back to the
/// pool. So what only reads has nothing to commit.
pub(crate) type Transaction = sqlx::Transaction<'static, Postgres>;

/// The pool of connections, and the time that schedules go by.
#[derive(Clone)]
pub(crate) struct Access {
    pool: PgPool,
    clock: Clock,
}

/// How long a transaction of ours may be without a word. One of a process that was suspended, or cut off, would otherwise hold its
/// locks for hours: runs, and the feed of events, which ends where something may still come.
const PATIENCE: &str = "30s";

impl Access {
    pub(crate) fn through(pool: PgPool) -> Self {
        Self { pool, clock: Clock::default() }
    }

    pub(crate) fn with_clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// What time it is for schedules. Leases go by the server's own.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// A transaction in which there are no rows but this tenant's.
    pub(crate) async fn tenant(&self, tenant: TenantId) -> Result<Transaction, sqlx::Error> {
        self.begin(&tenant.to_string()).await
    }

    /// A transaction for what is of no tenant, or has to find out of which: everybody's rows are there.
    pub(crate) async fn across_tenants(&self) -> Result<Transaction, sqlx::Error> {
        self.begin("").await
    }

    /// The only row, if there is one, of a single statement about what is of no tenant, or has to find out of which. It is a
    /// transaction by itself: naming nobody, and ending it, costs nothing. (In a session for which somebody set a tenant once and
    /// for all it finds that one's rows only.)
    pub(crate) async fn look_across_tenants<'q, T>(
        &self,
        statement: impl Fn() -> QueryAs<'q, Postgres, T, PgArguments>,
    ) -> Result<Option<T>, sqlx::Error>
    where
        T: for<'r> FromRow<'r, PgRow> + Send + Unpin,
    {
        in_a_session(&self.pool, || statement().fetch_optional(&self.pool)).await
    }

    /// A pool of one session with the settings and hooks of the store's, for what must end with its session.
    pub(crate) fn session(&self) -> PgPool {
        let settings = self.pool.connect_options().as_ref().clone();
        self.pool.options().clone().min_connections(0).max_connections(1).connect_lazy_with(settings)
    }

    /// A session that hears what is told on a channel. It sees no table, so it needs no tenant; and it is nobody else's, since
    /// it lasts.
    pub(crate) async fn listener(&self, channel: &str) -> Result<PgListener, sqlx::Error> {
        let mut listener = PgListener::connect_with(&self.session()).await?;
        // Its owner has to know of a loss, and begins anew.
        listener.eager_reconnect(false);
        listener.listen(channel).await?;
        Ok(listener)
    }

    /// A transaction that may be dropped while it begins.
    ///
    /// The driver's own may not: dropped after the server has been asked and before it has answered, it gives the
    /// connection back to the pool inside of a transaction that nobody knows of. Whatever is written on that connection
    /// next looks written and is not, until somebody else's commit. So beginning goes on here even if nobody waits for it.
    ///
    /// Naming the tenant costs no round trip of its own. The server takes both statements for one transaction, which `BEGIN`
    /// keeps open; the other way round, a `SET` that fails would leave a transaction behind that nobody knows of.
    async fn begin(&self, tenant: &str) -> Result<Transaction, sqlx::Error> {
        let pool = self.pool.clone();
        // A UUID or nothing: there is nothing to escape.
        let statement: Arc<str> = format!(
            "SET LOCAL directory.tenant = '{tenant}'; SET LOCAL idle_in_transaction_session_timeout = '{PATIENCE}'; BEGIN"
        )
        .into();
        let begun = tokio::spawn(async move {
            in_a_session(&pool, || pool.begin_with(AssertSqlSafe(Arc::clone(&statement)))).await
        });
        begun.await.unwrap_or(Err(sqlx::Error::WorkerCrashed))
    }
}

/// Does what changes nothing in a session of the pool. Of one that lay there for a moment the server may have made an end, and
/// asking it each time would be one more round trip: so what is first done in it finds out, and is done again in another one.
async fn in_a_session<T, F>(pool: &PgPool, mut work: impl FnMut() -> F) -> Result<T, sqlx::Error>
where
    F: Future<Output = Result<T, sqlx::Error>>,
{
    let mut others = pool.size();
    loop {
        match work().await {
            Err(error) if others > 0 && is_the_sessions_end(&error) => others -= 1,
            done => return done,
        }
    }
}

/// Whether the server has ended the session, and not what was asked for in it.
fn is_the_sessions_end(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) => true,
        sqlx::Error::Database(error) => error
            .try_downcast_ref::<PgDatabaseError>()
            .is_some_and(|error| matches!(error.severity(), PgSeverity::Fatal | PgSeverity::Panic)),
        _ => false,
    }
}

/// Confines the rest of a transaction that has found out of which tenant it is.
pub(crate) async fn confine(tx: &mut PgConnection, tenant: TenantId) -> Result<(), sqlx::Error> {
    sqlx::query("SELECT set_config('directory.tenant', $1, true)")
        .bind(tenant.to_string())
        .execute(tx)
        .await
        .map(|_| ())
}
