//! A directory that takes its time for each page.

use anyhow::Result;

use super::told;
use crate::{
    Work,
    directory::{Directories, SimulatedDirectories},
    product::Product,
    report::{Row, Series, Unit},
};

/// By how much a sync may be slower than reading the pages one after the other, which is what such a directory allows.
const BEHIND: f64 = 1.05;

pub(super) async fn measure(work: &Work, case: &str, latency_ms: u64) -> Result<Vec<Row>> {
    let users = work.scale.users;
    let directories = SimulatedDirectories::start(Directories { count: 1, users, latency_ms })?;
    let prepared = work.cluster.database("prepared").await?;
    let mut product = Product::new(&prepared.url, &directories)?;
    let connection = product.connect(&directories)?;
    let (mut planned, mut imported, mut again, mut downloads) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut peaks = Vec::new();
    for round in 0..work.rounds(3) {
        let database = work.cluster.copy(&prepared, "measured").await?;
        product.use_database(&database.url);
        work.cluster.settle().await?;
        let import = product.sync(&connection, users)?;
        let plan = database.time_to_plan().await?;
        database.tidy().await?;
        work.cluster.settle().await?;
        let unchanged = product.sync(&connection, users)?;
        let download = directories.download()?;
        told(
            round,
            &format!(
                "import planned in {plan:.2?} of {:.2?}, unchanged {:.2?}, D {download:.2?}",
                import.took, unchanged.took
            ),
        );
        planned.push(plan.as_secs_f64());
        imported.push(import.took.as_secs_f64());
        again.push(unchanged.took.as_secs_f64());
        downloads.push(download.as_secs_f64());
        peaks.push(import.peak_bytes.max(unchanged.peak_bytes));
        work.cluster.drop(database).await?;
    }
    work.cluster.drop(prepared).await?;

    let what = format!("full sync of {users} unchanged users, {latency_ms} ms a page");
    let unchanged = Row::new(case, what, Unit::Seconds, again).against(vec![("D", downloads.clone())]).peak(&peaks);
    let what = format!("first import of {users} users, {latency_ms} ms a page: reading, planning and staging");
    let import = Row::new(&format!("{case}_import"), what, Unit::Seconds, planned).against(vec![("D", downloads)]).note(format!(
        "from the run's claim to its first batch: nothing may be applied before the listing is complete. The whole import took {:.2} s",
        Series::of(imported).median()
    ));
    Ok(vec![unchanged.ratio_at_most(BEHIND), import.ratio_at_most(BEHIND)])
}
