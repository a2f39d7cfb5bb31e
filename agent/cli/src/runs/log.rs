//! What the audit log of this installation tells of its runs. The chain of its records is not checked here:
//! that is for `karakuri audit verify`.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, ErrorKind};
use std::path::Path;

use karakuri_audit::{Event, MAX_LINE, Record, open_regular};
use karakuri_protocol::job::Exit;
use serde::Deserialize;
use time::OffsetDateTime;

use crate::error::{CliError, at};
use crate::kept::MANIFEST;

/// What is told of one run.
#[derive(Debug)]
pub(super) struct Told {
    /// When its first record was written.
    pub(super) began: OffsetDateTime,
    /// Name and version; none of a job that was refused.
    pub(super) workflow: Option<(String, String)>,
    /// How it ended, and how many artifacts it left; none while it goes on, or when it was cut short.
    pub(super) end: Option<(Exit, u32)>,
    /// Whether the store has its manifest, which is the last of a run to come.
    pub(super) is_delivered: bool,
}

/// What is told of all runs.
#[derive(Debug, Default)]
pub(super) struct Log {
    pub(super) runs: BTreeMap<String, Told>,
    /// Numbers of the lines that are no records, counted from 1.
    pub(super) unreadable: Vec<u64>,
}

/// The part of a record by which it is seen whether the rest matters.
#[derive(Deserialize)]
struct Glance {
    run: Option<String>,
    event: String,
}

/// Reads a log. One that is not there tells nothing.
pub(super) fn read(path: &Path) -> Result<Log, CliError> {
    let mut log = Log::default();
    let file = match open_regular(path) {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(log),
        other => other.map_err(at(path))?,
    };
    let mut reader = BufReader::with_capacity(MAX_LINE, file);
    let (mut line, mut number) = (Vec::new(), 0);
    loop {
        line.clear();
        number += 1;
        reader.read_until(b'\n', &mut line).map_err(at(path))?;
        // What has no end yet is being written, or was when the machine stopped.
        if line.pop_if(|byte| *byte == b'\n').is_none() {
            return Ok(log);
        }
        if log.take(&line).is_none() {
            log.unreadable.push(number);
        }
    }
}

impl Log {
    /// Takes over what a line tells; nothing if it is no record.
    fn take(&mut self, line: &[u8]) -> Option<()> {
        let Glance { run, event } = serde_json::from_slice(line).ok()?;
        let Some(run) = run else { return Some(()) };
        let matters = ["run.started", "run.finished", "artifact.delivered"];
        if self.runs.contains_key(&run) && !matters.contains(&event.as_str()) {
            return Some(());
        }
        let record = Record::parse(line)?;
        let began = record.wall_time()?;
        let new = Told { began, workflow: None, end: None, is_delivered: false };
        let told = self.runs.entry(run).or_insert(new);
        match record.event() {
            Some(Event::RunStarted { workflow, version, .. }) => {
                told.workflow = Some((workflow, version));
            }
            Some(Event::RunFinished { outcome, artifacts, .. }) => {
                told.end = Some((outcome, artifacts));
            }
            Some(Event::ArtifactDelivered { file, .. }) => told.is_delivered |= file == MANIFEST,
            _ => {}
        }
        Some(())
    }
}
