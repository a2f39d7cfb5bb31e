//! Checks a log with nothing but its file, and says exactly what is wrong.
//!
//! `lines.rs` reads, `diagnose.rs` names the faults, `report.rs` holds the words.

mod diagnose;
mod lines;
mod report;

use std::fs::File;
use std::path::Path;

pub use report::{Fault, Note, VerifyError, VerifyReport};

use crate::record::Head;

/// Checks the log file at `path`.
///
/// The last record has no successor that vouches for it, and a log that ends early is a log: both
/// need [`verify_to`] with a head kept elsewhere.
///
/// # Errors
/// [`VerifyError`] if the file cannot be read. A bad log is no error but a report.
pub fn verify(path: &Path) -> Result<VerifyReport, VerifyError> {
    check(path, None)
}

/// Checks the log file at `path`, which must contain the record that `head` names.
///
/// # Errors
/// As [`verify`].
pub fn verify_to(path: &Path, head: &Head) -> Result<VerifyReport, VerifyError> {
    check(path, Some(head))
}

fn check(path: &Path, head: Option<&Head>) -> Result<VerifyReport, VerifyError> {
    let failed = |source| VerifyError { path: path.to_owned(), source };
    let file = File::open(path).map_err(failed)?;
    let scan = lines::scan(file).map_err(failed)?;
    let faults = diagnose::diagnose(&scan.lines, head);
    Ok(VerifyReport {
        records: scan.records,
        security_events: scan.security_events,
        unknown_events: scan.unknown_events,
        head: scan.head,
        faults,
        notes: scan.notes,
    })
}
