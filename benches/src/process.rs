//! Processes: one that runs to its end and is measured, and one that serves until it is dropped.

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};

/// How often a process' peak memory is read: what it takes after the last look is missed.
const LOOK: Duration = Duration::from_millis(5);

/// A process that has ended.
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) said: String,
    pub(crate) took: Duration,
    /// The largest resident memory.
    pub(crate) peak_bytes: u64,
}

/// Runs a process from start to end.
pub(crate) fn run(mut command: Command) -> Result<Ended> {
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let began = Instant::now();
    let mut child = command.spawn().with_context(|| format!("cannot run {}", command.get_program().display()))?;
    let over = Arc::new(AtomicBool::new(false));
    let watch = thread::spawn({
        let (over, id) = (Arc::clone(&over), child.id());
        move || {
            let mut peak = 0;
            while !over.load(Ordering::Relaxed) {
                peak = peak.max(peak_bytes(id).unwrap_or_default());
                thread::sleep(LOOK);
            }
            peak
        }
    });
    let mut said = String::new();
    let read = child.stdout.take().context("it has no output")?.read_to_string(&mut said);
    let status = child.wait()?;
    let took = began.elapsed();
    over.store(true, Ordering::Relaxed);
    let peak_bytes = watch.join().ok().context("nobody watched the process")?;
    read?;
    Ok(Ended { status, said, took, peak_bytes })
}

/// A process' largest resident memory so far; `None` once it has ended.
pub(crate) fn peak_bytes(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

/// A process that serves, killed when it is dropped.
pub(crate) struct Server {
    child: Child,
}

impl Server {
    /// Starts it, and gives the first line that it says.
    pub(crate) fn start(mut command: Command) -> Result<(Self, String)> {
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let child = command.spawn().with_context(|| format!("cannot run {}", command.get_program().display()))?;
        let mut server = Self { child };
        let mut output = BufReader::new(server.child.stdout.take().context("it has no output")?);
        let mut line = String::new();
        output.read_line(&mut line)?;
        // Nobody reads on: what serves says nothing more.
        Ok((server, line.trim().to_owned()))
    }

    pub(crate) fn peak_bytes(&self) -> Option<u64> {
        peak_bytes(self.child.id())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_process_is_measured_to_its_end() {
        let ended = run(shell("sleep 0.1; echo done; exit 3")).unwrap();
        assert_eq!((ended.said.trim(), ended.status.code()), ("done", Some(3)));
        assert!(ended.took >= Duration::from_millis(100));
        assert!(ended.peak_bytes > 100_000, "{}", ended.peak_bytes);
    }

    #[test]
    fn a_server_ends_with_its_value() {
        let (server, line) = Server::start(shell("echo listening; exec sleep 600")).unwrap();
        let id = server.child.id();
        assert_eq!(line, "listening");
        assert!(server.peak_bytes().is_some());
        drop(server);
        assert_eq!(peak_bytes(id), None);
    }
}
