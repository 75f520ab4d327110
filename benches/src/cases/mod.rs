//! The cases, each with its goal.

mod engine_alone;
mod full_sync;
mod latency;
mod many_connections;
mod runs_page;
mod server_start;
mod sqlite_import;

use anyhow::Result;
use clap::ValueEnum;

use crate::{Work, report::Row};

/// A thing to measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[expect(missing_docs, reason = "the names are the table's, which says what each is")]
pub enum Case {
    #[value(name = "engine_alone")]
    EngineAlone,
    #[value(name = "server_start")]
    ServerStart,
    #[value(name = "first_import_100k")]
    FirstImport100k,
    #[value(name = "unchanged_100k")]
    Unchanged100k,
    #[value(name = "latency_50ms")]
    Latency50ms,
    #[value(name = "latency_300ms")]
    Latency300ms,
    #[value(name = "sqlite_first_import_100k")]
    SqliteFirstImport100k,
    #[value(name = "many_connections")]
    ManyConnections,
    #[value(name = "runs_page")]
    RunsPage,
    #[value(name = "first_import_1m")]
    FirstImport1m,
    #[value(name = "unchanged_1m")]
    Unchanged1m,
}

impl Case {
    /// Every case, the quick ones first.
    #[must_use]
    pub fn all() -> Vec<Self> {
        Self::value_variants().to_vec()
    }

    /// Its name in the table.
    #[must_use]
    pub fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    /// Measures it. A goal can be relative to what was `measured` before.
    pub async fn measure(self, work: &Work, measured: &[Row]) -> Result<Vec<Row>> {
        let name = self.name();
        eprintln!("{name}");
        let of_smaller = measured.iter().find(|row| row.is_of("first_import_100k")).and_then(Row::ratio);
        match self {
            Self::EngineAlone => engine_alone::measure(work, &name),
            Self::ServerStart => server_start::measure(work, &name),
            Self::FirstImport100k => full_sync::first_import(work, &name).await,
            Self::FirstImport1m => full_sync::first_import_of_many(work, &name, of_smaller).await,
            Self::Unchanged100k => full_sync::unchanged(work, &name).await,
            Self::Unchanged1m => full_sync::unchanged_of_many(work, &name).await,
            Self::Latency50ms => latency::measure(work, &name, 50).await,
            Self::Latency300ms => latency::measure(work, &name, 300).await,
            Self::SqliteFirstImport100k => sqlite_import::measure(work, &name),
            Self::ManyConnections => many_connections::measure(work, &name).await,
            Self::RunsPage => runs_page::measure(work, &name).await,
        }
    }
}

/// Says what a round came to, for whoever watches.
fn told(round: u32, text: &str) {
    eprintln!("    {}: {text}", round + 1);
}
