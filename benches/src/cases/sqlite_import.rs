//! A first import into a file.

use std::{fs, path::Path};

use anyhow::{Context, Result};

use super::told;
use crate::{
    Work,
    directory::{Directories, SimulatedDirectories},
    product::Product,
    report::{Row, Unit},
    sqlite,
};

pub(super) fn measure(work: &Work, case: &str) -> Result<Vec<Row>> {
    let users = work.scale.users;
    let folder = tempfile::tempdir()?;
    let file = |name: &str| folder.path().join(name);
    let url = |path: &Path| format!("sqlite://{}", path.display());
    let directories = SimulatedDirectories::start(Directories { count: 1, users, latency_ms: 0 })?;
    let prepared = file("prepared.db");
    let mut product = Product::new(&url(&prepared), &directories)?;
    let connection = product.connect(&directories)?;
    sqlite::settle(&prepared)?;
    let (mut took, mut peaks, mut downloads, mut inserts) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for round in 0..work.rounds(5) {
        let (measured, baseline) = (file("measured.db"), file("baseline.db"));
        for path in [&measured, &baseline] {
            remove(path)?;
            fs::copy(&prepared, path)?;
        }
        product.use_database(&url(&measured));
        let ended = product.sync(&connection, users)?;
        let download = directories.download()?;
        let insert = sqlite::bulk_insert(&measured, &baseline)?;
        told(round, &format!("{:.2?}, D {download:.2?}, I {insert:.2?}", ended.took));
        took.push(ended.took.as_secs_f64());
        peaks.push(ended.peak_bytes);
        downloads.push(download.as_secs_f64());
        inserts.push(insert.as_secs_f64());
    }
    let what = format!("SQLite, first import of {users} users, with change history");
    let row = Row::new(case, what, Unit::Seconds, took).against(vec![("D", downloads), ("I", inserts)]).peak(&peaks);
    Ok(vec![row.ratio_at_most(2.0)])
}

/// A database with whatever lies beside it.
fn remove(path: &Path) -> Result<()> {
    for end in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(end);
        if Path::new(&name).exists() {
            fs::remove_file(&name).with_context(|| format!("cannot remove {}", name.display()))?;
        }
    }
    Ok(())
}
