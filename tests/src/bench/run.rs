//! One measured run of `karakuri`. Its script says `mark NAME` in the log where the processes are
//! to be looked at; a log call is answered after it was passed on, so a look is a few ms late.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::error::{BenchError, of};
use super::processes::{self, Process};
use crate::Agent;

/// What a run cost.
#[derive(Debug)]
pub(super) struct Run {
    /// From the start of the command to its end.
    pub(super) wall: Duration,
    /// Processor time of the command and all its descendants.
    pub(super) cpu: Duration,
    outcome: Value,
}

/// A mark the script set.
#[derive(Debug)]
pub(super) struct Mark {
    pub(super) name: String,
    /// Since the start of the command.
    pub(super) after: Duration,
    /// The processes of the run.
    pub(super) processes: Vec<Process>,
}

impl Run {
    /// Runs a workflow that must succeed, and calls `on_mark` for every mark while it goes on.
    pub(super) fn follow(
        agent: &Agent,
        workflow: &Path,
        inputs: &[String],
        mut on_mark: impl FnMut(Mark),
    ) -> Result<Self, BenchError> {
        let path = workflow.to_string_lossy();
        let mut arguments = vec!["run", "--json", "--verbose", &path];
        for input in inputs {
            arguments.extend(["--input", input]);
        }
        let cpu_before = processes::ended_cpu();
        let start = Instant::now();
        let mut command = agent.command(&arguments);
        let piped = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = piped.spawn().map_err(of("karakuri"))?;
        let mut shown = String::new();
        for line in BufReader::new(child.stderr.take().ok_or_else(absent)?).lines() {
            let line = line.map_err(of("karakuri"))?;
            if let Some((_, name)) = line.split_once("| mark ") {
                let after = start.elapsed();
                let processes = processes::tree(child.id());
                on_mark(Mark { name: name.to_owned(), after, processes });
            }
            shown.push_str(&line);
            shown.push('\n');
        }
        let mut stdout = String::new();
        let mut pipe = child.stdout.take().ok_or_else(absent)?;
        pipe.read_to_string(&mut stdout).map_err(of("karakuri"))?;
        let status = child.wait().map_err(of("karakuri"))?;
        let wall = start.elapsed();
        let cpu = processes::ended_cpu().saturating_sub(cpu_before);
        let mut outcome: Value = serde_json::from_str(&stdout).unwrap_or_default();
        let outcome = outcome["outcome"].take();
        if status.success() {
            return Ok(Self { wall, cpu, outcome });
        }
        let word = |key: &str| outcome[key].as_str().unwrap_or_default().to_owned();
        Err(BenchError::Run { exit: word("exit"), message: word("message"), stderr: shown })
    }

    /// Its id.
    pub(super) fn id(&self) -> &str {
        self.outcome["run"].as_str().unwrap_or_default()
    }

    /// Milliseconds from the job to the end, as the outcome says it.
    pub(super) fn elapsed_ms(&self) -> f64 {
        self.outcome["elapsed_ms"].as_f64().unwrap_or_default()
    }

    /// The numbers of the output `result` under `key`, one or a list.
    pub(super) fn numbers(&self, key: &str) -> Result<Vec<f64>, BenchError> {
        let value = &self.outcome["outputs"]["result"][key];
        let list = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
        let numbers: Option<Vec<f64>> = list.iter().map(Value::as_f64).collect();
        numbers.ok_or_else(|| BenchError::Absent(key.to_owned()))
    }

    /// The text of the output `result` under `key`.
    pub(super) fn text(&self, key: &str) -> Result<&str, BenchError> {
        let value = self.outcome["outputs"]["result"][key].as_str();
        value.ok_or_else(|| BenchError::Absent(key.to_owned()))
    }
}

fn absent() -> BenchError {
    BenchError::Absent("pipe".to_owned())
}
