//! The quick check before a log is gone on with: does each record hold the hash of the one before?
//! Its cost is that of SHA-256; what is wrong, and in which record, is for [`super::verify_to`].

use std::io::{self, BufRead, BufReader};
use std::path::Path;

use serde::Deserialize;

use crate::digest::Sha256;
use crate::file::open_regular;
use crate::record::{Head, MAX_LINE};

/// What a record says of its place; the rest of it is not looked at.
#[derive(Deserialize)]
struct Place {
    seq: u64,
    prev: Sha256,
}

/// Whether the log file at `path` is one chain from record 0 on that contains the record of `head`.
/// Half a line at its end, which a crash leaves, does not count.
///
/// # Errors
/// When the file cannot be read, or is no regular one.
pub fn is_whole(path: &Path, head: Option<&Head>) -> io::Result<bool> {
    let mut reader = BufReader::with_capacity(MAX_LINE, open_regular(path)?);
    let (mut seq, mut prev, mut found) = (0, Sha256::ZERO, head.is_none());
    let mut line = Vec::new();
    loop {
        line.clear();
        reader.read_until(b'\n', &mut line)?;
        if line.pop_if(|byte| *byte == b'\n').is_none() {
            return Ok(found);
        }
        let place: Option<Place> = serde_json::from_slice(&line).ok();
        if place.is_none_or(|place| place.seq != seq || place.prev != prev) {
            return Ok(false);
        }
        prev = Sha256::of(&line);
        found |= head.is_some_and(|head| (head.seq, head.hash) == (seq, prev));
        seq += 1;
    }
}
