//! What was measured on. Nothing that says whose machine it is.

use std::{fs, path::Path, thread};

use anyhow::{Context, Result};
use chrono::Utc;
use serde::Serialize;

use crate::{Cluster, sqlite};

/// A machine, as far as results depend on it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Machine {
    date: String,
    cores: usize,
    processor: String,
    memory_gib: u64,
    /// Of the database server's files.
    file_system: String,
    postgresql: String,
    sqlite: &'static str,
}

impl Machine {
    /// Looks around.
    pub async fn look(cluster: &Cluster) -> Result<Self> {
        let postgresql = cluster.show("server_version").await?;
        Ok(Self {
            date: Utc::now().format("%Y-%m-%d").to_string(),
            cores: thread::available_parallelism()?.get(),
            processor: value_of("/proc/cpuinfo", "model name")?,
            memory_gib: memory_gib()?,
            file_system: file_system(Path::new(&cluster.show("data_directory").await?))?,
            // Without what the distribution says behind it.
            postgresql: postgresql.split(' ').next().unwrap_or_default().to_owned(),
            sqlite: sqlite::version(),
        })
    }

    pub(crate) fn sentence(&self) -> String {
        let Self { date, cores, processor, memory_gib, file_system, postgresql, sqlite } = self;
        format!(
            "Measured on {date}: {cores} cores ({processor}), {memory_gib} GiB of memory, {file_system}; PostgreSQL \
             {postgresql} with its default settings (`fsync`, `full_page_writes` and `synchronous_commit` are on), SQLite {sqlite}."
        )
    }
}

fn value_of(file: &str, name: &str) -> Result<String> {
    let content = fs::read_to_string(file).with_context(|| format!("cannot read {file}"))?;
    let line = content.lines().find(|line| line.starts_with(name));
    let value = line.and_then(|line| line.split_once(':')).map(|(_, value)| value.trim().to_owned());
    Ok(value.unwrap_or_else(|| "unknown".to_owned()))
}

fn memory_gib() -> Result<u64> {
    let total = value_of("/proc/meminfo", "MemTotal")?;
    let kilobytes: u64 = total.trim_end_matches("kB").trim().parse().context("no number of kilobytes")?;
    Ok((kilobytes + (1 << 19)) >> 20)
}

/// The kind of file system that a folder is on: that of the longest mount point above it.
fn file_system(folder: &Path) -> Result<String> {
    let mounts = fs::read_to_string("/proc/mounts").context("cannot read /proc/mounts")?;
    Ok(kind_above(&mounts, folder).unwrap_or("an unknown file system").to_owned())
}

fn kind_above<'a>(mounts: &'a str, folder: &Path) -> Option<&'a str> {
    let mounts = mounts.lines().filter_map(|line| {
        let mut words = line.split(' ').skip(1);
        Some((words.next()?, words.next()?))
    });
    let above = mounts.filter(|(point, _)| folder.starts_with(point));
    above.max_by_key(|(point, _)| point.len()).map(|(_, kind)| kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_mount_point_counts() {
        let mounts = "/dev/a / ext4 rw 0 0\ntmpfs /tmp tmpfs rw 0 0\n/dev/b /tmpfiles xfs rw 0 0\n";
        assert_eq!(kind_above(mounts, Path::new("/tmp/x")), Some("tmpfs"));
        assert_eq!(kind_above(mounts, Path::new("/var/x")), Some("ext4"));
    }
}
