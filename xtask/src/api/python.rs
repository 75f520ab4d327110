//! A Python with the tester in it, in a folder of its own below `target`, made once.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, bail};

use crate::tools;

/// Python that can make virtual environments.
pub(crate) struct Python {
    interpreter: &'static str,
}

impl Python {
    /// Finds it, or installs the distribution's packages where that may be done unasked.
    pub(crate) fn ensure() -> Result<Self> {
        let python = Self { interpreter: "python3" };
        if python.makes_environments() {
            return Ok(python);
        }
        tools::install_packages("Python 3 with venv", &["python3", "python3-venv"])?;
        if python.makes_environments() {
            Ok(python)
        } else {
            bail!("the packages python3 and python3-venv do not work")
        }
    }

    /// The tester's program, installed as `requirements.txt` says unless it is there already.
    pub(crate) fn tester(&self, root: &Path) -> Result<PathBuf> {
        let wanted = root.join("xtask/schemathesis/requirements.txt");
        let wanted_text = fs::read_to_string(&wanted).with_context(|| format!("cannot read {}", wanted.display()))?;
        let folder = root.join("target/schemathesis");
        let installed = folder.join("requirements.txt");
        if fs::read_to_string(&installed).ok().as_deref() != Some(wanted_text.as_str()) {
            eprintln!("installing schemathesis into {}", folder.display());
            let path = |path: &Path| path.display().to_string();
            tools::run(&[self.interpreter, "-m", "venv", "--clear", &path(&folder)], &[])?;
            let pip = path(&folder.join("bin/pip"));
            let quiet = ["install", "--quiet", "--disable-pip-version-check", "--requirement"];
            tools::run(&[&[pip.as_str()], &quiet[..], &[&path(&wanted)]].concat(), &[])?;
            // Last: what is half installed is installed again.
            fs::write(&installed, wanted_text).with_context(|| format!("cannot write {}", installed.display()))?;
        }
        Ok(folder.join("bin/schemathesis"))
    }

    /// Debian has `venv` in Python's own package, but not what it needs.
    fn makes_environments(&self) -> bool {
        let mut python = Command::new(self.interpreter);
        python.args(["-c", "import venv, ensurepip"]);
        python.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        python.status().is_ok_and(|status| status.success())
    }
}
