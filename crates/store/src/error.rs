//! Failures of a store. Absence is not among them: a read of what is not there is `Ok(None)`.

/// Any error, kept as a source.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A unique key that a write ran into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UniqueKey {
    /// Two tenants with one slug.
    TenantSlug,
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
