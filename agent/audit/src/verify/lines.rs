//! Reads a log line by line, holding one line and a few words for each.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead, BufReader, Read};

use crate::digest::Sha256;
use crate::event::{Class, Event};
use crate::record::{Head, MAX_LINE, Record};

use super::report::Note;

/// A line, as far as its place in the chain is concerned.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line {
    /// SHA-256 of the line.
    pub(super) hash: Sha256,
    /// What it says of its place; none if it is no record.
    pub(super) link: Option<Link>,
}

/// What a record says of its place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Link {
    pub(super) seq: u64,
    pub(super) prev: Sha256,
}

/// Everything that is kept of a log.
#[derive(Debug, Default)]
pub(super) struct Scan {
    pub(super) lines: Vec<Line>,
    pub(super) records: u64,
    pub(super) security_events: u64,
    pub(super) unknown_events: u64,
    pub(super) head: Option<Head>,
    pub(super) finished_runs: Vec<String>,
    pub(super) removals: BTreeMap<String, BTreeSet<String>>,
    pub(super) notes: Vec<Note>,
}

pub(super) fn scan(log: impl Read) -> io::Result<Scan> {
    let mut reader = BufReader::with_capacity(MAX_LINE, log);
    let mut scan = Scan::default();
    let mut before = None;
    let mut line = Vec::new();
    loop {
        line.clear();
        match read_line(&mut reader, &mut line)? {
            Ending::None => return Ok(scan),
            Ending::Torn => {
                scan.notes.push(Note::TornTail { bytes: line.len() as u64 });
                return Ok(scan);
            }
            Ending::Newline | Ending::Overlong => {}
        }
        let record = Record::parse(&line);
        let hash = Sha256::of(&line);
        let link = record.as_ref().map(|r| Link { seq: r.seq, prev: r.prev });
        scan.lines.push(Line { hash, link });
        if let Some(record) = record {
            scan.add(&record, hash);
            scan.compare_times(before.as_ref(), &record);
            before = Some(record);
        }
    }
}

impl Scan {
    fn add(&mut self, record: &Record, hash: Sha256) {
        self.records += 1;
        self.security_events += u64::from(record.class == Class::Security);
        let event = record.event();
        self.unknown_events += u64::from(event.is_none());
        match (event, &record.run) {
            (Some(Event::RunFinished { .. }), Some(run)) => self.finished_runs.push(run.clone()),
            (Some(Event::ArtifactExpired { ids } | Event::ArtifactErased { ids }), Some(run)) => {
                self.removals.entry(run.clone()).or_default().extend(ids)
            }
            _ => {}
        }
        self.head = Some(Head { seq: record.seq, hash });
    }

    fn compare_times(&mut self, before: Option<&Record>, record: &Record) {
        let Some(before) = before else { return };
        let seq = record.seq;
        if let (Some(earlier), Some(later)) = (before.wall_time(), record.wall_time())
            && let Ok(ms @ 1..) = u64::try_from((earlier - later).whole_milliseconds())
        {
            self.notes.push(Note::ClockWentBack { seq, ms });
        }
        if before.boot == record.boot && before.mono_ns > record.mono_ns {
            let ns = before.mono_ns - record.mono_ns;
            self.notes.push(Note::BootTimeWentBack { seq, ns });
        }
    }
}

/// How a line ends.
enum Ending {
    /// There is no line.
    None,
    /// As a line does.
    Newline,
    /// The file ends before the line does.
    Torn,
    /// After more bytes than a record has; the rest was skipped.
    Overlong,
}

/// Reads up to the next newline, which is not kept.
fn read_line(reader: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<Ending> {
    let limit = MAX_LINE as u64 + 1;
    let length = reader.by_ref().take(limit).read_until(b'\n', line)? as u64;
    if length == 0 {
        Ok(Ending::None)
    } else if line.pop_if(|byte| *byte == b'\n').is_some() {
        Ok(Ending::Newline)
    } else if length < limit {
        Ok(Ending::Torn)
    } else {
        reader.skip_until(b'\n')?;
        Ok(Ending::Overlong)
    }
}
