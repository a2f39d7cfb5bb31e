//! Checks a log with nothing but its file, and says exactly what is wrong.
//!
//! `chain.rs` is the quick check; of the exact one `lines.rs` reads, `diagnose.rs` names the faults, `report.rs` holds the words.

mod chain;
mod diagnose;
mod lines;
mod report;

use std::collections::HashSet;
use std::path::Path;

pub use chain::is_whole;
pub use report::{Fault, Note, VerifyError, VerifyReport};

use crate::digest::Sha256;
use crate::file::open_regular;
use crate::record::Head;

/// Checks the log file at `path`.
///
/// The last record has no successor that vouches for it, and a log that ends early is a log: both
/// need [`verify_to`] with heads kept elsewhere.
///
/// # Errors
/// [`VerifyError`] if the file cannot be read or is no regular one. A bad log is no error but a report.
pub fn verify(path: &Path) -> Result<VerifyReport, VerifyError> {
    verify_to(path, &[])
}

/// Checks the log file at `path`, which must contain the records that `heads` name. The last of
/// them says where the log cannot have ended yet.
///
/// # Errors
/// As [`verify`].
pub fn verify_to(path: &Path, heads: &[Head]) -> Result<VerifyReport, VerifyError> {
    let failed = |source| VerifyError { path: path.to_owned(), source };
    let file = open_regular(path).map_err(failed)?;
    let scan = lines::scan(file).map_err(failed)?;
    let faults = diagnose::diagnose(&scan.lines, heads.iter().max_by_key(|head| head.seq));
    let found: HashSet<Sha256> = scan.lines.iter().map(|line| line.hash).collect();
    let absent = heads.iter().filter(|head| !found.contains(&head.hash)).copied().collect();
    Ok(VerifyReport {
        records: scan.records,
        security_events: scan.security_events,
        unknown_events: scan.unknown_events,
        head: scan.head,
        faults,
        absent,
        finished_runs: scan.finished_runs,
        removals: scan.removals,
        notes: scan.notes,
    })
}
