//! Failures of a store. Absence is not among them: a read of what is not there is `Ok(None)`.

use std::{
    error::Error,
    fmt::{self, Display},
};

/// Any error, kept as a source.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// A unique key that a write ran into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UniqueKey {
    /// Two tenants with one slug.
    TenantSlug,
    /// Two connections of a tenant with one id.
    ConnectionId,
}

/// Why a store could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database cannot be reached or asked to try again: worth repeating.
    #[error("the database is not available")]
    Unavailable(#[source] BoxError),
    /// A unique key forbids the write.
    #[error("{0:?} is in use already")]
    Conflict(UniqueKey),
    /// Another worker holds the run now; stop working on it.
    #[error("the run's lease is held by another worker")]
    LeaseLost,
    /// The schema is older or newer than this program.
    #[error("the database's schema does not fit this program: {0}")]
    Schema(String),
    /// A stored value makes no sense.
    #[error("corrupt value in {table}.{column} of row {row}")]
    Corrupt {
        /// Table.
        table: &'static str,
        /// Column.
        column: &'static str,
        /// The row's id, never its content.
        row: String,
    },
    /// A statement failed in a way that repeating does not help.
    #[error("a database statement failed")]
    Database(#[source] BoxError),
}

/// An error and its sources in one line, for logs: the JSON form of a log line has no place for the sources otherwise.
pub fn chain(error: &dyn Error) -> impl Display + '_ {
    fmt::from_fn(move |f| {
        write!(f, "{error}")?;
        let mut next = error.source();
        while let Some(source) = next {
            write!(f, ": {source}")?;
            next = source.source();
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_tells_each_error_once_and_in_order() {
        let refused = StoreError::Schema("too new".to_owned());
        let outer = StoreError::Database(Box::new(StoreError::Unavailable(Box::new(refused))));
        let expected = "a database statement failed: the database is not available: \
                        the database's schema does not fit this program: too new";
        assert_eq!(chain(&outer).to_string(), expected);
        assert_eq!(chain(&StoreError::LeaseLost).to_string(), "the run's lease is held by another worker");
    }
}
