//! Beginning transactions.

use sqlx::{PgPool, Postgres, Transaction};

/// A transaction that is rolled back when it is dropped, and that may be dropped while it begins.
///
/// The driver's own `begin` may not: dropped after the server has been asked and before it has answered, it gives the
/// connection back to the pool inside of a transaction that nobody knows of. Whatever is written on that connection
/// next looks written and is not, until somebody else's commit. So beginning goes on here even if nobody waits for it.
pub(crate) async fn begin(pool: &PgPool) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
    let pool = pool.clone();
    let begun = tokio::spawn(async move { pool.begin().await });
    begun.await.unwrap_or(Err(sqlx::Error::WorkerCrashed))
}
