//! The driver's errors as the store's. SQLite names tables and columns in its messages, never a row's values, and rows
//! are read as the plain types that their columns are declared with: so the driver's errors can be kept as sources.

use sqlx::error::DatabaseError;
use store::StoreError;

/// The store's error for the driver's.
pub(crate) fn failed(error: sqlx::Error) -> StoreError {
    use sqlx::Error;
    let transient = match &error {
        Error::Database(error) => is_transient(&**error),
        Error::Io(_) | Error::PoolTimedOut | Error::PoolClosed | Error::WorkerCrashed | Error::BeginFailed => true,
        _ => false,
    };
    let error = Box::new(error);
    if transient { StoreError::Unavailable(error) } else { StoreError::Database(error) }
}

/// Whether the circumstances are to blame, and not the statement.
fn is_transient(error: &dyn DatabaseError) -> bool {
    /// `BUSY`, `LOCKED`, `IOERR`, `FULL`, `CANTOPEN` and `PROTOCOL` (a lock that was not to be had).
    const TRANSIENT: [i32; 6] = [5, 6, 10, 13, 14, 15];
    // The driver has the extended code; its low byte is the kind.
    error.code().and_then(|code| code.parse::<i32>().ok()).is_some_and(|code| TRANSIENT.contains(&(code & 0xff)))
}

/// A write that the store's own bookkeeping says cannot miss, missed.
#[derive(Debug, thiserror::Error)]
#[error("{what}: {expected} rows expected, {found} found")]
struct Miscount {
    what: &'static str,
    expected: u64,
    found: u64,
}

/// Checks a write's affected rows.
pub(crate) fn expect_rows(what: &'static str, expected: u64, found: u64) -> Result<(), StoreError> {
    if expected == found {
        return Ok(());
    }
    Err(StoreError::Database(Box::new(Miscount { what, expected, found })))
}

/// Fails with [`StoreError::LeaseLost`] unless a write under a lease met its run.
pub(crate) fn expect_lease(rows: u64) -> Result<(), StoreError> {
    if rows == 1 { Ok(()) } else { Err(StoreError::LeaseLost) }
}

/// A parameter could not be written as JSON, or what must be there is not: a defect of ours.
pub(crate) fn defect(error: impl Into<store::BoxError>) -> StoreError {
    StoreError::Database(error.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_for_a_connection_is_worth_repeating() {
        assert!(matches!(failed(sqlx::Error::PoolTimedOut), StoreError::Unavailable(_)));
        assert!(matches!(failed(sqlx::Error::RowNotFound), StoreError::Database(_)));
    }

    #[test]
    fn rows_that_are_missing_are_an_error() {
        assert!(expect_rows("update", 3, 3).is_ok());
        assert!(matches!(expect_rows("update", 3, 2), Err(StoreError::Database(_))));
        assert!(matches!(expect_lease(0), Err(StoreError::LeaseLost)));
    }
}
