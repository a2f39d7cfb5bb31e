//! Seeing and typing: `tests/screens/bench.py` measures on screens of real applications and prints a row a
//! line. The peers live in the Python environment that `make bench` sets up.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde::Deserialize;

use super::error::{BenchError, of};
use super::table::Report;
use crate::{assets, programs, repository};

const PROGRAM: &str = "tests/screens/bench.py";

/// A row as the program prints it.
#[derive(Deserialize)]
struct Row {
    what: String,
    unit: String,
    ours: Series,
    peer: Option<String>,
    theirs: Option<Series>,
}

/// What was measured once, or each of many times.
#[derive(Deserialize)]
#[serde(untagged)]
enum Series {
    One(f64),
    Many(Vec<f64>),
}

impl Series {
    fn values(&self) -> &[f64] {
        match self {
            Self::One(value) => std::slice::from_ref(value),
            Self::Many(values) => values,
        }
    }
}

/// Adds its rows as they come.
pub(super) fn measure(report: &mut Report) -> Result<(), BenchError> {
    let python = std::env::var_os("KARAKURI_BENCH_PYTHON").map(PathBuf::from);
    let python = python.filter(|path| path.exists()).ok_or_else(|| {
        BenchError::Missing(
            "  RapidOCR and faster-paddle: packaging/setup/setup.sh bench".to_owned(),
        )
    })?;
    let mut child = Command::new("/usr/bin/python3")
        .arg(repository().join(PROGRAM))
        .arg(programs().join("karakuri-desktop"))
        .arg(assets())
        .arg(python)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(of(PROGRAM))?;
    for line in child.stdout.take().into_iter().flat_map(|out| BufReader::new(out).lines()) {
        let line = line.map_err(of(PROGRAM))?;
        let Ok(row) = serde_json::from_str::<Row>(&line) else { continue };
        eprintln!("bench: {}", row.what);
        let shown = report.row(&row.what, &row.unit);
        row.ours.values().iter().for_each(|value| _ = shown.ours(*value));
        if let (Some(peer), Some(theirs)) = (row.peer, row.theirs) {
            theirs.values().iter().for_each(|value| _ = shown.peer(&peer, *value));
        }
    }
    let status = child.wait().map_err(of(PROGRAM))?;
    if status.success() {
        return Ok(());
    }
    Err(BenchError::Peer {
        program: PROGRAM.to_owned(),
        status,
        stderr: "see what it printed above".to_owned(),
    })
}
