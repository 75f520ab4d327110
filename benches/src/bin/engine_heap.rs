//! `engine-heap USERS`: prints how many bytes the engine holds after a listing of so many unchanged users. A program of its own,
//! because counting what is allocated costs the time that the other one measures.

use std::io::Write;

use anyhow::Context;
use benchmarks::engine;
use peak_alloc::PeakAlloc;

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

fn main() -> anyhow::Result<()> {
    let users = std::env::args().nth(1).context("how many users?")?.parse()?;
    let before = HEAP.current_usage();
    let (reconciler, _) = engine::listing(users)?;
    let held = HEAP.current_usage().saturating_sub(before);
    drop(reconciler);
    writeln!(std::io::stdout(), "{held}")?;
    Ok(())
}
