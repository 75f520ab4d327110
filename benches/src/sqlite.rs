//! Baseline I: the rows of a finished database into an empty one.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use anyhow::Result;
use rusqlite::{Connection, params_from_iter, types::Value};

const TABLES: [&str; 2] = ["users", "sync_changes"];

/// A table's rows, in memory.
struct Table {
    name: &'static str,
    columns: Vec<String>,
    rows: Vec<Vec<Value>>,
}

/// Inserts the rows of `full` into `empty`, which has the same tables and is set up as the store sets its own up.
pub(crate) fn bulk_insert(full: &Path, empty: &Path) -> Result<Duration> {
    let full = Connection::open(full)?;
    let tables: Vec<Table> = TABLES.into_iter().map(|table| read(&full, table)).collect::<Result<_>>()?;
    drop(full);
    let mut empty = Connection::open(empty)?;
    empty.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON;
         PRAGMA cache_size = -32000; PRAGMA wal_autocheckpoint = 8000;",
    )?;
    let began = Instant::now();
    let tx = empty.transaction()?;
    for Table { name, columns, rows } in &tables {
        let places = vec!["?"; columns.len()].join(", ");
        let mut insert = tx.prepare(&format!("INSERT INTO {name} ({}) VALUES ({places})", columns.join(", ")))?;
        for row in rows {
            insert.execute(params_from_iter(row))?;
        }
    }
    tx.commit()?;
    Ok(began.elapsed())
}

fn read(database: &Connection, name: &'static str) -> Result<Table> {
    // Generated columns are not among them.
    let mut columns = database.prepare("SELECT name FROM pragma_table_info(?1)")?;
    let columns: Vec<String> = columns.query_map([name], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let mut select = database.prepare(&format!("SELECT {} FROM {name} ORDER BY rowid", columns.join(", ")))?;
    let rows = select.query_map([], |row| (0..columns.len()).map(|column| row.get(column)).collect())?;
    let rows = rows.collect::<Result<_, _>>()?;
    drop(select);
    Ok(Table { name, columns, rows })
}

/// Moves what lies in the log beside a database, which nobody uses, into the database itself.
pub(crate) fn settle(database: &Path) -> Result<()> {
    let database = Connection::open(database)?;
    Ok(database.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?)
}

/// SQLite's version.
pub(crate) fn version() -> &'static str {
    rusqlite::version()
}
