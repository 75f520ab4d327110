//! The engine without directory and database.

use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::told;
use crate::{
    Work, engine,
    product::beside,
    report::{Row, Unit},
};

pub(super) fn measure(work: &Work, case: &str) -> Result<Vec<Row>> {
    let users = work.scale.many_users;
    let (mut rates, mut bytes) = (Vec::new(), Vec::new());
    for round in 0..work.rounds(5) {
        let rate = f64::from(users) / engine::plan(users)?.as_secs_f64();
        let held = held(users)? / f64::from(users);
        told(round, &format!("{rate:.0} users/s, {held:.1} bytes a user"));
        rates.push(rate);
        bytes.push(held);
    }
    let rates = Row::new(case, format!("{users} unchanged users, one core"), Unit::Users, rates);
    let heap = Row::new(
        &format!("{case}_heap"),
        format!("heap growth for each of {users} unchanged users"),
        Unit::Bytes,
        bytes,
    );
    Ok(vec![rates.median_at_least(3e6), heap.median_at_most(40.0)])
}

/// What the engine holds after the listing.
fn held(users: u32) -> Result<f64> {
    let output =
        Command::new(beside("engine-heap")?).arg(users.to_string()).output().context("cannot run engine-heap")?;
    ensure!(output.status.success(), "engine-heap failed: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?.trim().parse()?)
}
