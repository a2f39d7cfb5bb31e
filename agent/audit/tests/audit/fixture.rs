//! A log of 20 records, and its lines to be tampered with.

use std::fs;
use std::path::{Path, PathBuf};

use karakuri_audit::{
    Actor, Entry, Event, FILE_NAME, Head, Log, Record, Redacted, Selector, Sha256, VerifyReport,
    to_canonical, verify, verify_to,
};
use karakuri_protocol::untrusted::Untrusted;
use tempfile::TempDir;

pub(crate) const RECORDS: usize = 20;

/// Record number `call` of a run.
pub(crate) fn act(call: u32) -> Entry {
    Entry {
        run: Some("20261121-101112-0badcafe".to_owned()),
        actor: Actor::Script,
        event: Event::ActIntended {
            call,
            act: "type_text".to_owned(),
            target: Some(Selector::new(&Untrusted::new("text:\"金額\""))),
            at: Some((640, 400)),
            text: Some(Redacted::of(&Untrusted::new("¥1,200,000"))),
            secret: None,
        },
    }
}

/// A log as lines without their newlines.
pub(crate) struct Specimen {
    directory: TempDir,
    pub(crate) lines: Vec<Vec<u8>>,
    pub(crate) head: Head,
}

impl Specimen {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut log = Log::open(directory.path()).unwrap();
        for call in 0..u32::try_from(RECORDS).unwrap() {
            log.append(act(call)).unwrap();
        }
        let head = log.head().unwrap();
        let bytes = fs::read(directory.path().join(FILE_NAME)).unwrap();
        let lines: Vec<_> =
            bytes.strip_suffix(b"\n").unwrap().split(|&b| b == b'\n').map(<[u8]>::to_vec).collect();
        assert_eq!(lines.len(), RECORDS);
        Self { directory, lines, head }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.directory.path().join("tampered.jsonl")
    }

    /// Checks `lines` against the head of the true log.
    pub(crate) fn check(&self, lines: &[Vec<u8>]) -> VerifyReport {
        self.check_bytes(&joined(lines))
    }

    pub(crate) fn check_bytes(&self, bytes: &[u8]) -> VerifyReport {
        fs::write(self.path(), bytes).unwrap();
        verify_to(&self.path(), &[self.head]).unwrap()
    }

    /// Checks `lines` with nothing but themselves.
    pub(crate) fn check_alone(&self, lines: &[Vec<u8>]) -> VerifyReport {
        fs::write(self.path(), joined(lines)).unwrap();
        verify(&self.path()).unwrap()
    }
}

pub(crate) fn joined(lines: &[Vec<u8>]) -> Vec<u8> {
    lines.iter().flat_map(|line| line.iter().chain(b"\n")).copied().collect()
}

pub(crate) fn records(path: &Path) -> Vec<Record> {
    let bytes = fs::read(path).unwrap();
    let lines = bytes.split(|&b| b == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| Record::parse(line).unwrap()).collect()
}

/// A true chain of `records`, whatever they say.
pub(crate) fn chain(mut records: Vec<Record>) -> Vec<Vec<u8>> {
    let mut prev = Sha256::ZERO;
    let mut lines = Vec::new();
    for (seq, record) in (0..).zip(&mut records) {
        record.seq = seq;
        record.prev = prev;
        let line = to_canonical(record).unwrap();
        prev = Sha256::of(&line);
        lines.push(line);
    }
    lines
}
