//! The end of a log that is opened: the record to go on from, and what a crash left after it.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use crate::digest::Sha256;
use crate::record::{Head, MAX_LINE, Record};

/// Two of the longest lines with their newlines, and a torn third.
const WINDOW: u64 = 3 * (MAX_LINE as u64 + 1);

/// The end of a log.
#[derive(Debug)]
pub(crate) struct Tail {
    /// The last whole record, if there is any.
    pub(crate) head: Option<Head>,
    /// Bytes after the last newline.
    pub(crate) torn: Vec<u8>,
}

/// Why a log cannot be continued.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TailError {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("its end is not a chain of records")]
    Damaged,
}

/// Reads the end of a log of `length` bytes. The last record must be one, and continue the one
/// before it; the rest of the log is the verifier's.
pub(crate) fn read(file: &File, length: u64) -> Result<Tail, TailError> {
    let start = length.saturating_sub(WINDOW);
    let window_length = usize::try_from(length - start).map_err(|_| TailError::Damaged)?;
    let mut window = vec![0; window_length];
    file.read_exact_at(&mut window, start)?;
    let torn_at = window.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
    let torn = window.split_off(torn_at);
    if torn.len() > MAX_LINE {
        return Err(TailError::Damaged);
    }
    // Without its last newline, so that splitting gives no empty piece at the end.
    window.pop();
    let mut lines = window.rsplit(|&byte| byte == b'\n');
    let head = match lines.next() {
        Some(last) if torn_at > 0 => {
            // The first piece of a window inside the log may lack its beginning, and then it is
            // neither the last line nor, at the lengths allowed, the one before.
            Some(check(last, lines.next())?)
        }
        _ => None,
    };
    Ok(Tail { head, torn })
}

fn check(last: &[u8], before: Option<&[u8]>) -> Result<Head, TailError> {
    let record = Record::parse(last).ok_or(TailError::Damaged)?;
    let (seq, prev) = match before {
        None => (0, Sha256::ZERO),
        Some(line) => {
            let record = Record::parse(line).ok_or(TailError::Damaged)?;
            (record.seq.checked_add(1).ok_or(TailError::Damaged)?, Sha256::of(line))
        }
    };
    if record.seq != seq || record.prev != prev {
        return Err(TailError::Damaged);
    }
    Ok(Head { seq, hash: Sha256::of(last) })
}
