//! A whole directory into PostgreSQL, for the first time and again.

use std::time::Duration;

use anyhow::Result;
use uuid::Uuid;

use super::told;
use crate::{
    Work,
    directory::{Directories, SimulatedDirectories},
    product::Product,
    report::{Row, Unit},
};

/// Sessions write their counts of rows when they end, which takes a moment.
const COUNTED: Duration = Duration::from_secs(1);
/// How much worse than 100,000 users a million may be.
const SCALING: f64 = 1.15;

pub(super) async fn first_import(work: &Work, case: &str) -> Result<Vec<Row>> {
    let users = work.scale.users;
    Ok(vec![import(work, case, users, work.rounds(5)).await?.ratio_at_most(1.0)])
}

pub(super) async fn first_import_of_many(work: &Work, case: &str, of_smaller: Option<f64>) -> Result<Vec<Row>> {
    let users = work.scale.many_users;
    let row = import(work, case, users, work.rounds(3)).await?.peak_at_most(300);
    let Some(smaller) = of_smaller else {
        return Ok(vec![
            row.note("its ratio is to be compared with that of `first_import_100k`, which was not measured".to_owned()),
        ]);
    };
    let holds = row.ratio().is_some_and(|ratio| ratio <= smaller * SCALING);
    Ok(vec![row.goal(format!("ratio at most {SCALING} x that of `first_import_100k` ({smaller:.2})"), holds)])
}

pub(super) async fn unchanged(work: &Work, case: &str) -> Result<Vec<Row>> {
    Ok(vec![again(work, case, work.scale.users, work.rounds(5)).await?])
}

pub(super) async fn unchanged_of_many(work: &Work, case: &str) -> Result<Vec<Row>> {
    Ok(vec![again(work, case, work.scale.many_users, work.rounds(3)).await?.peak_at_most(150)])
}

/// Each round imports into a new database.
async fn import(work: &Work, case: &str, users: u32, rounds: u32) -> Result<Row> {
    let directories = SimulatedDirectories::start(Directories { count: 1, users, latency_ms: 0 })?;
    let prepared = work.cluster.database("prepared").await?;
    let mut product = Product::new(&prepared.url, &directories)?;
    let connection = product.connect(&directories)?;
    let (mut took, mut peaks, mut downloads, mut copies) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for round in 0..rounds {
        let database = work.cluster.copy(&prepared, "measured").await?;
        product.use_database(&database.url);
        work.cluster.settle().await?;
        let ended = product.sync(&connection, users)?;
        let download = directories.download()?;
        let copy = database.copy_in(&mut database.rows().await?).await?;
        told(round, &format!("{:.2?}, D {download:.2?}, C {copy:.2?}", ended.took));
        took.push(ended.took.as_secs_f64());
        peaks.push(ended.peak_bytes);
        downloads.push(download.as_secs_f64());
        copies.push(copy.as_secs_f64());
        work.cluster.drop(database).await?;
    }
    work.cluster.drop(prepared).await?;
    let what = format!("first import of {users} users, with change history");
    Ok(Row::new(case, what, Unit::Seconds, took).against(vec![("D", downloads), ("C", copies)]).peak(&peaks))
}

/// Each round reads the directory that the database has already.
async fn again(work: &Work, case: &str, users: u32, rounds: u32) -> Result<Row> {
    let directories = SimulatedDirectories::start(Directories { count: 1, users, latency_ms: 0 })?;
    let database = work.cluster.database("measured").await?;
    let product = Product::new(&database.url, &directories)?;
    let connection = product.connect(&directories)?;
    product.sync(&connection, users)?;
    database.tidy().await?;
    tokio::time::sleep(COUNTED).await;
    let before = database.rows_written().await?;
    let (mut took, mut peaks, mut downloads, mut reads) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for round in 0..rounds {
        work.cluster.settle().await?;
        let ended = product.sync(&connection, users)?;
        let download = directories.download()?;
        let read = database.read_compact(connection.parse::<Uuid>()?, users).await?;
        told(round, &format!("{:.2?}, D {download:.2?}, R {read:.2?}", ended.took));
        took.push(ended.took.as_secs_f64());
        peaks.push(ended.peak_bytes);
        downloads.push(download.as_secs_f64());
        reads.push(read.as_secs_f64());
    }
    tokio::time::sleep(COUNTED).await;
    let written = database.rows_written().await? - before;
    work.cluster.drop(database).await?;
    let what = format!("full sync of {users} unchanged users");
    let row = Row::new(case, what, Unit::Seconds, took).against(vec![("D", downloads), ("R", reads)]).peak(&peaks);
    Ok(row
        .ratio_at_most(2.0)
        .goal("no user and no change written".to_owned(), written == 0)
        .note(format!("rows of users and changes written in all rounds: {written}")))
}
