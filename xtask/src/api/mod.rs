//! The outside API tester, schemathesis, against a real server: whatever the document promises or forbids is tried.

mod python;
mod world;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, bail};

pub(crate) use python::Python;
use world::World;

use crate::tools;

/// What the tester is told; the folder that it works in has them and the dictionaries of ids.
const FILES: [&str; 2] = ["schemathesis.toml", "hooks.py"];

/// Runs the tester against the programs in `programs`, as they are built.
pub(crate) fn test(root: &Path, python: &Python, programs: &Path) -> Result<()> {
    let tester = python.tester(root)?;
    let world = World::start(programs).context("cannot set up the server to test")?;
    let folder = world.folder();
    for file in FILES {
        let from = root.join("xtask/schemathesis").join(file);
        fs::copy(&from, folder.join(file)).with_context(|| format!("cannot copy {}", from.display()))?;
    }
    let status = Command::new(tester)
        .args(["--config-file", "schemathesis.toml", "run", &format!("{}/openapi.json", world.url())])
        .env("DIRECTORY_TEST_TOKEN", world.token())
        .env("DIRECTORY_TEST_CERTIFICATE", root.join("crates/entra-simulator/src/certificate.pem"))
        .env("SCHEMATHESIS_HOOKS", "hooks")
        .env("PYTHONPATH", folder)
        .current_dir(folder)
        .status()
        .context("cannot run schemathesis")?;
    if !status.success() {
        bail!("schemathesis found something ({status}); the server said:\n{}", world.errors());
    }
    Ok(())
}

/// Where cargo puts the programs of this workspace.
pub(crate) fn programs(root: &Path) -> PathBuf {
    tools::target(root).join("debug")
}
