//! The report: a table for the terminal, and the same as JSON.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};

use super::error::{BenchError, at};
use super::processes::{Memory, Process};

/// All that was measured.
#[derive(Debug, Default)]
pub struct Report {
    rows: Vec<Row>,
    pub(super) idle: Vec<Idle>,
}

/// One figure of Karakuri, and its peer's if there is one: a value for each time it was measured.
#[derive(Debug)]
pub(super) struct Row {
    what: String,
    unit: String,
    ours: Vec<f64>,
    peer: Option<String>,
    theirs: Vec<f64>,
}

/// A process of a run whose script sleeps.
#[derive(Debug, Serialize)]
pub(super) struct Idle {
    name: String,
    #[serde(flatten)]
    memory: Memory,
    cpu_percent: f64,
}

impl Report {
    /// The row for `what`, a new one at the first call.
    pub(super) fn row(&mut self, what: &str, unit: &str) -> &mut Row {
        let index = self.rows.iter().position(|row| row.what == what).unwrap_or_else(|| {
            let (ours, theirs) = (Vec::new(), Vec::new());
            self.rows.push(Row {
                what: what.to_owned(),
                unit: unit.to_owned(),
                ours,
                peer: None,
                theirs,
            });
            self.rows.len() - 1
        });
        &mut self.rows[index]
    }

    /// Writes the JSON: every value, in the order it was measured.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), BenchError> {
        let rows: Vec<Value> = self.rows.iter().map(Row::json).collect();
        let text = format!("{:#}\n", json!({ "rows": rows, "idle": self.idle }));
        std::fs::write(path, text).map_err(at(path))
    }
}

impl Row {
    pub(super) fn ours(&mut self, value: f64) -> &mut Self {
        self.ours.push(value);
        self
    }

    pub(super) fn peer(&mut self, name: &str, value: f64) -> &mut Self {
        self.peer = Some(name.to_owned());
        self.theirs.push(value);
        self
    }

    /// Median to median.
    fn ratio(&self) -> Option<f64> {
        self.peer
            .as_ref()
            .map(|_| median(&self.ours) / median(&self.theirs))
            .filter(|r| r.is_finite())
    }

    fn json(&self) -> Value {
        let series = |values: &[f64]| json!({ "min": min(values), "median": median(values), "values": values });
        let mut row =
            json!({ "what": self.what, "unit": self.unit, "karakuri": series(&self.ours) });
        if let Some(name) = &self.peer {
            row["peer"] = series(&self.theirs);
            row["peer"]["name"] = name.as_str().into();
            row["ratio"] = self.ratio().into();
        }
        row
    }
}

impl Idle {
    /// What `process` holds now, and the processor time it took in `length` since it had `before`.
    pub(super) fn of(process: &Process, before: Duration, length: Duration) -> Self {
        let cpu = process.cpu().saturating_sub(before).as_secs_f64();
        let cpu_percent = 100.0 * cpu / length.as_secs_f64();
        Self { name: process.name.clone(), memory: process.memory(), cpu_percent }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<42} {:^19} {:^19}", "", "karakuri", "peer")?;
        writeln!(
            f,
            "{:<42} {:>9} {:>9} {:>9} {:>9}  {:>6}  peer",
            "", "min", "median", "min", "median", "ratio"
        )?;
        for row in &self.rows {
            writeln!(f, "{row}")?;
        }
        writeln!(
            f,
            "ratio: median to median. Processor time of whole programs has steps of 10 ms."
        )?;
        writeln!(f, "\nwhile a script sleeps {:>20} {:>9} {:>9}", "RSS KiB", "PSS KiB", "CPU %")?;
        for Idle { name, memory, cpu_percent } in &self.idle {
            let pss = memory.pss.map_or_else(|| "?".to_owned(), |pss| pss.to_string());
            writeln!(f, "{name:<32} {:>9} {pss:>9} {cpu_percent:>9.2}", memory.rss)?;
        }
        let rss: u64 = self.idle.iter().map(|idle| idle.memory.rss).sum();
        let pss: u64 = self.idle.iter().filter_map(|idle| idle.memory.pss).sum();
        let cpu: f64 = self.idle.iter().map(|idle| idle.cpu_percent).sum();
        writeln!(f, "{:<32} {rss:>9} {pss:>9} {cpu:>9.2}", "together")
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = if self.unit.is_empty() {
            self.what.clone()
        } else {
            format!("{}, {}", self.what, self.unit)
        };
        write!(f, "{what:<42} {:>9.1} {:>9.1}", min(&self.ours), median(&self.ours))?;
        if let (Some(name), theirs) = (&self.peer, &self.theirs) {
            let ratio = self.ratio().map_or_else(|| "-".to_owned(), shown);
            write!(f, " {:>9.1} {:>9.1}  {ratio:>6}  {name}", min(theirs), median(theirs))?;
        }
        Ok(())
    }
}

/// A ratio, with more digits if it is small.
fn shown(ratio: f64) -> String {
    if ratio < 0.1 { format!("{ratio:.3}") } else { format!("{ratio:.2}") }
}

fn min(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::INFINITY, f64::min)
}

/// The value in the middle; the upper one of two.
fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}
