//! The fuzz targets in `fuzz/`: built once, by the same compiler as everything else, and each run for a bounded time.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Mutex,
    thread,
};

use anyhow::{Context as _, Result, bail};

use crate::tools;

/// What makes the compiler count which branches an input takes, as libFuzzer reads it. They are `cargo fuzz`'s, without what
/// needs a nightly compiler: a sanitizer finds little where `unsafe` is forbidden. `--cfg fuzzing` is left out, so that what
/// is fuzzed is what is shipped.
const INSTRUMENTATION: [&str; 7] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Cllvm-args=-simplifycfg-branch-fold-threshold=0",
    "-Ccodegen-units=1",
];

/// The same for every run. An input may take ten seconds and a gigabyte: none needs a hundredth of it.
const LIMITS: [&str; 5] = ["-seed=1", "-max_len=8192", "-timeout=10", "-rss_limit_mb=1024", "-print_final_stats=1"];

/// What is shown of a failed run: the panic and where it came from.
const SHOWN_LINES: usize = 40;

/// Where the targets are, and where what they leave behind goes.
struct Places {
    /// `fuzz/`.
    sources: PathBuf,
    /// All that is made: the build, the corpus that grows, findings, logs.
    made: PathBuf,
    /// The built targets.
    programs: PathBuf,
}

/// A target's run.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Passed(Figures),
    /// Where the input is that it was found with, if it was written.
    Found(Option<String>),
}

/// What a run has to show for itself.
#[derive(Debug, Default, PartialEq, Eq)]
struct Figures {
    inputs: u64,
    per_second: u64,
    /// Branches that the corpus reaches, and that are reached in the end.
    begin: u64,
    end: u64,
}

/// Whether `fuzz/Cargo.lock` still fits. It is a workspace of its own, so that nothing else brings it up to date when a
/// crate's dependencies change.
pub(crate) fn check_lock(root: &Path) -> Result<()> {
    if !resolves(root, true)? {
        bail!("fuzz/Cargo.lock does not fit the crates any more (see above). Type: cargo xtask fuzz --renew-lock");
    }
    Ok(())
}

/// Makes `fuzz/Cargo.lock` anew: what both workspaces have has the repository's version.
pub(crate) fn renew_lock(root: &Path) -> Result<()> {
    let lock = root.join("fuzz").join("Cargo.lock");
    fs::copy(root.join("Cargo.lock"), &lock).with_context(|| format!("cannot write {}", lock.display()))?;
    if resolves(root, false)? { Ok(()) } else { bail!("cargo cannot resolve the dependencies of fuzz/Cargo.toml") }
}

/// Has cargo resolve the dependencies, which writes the lock file unless it is locked.
fn resolves(root: &Path, locked: bool) -> Result<bool> {
    let mut command = tools::command(tools::cargo());
    command.args(["metadata", "--quiet", "--format-version", "1", "--manifest-path"]).arg(root.join("fuzz/Cargo.toml"));
    if locked {
        command.arg("--locked");
    }
    Ok(command.stdout(Stdio::null()).status().context("cannot run cargo metadata")?.success())
}

/// Runs every target, or one, for so many seconds each, as many at once as there are processors.
pub(crate) fn run(root: &Path, seconds: u64, only: Option<&str>) -> Result<()> {
    tools::cxx_compiler()?;
    check_lock(root)?;
    let host = tools::host()?;
    let target_folder = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |folder| root.join(folder));
    let made = target_folder.join("fuzz");
    let programs = made.join(&host).join("release");
    let places = Places { sources: root.join("fuzz"), made, programs };
    let targets = chosen(places.targets()?, only)?;
    places.build(&host, only)?;

    let waiting = Mutex::new(targets.iter());
    let findings = Mutex::new(Vec::new());
    let at_once = thread::available_parallelism().map_or(1, usize::from);
    let next = || waiting.lock().ok().and_then(|mut targets| targets.next());
    thread::scope(|scope| -> Result<()> {
        let work = || -> Result<()> {
            while let Some(target) = next() {
                if let Some(finding) = places.fuzz(target, seconds)?
                    && let Ok(mut findings) = findings.lock()
                {
                    findings.push(finding);
                }
            }
            Ok(())
        };
        let workers: Vec<_> = (0..at_once).map(|_| scope.spawn(work)).collect();
        workers.into_iter().try_for_each(|worker| worker.join().unwrap_or_else(|_| bail!("a worker of xtask panicked")))
    })?;
    let findings = findings.into_inner().unwrap_or_default();
    if findings.is_empty() {
        return Ok(());
    }
    bail!("{} of {} fuzz targets failed:\n{}", findings.len(), targets.len(), findings.join("\n"));
}

fn chosen(all: Vec<String>, only: Option<&str>) -> Result<Vec<String>> {
    let Some(only) = only else { return Ok(all) };
    if !all.iter().any(|name| name == only) {
        bail!("there is no fuzz target {only}; there are: {}", all.join(", "));
    }
    Ok(vec![only.to_owned()])
}

impl Places {
    /// A file a target, in the order of their names.
    fn targets(&self) -> Result<Vec<String>> {
        let folder = self.sources.join("fuzz_targets");
        let entries = fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
        let mut names: Vec<String> = entries
            .filter_map(|entry| {
                let path = entry.ok()?.path();
                path.extension().is_some_and(|extension| extension == "rs").then_some(())?;
                Some(path.file_stem()?.to_str()?.to_owned())
            })
            .collect();
        names.sort();
        Ok(names)
    }

    fn build(&self, host: &str, only: Option<&str>) -> Result<()> {
        let manifest = self.sources.join("Cargo.toml");
        let mut command = tools::command(tools::cargo());
        command.args(["build", "--locked", "--release", "--manifest-path"]).arg(&manifest);
        // With a target of its own the flags are not for build scripts, which have nothing to count for.
        command.args(["--target", host, "--target-dir"]).arg(&self.made);
        match only {
            Some(target) => command.args(["--bin", target]),
            None => command.arg("--bins"),
        };
        command.env("CARGO_ENCODED_RUSTFLAGS", INSTRUMENTATION.join("\u{1f}"));
        let status = command.status().context("cannot run cargo build")?;
        if !status.success() {
            bail!(
                "the fuzz targets do not build ({status}); if cargo complains of fuzz/Cargo.lock, see fuzz/README.md"
            );
        }
        Ok(())
    }

    /// Runs one target. Gives what to tell of it if it failed.
    fn fuzz(&self, target: &str, seconds: u64) -> Result<Option<String>> {
        let program = self.programs.join(target);
        let [grown, findings, logs] = [("corpus", target), ("findings", target), ("logs", "")]
            .map(|(kind, name)| self.made.join(kind).join(name));
        for folder in [&grown, &findings, &logs] {
            fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        }
        let log = logs.join(target);
        let file = fs::File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
        let mut command = Command::new(&program);
        command.args(LIMITS).arg(format!("-max_total_time={seconds}"));
        command.arg(format!("-artifact_prefix={}/", findings.display()));
        let dictionary = self.sources.join("dictionaries").join(target);
        if dictionary.exists() {
            command.arg(format!("-dict={}", dictionary.display()));
        }
        // New inputs go to the first folder. Earlier findings are tried again until they are none.
        command.args(
            [&grown, &self.sources.join("corpus").join(target), &findings].into_iter().filter(|folder| folder.exists()),
        );
        command.env("RUST_BACKTRACE", "1").stdout(file.try_clone()?).stderr(file);
        let status =
            command.status().with_context(|| format!("cannot run {}; is it in fuzz/Cargo.toml?", program.display()))?;
        let said = fs::read(&log).with_context(|| format!("cannot read {}", log.display()))?;
        match outcome(status.success(), &String::from_utf8_lossy(&said)) {
            Outcome::Passed(Figures { inputs, per_second, begin, end }) => {
                eprintln!(
                    "  {target:<12} {inputs:>9} inputs {per_second:>7} a second, branches {begin:>5} -> {end:>5}"
                );
                Ok(None)
            }
            Outcome::Found(input) => {
                eprintln!("\n{target} failed:\n{}\n", shown(&String::from_utf8_lossy(&said)));
                let input = input.unwrap_or_else(|| "(it wrote no input)".to_owned());
                Ok(Some(format!(
                    "  {target}: once more with: {} {input}\n    all it said: {}",
                    program.display(),
                    log.display()
                )))
            }
        }
    }
}

/// What a run came to, by what libFuzzer printed.
fn outcome(success: bool, said: &str) -> Outcome {
    if !success {
        let written = said.lines().find_map(|line| line.split_once("Test unit written to "));
        return Outcome::Found(written.map(|(_, path)| path.trim().to_owned()));
    }
    let number = |text: &str| text.split_whitespace().next().and_then(|word| word.parse().ok());
    let after = |label: &str| said.lines().rev().find_map(|line| number(line.split_once(label)?.1)).unwrap_or(0);
    let begin =
        said.lines().filter(|line| line.contains("INITED")).find_map(|line| number(line.split_once("cov: ")?.1));
    Outcome::Passed(Figures {
        inputs: after("stat::number_of_executed_units:"),
        per_second: after("stat::average_exec_per_sec:"),
        begin: begin.unwrap_or(0),
        end: after("cov: "),
    })
}

/// From the panic on; of a run that did not panic, the end.
fn shown(said: &str) -> String {
    let lines: Vec<&str> = said.lines().collect();
    let end = lines.len().saturating_sub(SHOWN_LINES);
    let begin = lines.iter().position(|line| line.contains(" panicked at ")).unwrap_or(end);
    lines.iter().skip(begin).take(SHOWN_LINES).copied().collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSED: &str = "\
INFO: seed corpus: files: 9 min: 22b max: 1107b total: 1905b rss: 27Mb
#10\tINITED cov: 1003 ft: 1924 corp: 9/1905b exec/s: 0 rss: 28Mb
#11\tNEW    cov: 1005 ft: 1926 corp: 10/1999b lim: 1107 exec/s: 0 rss: 28Mb
#145347\tDONE   cov: 1857 ft: 6144 corp: 812/98Kb lim: 1555 exec/s: 24224 rss: 91Mb
stat::number_of_executed_units: 145347
stat::average_exec_per_sec:     24224
";
    const FOUND: &str = "\
#11\tNEW    cov: 1005 ft: 1926 corp: 10/1999b lim: 1107 exec/s: 0 rss: 28Mb
thread '<unnamed>' (7) panicked at fuzz_targets/cursor.rs:25:5:
assertion failed
artifact_prefix='a/'; Test unit written to a/crash-1
";

    #[test]
    fn a_run_is_read() {
        let figures = Figures { inputs: 145_347, per_second: 24_224, begin: 1003, end: 1857 };
        assert_eq!(outcome(true, PASSED), Outcome::Passed(figures));
        assert_eq!(outcome(true, ""), Outcome::Passed(Figures::default()));
    }

    #[test]
    fn a_finding_is_where_it_was_written() {
        assert_eq!(outcome(false, FOUND), Outcome::Found(Some("a/crash-1".to_owned())));
        assert_eq!(outcome(false, PASSED), Outcome::Found(None));
        assert!(shown(FOUND).starts_with("thread '<unnamed>' (7) panicked"));
        assert_eq!(shown(PASSED), PASSED.trim_end());
    }

    #[test]
    fn one_target_is_chosen_by_its_name() {
        let all = || vec!["cursor".to_owned(), "plan".to_owned()];
        assert_eq!(chosen(all(), None).unwrap(), all());
        assert_eq!(chosen(all(), Some("plan")).unwrap(), ["plan"]);
        let error = chosen(all(), Some("pla")).unwrap_err().to_string();
        assert!(error.contains("cursor, plan"), "{error}");
    }

    /// Each target has its seeds and its place in the manifest: cargo builds no file that is not named there.
    #[test]
    fn every_target_is_whole() {
        let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz");
        let manifest = fs::read_to_string(sources.join("Cargo.toml")).unwrap();
        let places = Places { sources: sources.clone(), made: PathBuf::new(), programs: PathBuf::new() };
        let targets = places.targets().unwrap();
        assert!(targets.len() > 10, "{targets:?}");
        for target in targets {
            assert!(manifest.contains(&format!("name = \"{target}\"")), "{target} is not in fuzz/Cargo.toml");
            let seeds = fs::read_dir(sources.join("corpus").join(&target)).map_or(0, Iterator::count);
            assert!(seeds > 0, "{target} has no seeds");
        }
    }

    /// A failing program is a finding, whatever it is.
    #[test]
    fn a_failed_program_fails_its_target() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let places = Places { sources: path("fuzz"), made: path("made"), programs: PathBuf::from("/bin") };
        assert!(places.fuzz("false", 1).unwrap().unwrap().contains("/bin/false"));
        assert_eq!(places.fuzz("true", 1).unwrap(), None);
        assert!(places.fuzz("no-such-program", 1).is_err());
    }
}
