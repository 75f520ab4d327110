//! The driver's errors as the store's. What the server says about a row (`DETAIL: Key (email)=(…)`, a value that it
//! cannot read) never gets past this module, in no form: not displayed, not debugged, not as a source.

use std::fmt;

use sqlx::{error::DatabaseError, postgres::PgDatabaseError};
use store::StoreError;

/// Inside a transaction: a failure of the driver, which some callers tell apart, or one that has its meaning already.
#[derive(Debug)]
pub(crate) enum Fault {
    Sql(sqlx::Error),
    Store(StoreError),
}

impl From<sqlx::Error> for Fault {
    fn from(error: sqlx::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<Fault> for StoreError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Sql(error) => failed(error),
            Fault::Store(error) => error,
        }
    }
}

impl Fault {
    /// Whether somebody else kept a lock for longer than was to be waited.
    pub(crate) fn is_impatience(&self) -> bool {
        const LOCK_NOT_AVAILABLE: &str = "55P03";
        let Self::Sql(sqlx::Error::Database(error)) = self else { return false };
        error.code().is_some_and(|code| code == LOCK_NOT_AVAILABLE)
    }

    /// Whether another writer got in between, so that the same transaction, begun again, may well succeed.
    pub(crate) fn is_interference(&self) -> bool {
        const UNIQUE_VIOLATION: &str = "23505";
        const SERIALIZATION_FAILURE: &str = "40001";
        const DEADLOCK_DETECTED: &str = "40P01";
        let Self::Sql(sqlx::Error::Database(error)) = self else { return false };
        error.code().is_some_and(|code| [UNIQUE_VIOLATION, SERIALIZATION_FAILURE, DEADLOCK_DETECTED].contains(&&*code))
    }
}

/// How often a transaction is begun, when other writers keep getting in between.
pub(crate) const ATTEMPTS: u32 = 5;

/// Does a transaction again that another writer got in between of: everything is rolled back, and the next attempt sees
/// what that writer did.
pub(crate) async fn persistently<T, F>(mut transaction: impl FnMut() -> F) -> Result<T, StoreError>
where
    F: Future<Output = Result<T, Fault>>,
{
    let mut attempt = 1;
    loop {
        match transaction().await {
            Err(fault) if fault.is_interference() && attempt < ATTEMPTS => {
                tracing::debug!(attempt, "another writer got in between; the transaction starts over");
                attempt += 1;
            }
            done => return Ok(done?),
        }
    }
}

/// What the server refused, as far as it may be told.
#[derive(Debug)]
struct Refusal {
    code: String,
    table: Option<String>,
    constraint: Option<String>,
    message: Option<String>,
}

impl std::error::Error for Refusal {}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SQLSTATE {}", self.code)?;
        if let Some(table) = &self.table {
            write!(f, " in table {table}")?;
        }
        if let Some(constraint) = &self.constraint {
            write!(f, ", constraint {constraint}")?;
        }
        if let Some(message) = &self.message {
            write!(f, ": {message}")?;
        }
        Ok(())
    }
}

/// What the driver could not do with an answer. Its own words can quote the answer.
#[derive(Debug, thiserror::Error)]
enum Unreadable {
    #[error("the column {0} could not be read")]
    Column(String),
    #[error("the server's answer could not be understood")]
    Answer,
    #[error("a parameter could not be sent")]
    Parameter,
}

/// A write that the store's own bookkeeping says cannot miss, missed.
#[derive(Debug, thiserror::Error)]
#[error("{what}: {expected} rows expected, {found} found")]
pub(crate) struct Miscount {
    what: &'static str,
    expected: u64,
    found: u64,
}

/// Checks a write's affected rows.
pub(crate) fn expect_rows(what: &'static str, expected: usize, found: u64) -> Result<(), StoreError> {
    let expected = expected as u64;
    if expected == found {
        return Ok(());
    }
    Err(StoreError::Database(Box::new(Miscount { what, expected, found })))
}

/// The store's error for the driver's.
pub(crate) fn failed(error: sqlx::Error) -> StoreError {
    use sqlx::Error;
    match error {
        Error::Database(error) => refused(&*error),
        Error::Io(_)
        | Error::Tls(_)
        | Error::PoolTimedOut
        | Error::PoolClosed
        | Error::WorkerCrashed
        | Error::BeginFailed => StoreError::Unavailable(Box::new(error)),
        Error::ColumnDecode { index, .. } => StoreError::Database(Box::new(Unreadable::Column(index))),
        Error::Encode(_) | Error::InvalidArgument(_) => StoreError::Database(Box::new(Unreadable::Parameter)),
        Error::Decode(_) | Error::Protocol(_) => StoreError::Database(Box::new(Unreadable::Answer)),
        other => StoreError::Database(Box::new(other)),
    }
}

/// Whether an error says that this constraint forbids a write.
pub(crate) fn violates(error: &sqlx::Error, constraint: &str) -> bool {
    error.as_database_error().is_some_and(|error| error.constraint() == Some(constraint))
}

fn refused(error: &dyn DatabaseError) -> StoreError {
    let code = error.code().unwrap_or_default().into_owned();
    let own = |text: Option<&str>| text.map(str::to_owned);
    let refusal = Refusal {
        table: own(error.try_downcast_ref::<PgDatabaseError>().and_then(PgDatabaseError::table)),
        constraint: own(error.constraint()),
        message: tells_no_values(&code).then(|| error.message().to_owned()),
        code,
    };
    if is_transient(&refusal.code) {
        StoreError::Unavailable(Box::new(refusal))
    } else {
        StoreError::Database(Box::new(refusal))
    }
}

/// Failures of the server's circumstances and not of the statement.
fn is_transient(code: &str) -> bool {
    // Connection, resources, operator's doing; then: serialization, deadlock, lock not to be had in time, a database that
    // takes no connections at the moment, and a server that was made a read-only standby under us.
    ["08", "53", "57"].iter().any(|class| code.starts_with(class))
        || ["40001", "40P01", "55P03", "55000", "25006"].contains(&code)
}

/// Whether messages of this class speak of the schema and the server only. Others (22, a value that does not fit; 23, a
/// constraint; P0, somebody's trigger) can quote a row.
fn tells_no_values(code: &str) -> bool {
    ["08", "25", "28", "3D", "3F", "40", "42", "53", "55", "57"].iter().any(|class| code.starts_with(class))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn circumstances_are_worth_repeating_and_statements_are_not() {
        for code in ["08006", "53300", "57P01", "57014", "40001", "40P01", "55P03", "55000", "25006"] {
            assert!(is_transient(code), "{code}");
        }
        for code in ["23505", "22P02", "42P01", "28P01", "3D000", "XX000", ""] {
            assert!(!is_transient(code), "{code}");
        }
    }

    #[test]
    fn messages_that_can_quote_a_row_are_dropped() {
        for code in ["22P02", "22001", "23505", "23514", "P0001", "XX000", ""] {
            assert!(!tells_no_values(code), "{code}");
        }
        assert!(tells_no_values("42P01"));
    }

    #[test]
    fn a_refusal_names_what_it_may() {
        let refusal = Refusal {
            code: "23505".to_owned(),
            table: Some("users".to_owned()),
            constraint: Some("users_email".to_owned()),
            message: None,
        };
        assert_eq!(refusal.to_string(), "SQLSTATE 23505 in table users, constraint users_email");
    }

    #[test]
    fn rows_that_are_missing_are_an_error() {
        assert!(expect_rows("update", 3, 3).is_ok());
        assert!(matches!(expect_rows("update", 3, 2), Err(StoreError::Database(_))));
    }
}
