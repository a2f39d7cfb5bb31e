//! What a check of a log says.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::path::PathBuf;

use serde::Serialize;

use crate::record::Head;

/// The log could not be read.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot read the audit log {path}: {source}; check the path and that this user may read it"
)]
pub struct VerifyError {
    /// The log.
    pub path: PathBuf,
    /// Why.
    #[source]
    pub source: io::Error,
}

/// The result of a check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct VerifyReport {
    /// Whole records found.
    pub records: u64,
    /// How many of them are of the class `security`.
    pub security_events: u64,
    /// How many of them have an event that this program does not know.
    pub unknown_events: u64,
    /// The last record in the file.
    pub head: Option<Head>,
    /// What is wrong; empty for a log that is as it was written.
    pub faults: Vec<Fault>,
    /// Those of the heads given whose record is not in the file.
    pub absent: Vec<Head>,
    /// The runs whose end is recorded, in the order of their ends.
    #[serde(skip)]
    pub finished_runs: Vec<String>,
    /// The ids of artifacts that were to be removed, expired or erased, by their runs.
    #[serde(skip)]
    pub removals: BTreeMap<String, BTreeSet<String>>,
    /// What is worth knowing and no fault.
    pub notes: Vec<Note>,
}

impl VerifyReport {
    /// Whether the log is as it was written, as far as can be told from it and the heads given.
    #[must_use]
    pub fn is_intact(&self) -> bool {
        self.faults.is_empty() && self.absent.is_empty()
    }
}

/// Something that is not as it was written. Lines count from 1, records from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "fault", rename_all = "snake_case")]
pub enum Fault {
    /// The record is not what was written.
    Altered {
        /// The record.
        seq: u64,
        /// Where it stands.
        line: u64,
    },
    /// The last record does not continue the one before. One of the two was altered; a head kept
    /// elsewhere would tell which.
    Unlinked {
        /// The later one.
        seq: u64,
        /// Where it stands.
        line: u64,
    },
    /// Records are gone.
    Missing {
        /// The first one.
        first: u64,
        /// The last one.
        last: u64,
    },
    /// The record stands in another place than it was written to.
    Reordered {
        /// The record.
        seq: u64,
        /// Where it stands.
        line: u64,
    },
    /// The record stands there once more.
    Repeated {
        /// The record.
        seq: u64,
        /// Where its copy stands.
        line: u64,
    },
    /// The line is no record of this log.
    Foreign {
        /// The line.
        line: u64,
    },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Altered { seq, line } => write!(f, "line {line}: record {seq} was altered"),
            Self::Unlinked { seq, line } => write!(
                f,
                "line {line}: record {seq} does not continue the one before: one of them was altered"
            ),
            Self::Missing { first, last } if first == last => {
                write!(f, "record {first} is missing")
            }
            Self::Missing { first, last } => write!(f, "records {first} to {last} are missing"),
            Self::Reordered { seq, line } => {
                write!(f, "line {line}: record {seq} stands in the wrong place")
            }
            Self::Repeated { seq, line } => {
                write!(f, "line {line}: record {seq} stands there once more")
            }
            Self::Foreign { line } => write!(f, "line {line}: no record of this log"),
        }
    }
}

/// Something that happens without anyone's ill will.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "note", rename_all = "snake_case")]
pub enum Note {
    /// The file ends in half a line: a crash, or a record that is being written right now.
    TornTail {
        /// Bytes after the last newline.
        bytes: u64,
    },
    /// A record has an earlier wall time than the one before it.
    ClockWentBack {
        /// The record.
        seq: u64,
        /// By how much.
        ms: u64,
    },
    /// A record has an earlier boot time than the one before it, in the same boot.
    BootTimeWentBack {
        /// The record.
        seq: u64,
        /// By how much.
        ns: u64,
    },
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TornTail { bytes } => write!(f, "the log ends in {bytes} bytes of half a record"),
            Self::ClockWentBack { seq, ms } => {
                write!(f, "record {seq}: the clock went back by {ms} ms")
            }
            Self::BootTimeWentBack { seq, ns } => {
                write!(f, "record {seq}: the time since boot went back by {ns} ns")
            }
        }
    }
}
