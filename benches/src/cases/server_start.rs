//! Starting the server on its embedded store.

use anyhow::Result;

use super::told;
use crate::{
    Work,
    directory::{Directories, SimulatedDirectories},
    product::Product,
    report::{Row, Unit},
};

pub(super) fn measure(work: &Work, case: &str) -> Result<Vec<Row>> {
    let folder = tempfile::tempdir()?;
    let directories = SimulatedDirectories::start(Directories { count: 1, users: 1, latency_ms: 0 })?;
    let product = Product::new(&format!("sqlite://{}", folder.path().join("directory.db").display()), &directories)?;
    product.connect(&directories)?;
    // Warm: program and database have been read before.
    product.time_start()?;
    let (mut took, mut peaks) = (Vec::new(), Vec::new());
    for round in 0..work.rounds(10) {
        let (start, api) = product.time_start()?;
        peaks.extend(api.process.peak_bytes());
        told(round, &format!("{start:.1?}"));
        took.push(start.as_secs_f64() * 1e3);
    }
    let what = "start of `directory-server` to `/readyz`, SQLite, warm".to_owned();
    Ok(vec![Row::new(case, what, Unit::Milliseconds, took).peak(&peaks).median_at_most(100.0)])
}
