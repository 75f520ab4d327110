//! What comes of measuring: rows of a table, and the files that hold it.

use std::{fmt::Write, fs, path::Path};

use anyhow::{Context, Result};
use serde::Serialize;

use crate::{Machine, Scale};

/// What a number counts.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Unit {
    Seconds,
    Milliseconds,
    /// Of a second.
    Users,
    /// Of a second.
    Requests,
    /// Of a user.
    Bytes,
}

/// One number of each round.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Series {
    median: f64,
    min: f64,
    max: f64,
    values: Vec<f64>,
}

/// What a case is compared with.
#[derive(Debug, Serialize)]
struct Baseline {
    name: String,
    total: Series,
    /// What it is the sum of.
    parts: Vec<(&'static str, Series)>,
}

/// Something that has to hold.
#[derive(Debug, Serialize)]
struct Condition {
    text: String,
    holds: bool,
}

/// A line of the table.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    case: String,
    what: String,
    unit: Unit,
    measured: Series,
    baseline: Option<Baseline>,
    ratio: Option<f64>,
    peak_bytes: Option<u64>,
    goals: Vec<Condition>,
    note: Option<String>,
}

impl Series {
    /// Of at least one number.
    pub(crate) fn of(values: Vec<f64>) -> Self {
        let mut sorted = values.clone();
        sorted.sort_by(f64::total_cmp);
        let at = |place: usize| sorted.get(place).copied().unwrap_or(f64::NAN);
        let (last, middle) = (sorted.len().saturating_sub(1), sorted.len() / 2);
        let median = if sorted.len().is_multiple_of(2) {
            f64::midpoint(at(middle.saturating_sub(1)), at(middle))
        } else {
            at(middle)
        };
        Self { median, min: at(0), max: at(last), values }
    }

    pub(crate) fn median(&self) -> f64 {
        self.median
    }
}

impl Row {
    pub(crate) fn new(case: &str, what: String, unit: Unit, measured: Vec<f64>) -> Self {
        Self {
            case: case.to_owned(),
            what,
            unit,
            measured: Series::of(measured),
            baseline: None,
            ratio: None,
            peak_bytes: None,
            goals: Vec::new(),
            note: None,
        }
    }

    /// Compares with the sum of these, each of the same round.
    pub(crate) fn against(mut self, parts: Vec<(&'static str, Vec<f64>)>) -> Self {
        let rounds = parts.first().map_or(0, |(_, values)| values.len());
        let sums = (0..rounds).map(|round| parts.iter().filter_map(|(_, values)| values.get(round)).sum()).collect();
        let total = Series::of(sums);
        self.ratio = Some(self.measured.median / total.median);
        let name = parts.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(" + ");
        let parts = parts.into_iter().map(|(name, values)| (name, Series::of(values))).collect();
        self.baseline = Some(Baseline { name, total, parts });
        self
    }

    pub(crate) fn ratio_at_most(self, most: f64) -> Self {
        let (holds, goal) =
            (self.ratio.is_some_and(|ratio| ratio <= most), format!("at most {most:.2} x {}", self.base()));
        self.goal(goal, holds)
    }

    pub(crate) fn ratio_at_least(self, least: f64) -> Self {
        let (holds, goal) =
            (self.ratio.is_some_and(|ratio| ratio >= least), format!("at least {least:.2} x {}", self.base()));
        self.goal(goal, holds)
    }

    fn base(&self) -> &str {
        match &self.baseline {
            Some(Baseline { name, parts, .. }) if parts.len() == 1 => name,
            Some(_) => "the baseline",
            None => "nothing",
        }
    }

    pub(crate) fn median_at_most(self, most: f64) -> Self {
        let (holds, goal) = (self.measured.median <= most, format!("at most {}", self.unit.show(most)));
        self.goal(goal, holds)
    }

    pub(crate) fn median_at_least(self, least: f64) -> Self {
        let (holds, goal) = (self.measured.median >= least, format!("at least {}", self.unit.show(least)));
        self.goal(goal, holds)
    }

    /// The largest of these.
    pub(crate) fn peak(mut self, bytes: &[u64]) -> Self {
        self.peak_bytes = bytes.iter().copied().max();
        self
    }

    pub(crate) fn peak_at_most(self, megabytes: u64) -> Self {
        let holds = self.peak_bytes.is_some_and(|bytes| bytes <= megabytes * 1_000_000);
        self.goal(format!("peak at most {megabytes} MB"), holds)
    }

    pub(crate) fn goal(mut self, text: String, holds: bool) -> Self {
        self.goals.push(Condition { text, holds });
        self
    }

    pub(crate) fn note(mut self, text: String) -> Self {
        self.note = Some(text);
        self
    }

    pub(crate) fn is_of(&self, case: &str) -> bool {
        self.case == case
    }

    pub(crate) fn ratio(&self) -> Option<f64> {
        self.ratio
    }

    fn line(&self) -> String {
        let Self { case, what, unit, measured, .. } = self;
        let baseline = self.baseline.as_ref().map_or_else(String::new, |Baseline { name, total, parts }| {
            let each = parts.iter().map(|(name, series)| format!("{name} {}", unit.show(series.median)));
            let each = each.collect::<Vec<_>>().join(", ");
            if parts.len() > 1 { format!("{name} = {} ({each})", unit.show(total.median)) } else { each }
        });
        let ratio = self.ratio.map_or_else(String::new, |ratio| format!("{ratio:.2}"));
        let peak = self.peak_bytes.map_or_else(String::new, |bytes| format!("{} MB", bytes.div_ceil(1_000_000)));
        let goals = self.goals.iter().map(|goal| goal.text.as_str()).collect::<Vec<_>>().join("; ");
        let met = match self.goals.iter().filter(|goal| !goal.holds).map(|goal| goal.text.as_str()).collect::<Vec<_>>()
        {
            _ if self.goals.is_empty() => String::new(),
            missed if missed.is_empty() => "yes".to_owned(),
            missed if missed.len() == self.goals.len() => "**no**".to_owned(),
            missed => format!("**no**: {}", missed.join("; ")),
        };
        let (median, min, max) = (unit.show(measured.median), unit.show(measured.min), unit.show(measured.max));
        format!("| `{case}` | {what} | {median} | {min} | {max} | {baseline} | {ratio} | {peak} | {goals} | {met} |")
    }
}

impl Unit {
    fn show(self, number: f64) -> String {
        match self {
            Self::Seconds if number < 1.0 => format!("{number:.3} s"),
            Self::Seconds => format!("{number:.2} s"),
            Self::Milliseconds => format!("{number:.1} ms"),
            Self::Users => format!("{} users/s", grouped(number)),
            Self::Requests => format!("{} requests/s", grouped(number)),
            Self::Bytes => format!("{number:.1} bytes"),
        }
    }
}

/// A whole number in groups of three.
fn grouped(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// The table alone.
#[must_use]
pub fn table(rows: &[Row]) -> String {
    let mut out = String::from(
        "| Case | What | Median | Min | Max | Baseline | Ratio | Peak memory | Goal | Met |\n\
         |---|---|---|---|---|---|---|---|---|---|\n",
    );
    for row in rows {
        out.push_str(&row.line());
        out.push('\n');
    }
    out
}

const HEAD: &str = "\
# Benchmarks

Written by `cargo xtask bench`; `benchmarks.json` has the same and each single number. Simulator, program and database share the
machine.

";

const KEY: &str = "
- A sync is a `directoryctl sync --full` of its own, timed from the process' start to its end; the server is a `directory-server`.
- **Median**, **Min**, **Max**: over the rounds. **Baseline**: its median in the same rounds, measured in turn with the case; **D** is
  downloading the same pages over one keep-alive connection, **C** PostgreSQL's `COPY` of the rows that the sync wrote into tables made
  `LIKE` the real ones `INCLUDING ALL`, **R** reading the compact columns of all linked users, **I** inserting the same rows into
  SQLite through prepared statements in one transaction.
- **Ratio**: the measured median by the baseline's. **Peak memory**: the largest resident memory of the measured process in any round.
- Before each measurement the database is made to write out what is left of the one before (`CHECKPOINT`); a directory of which nothing
  changed is synchronised into a database after `VACUUM ANALYZE`.
";

/// Writes the table and its numbers.
pub fn write(folder: &Path, machine: &Machine, scale: &Scale, rows: &[Row]) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let mut text = String::from(HEAD);
    writeln!(text, "{}", machine.sentence())?;
    if !scale.is_full() {
        let Scale { users, many_users, connections } = scale;
        writeln!(
            text,
            "\n**Other sizes than the cases' names say**: {users} users for 100k, {many_users} for 1m, {connections} connections."
        )?;
    }
    writeln!(text, "\n{}{KEY}", table(rows))?;
    for row in rows {
        if let Some(note) = &row.note {
            writeln!(text, "- `{}`: {note}", row.case)?;
        }
    }
    let json = serde_json::json!({ "machine": machine, "scale": scale, "rows": rows });
    for (name, content) in [("benchmarks.md", text), ("benchmarks.json", format!("{json:#}\n"))] {
        let path = folder.join(name);
        fs::write(&path, content).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_is_in_the_middle() {
        assert!((Series::of(vec![9.0, 1.0, 2.0]).median - 2.0).abs() < 1e-9);
        assert!((Series::of(vec![9.0, 1.0, 2.0, 4.0]).median - 3.0).abs() < 1e-9);
        let one = Series::of(vec![7.0]);
        assert!((one.median - 7.0).abs() < 1e-9 && (one.min - one.max).abs() < 1e-9);
    }

    #[test]
    fn a_case_is_compared_with_the_sum_of_its_round() {
        let row = Row::new("x", "X".to_owned(), Unit::Seconds, vec![6.0, 4.0, 5.0])
            .against(vec![("D", vec![1.0, 2.0, 1.0]), ("C", vec![1.0, 2.0, 1.5])]);
        assert!((row.ratio.unwrap() - 2.0).abs() < 1e-9);
        let missed = row.ratio_at_most(1.9).goal("no rows written".to_owned(), true);
        assert_eq!(
            missed.line(),
            "| `x` | X | 5.00 s | 4.00 s | 6.00 s | D + C = 2.50 s (D 1.00 s, C 1.50 s) | 2.00 |  | at most 1.90 x the baseline; no rows \
             written | **no**: at most 1.90 x the baseline |"
        );
    }

    #[test]
    fn goals_are_met_or_not() {
        let row = || Row::new("x", "X".to_owned(), Unit::Users, vec![3_000_000.0]).peak(&[1, 150_000_000]);
        assert!(
            row()
                .median_at_least(3e6)
                .peak_at_most(150)
                .line()
                .ends_with("| 150 MB | at least 3,000,000 users/s; peak at most 150 MB | yes |")
        );
        assert!(row().median_at_least(3.1e6).line().ends_with("| **no** |"));
        assert!(row().peak_at_most(149).line().ends_with("| **no** |"));
        let half = || row().against(vec![("bare", vec![6e6])]);
        assert!(half().ratio_at_least(0.5).line().ends_with("| at least 0.50 x bare | yes |"));
        assert!(half().ratio_at_least(0.51).line().ends_with("| **no** |"));
    }
}
