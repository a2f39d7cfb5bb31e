//! The layout of the journal, version 1. Numbers are little-endian.
//!
//! ```text
//! header   magic "KKSPOOL\n" (8) | version u32 | CRC32C of these 12 bytes u32
//! frame    payload length u32 | CRC32C u32 | sequence u64 | payload
//! ```
//! A frame is what one write and one fdatasync made durable; its payload is a JSON array of entries
//! that hold together or not at all. The CRC covers length, sequence and payload. Frames are
//! numbered from 0 without a gap, so that one repeated or moved is as bad as one altered.
//!
//! A bad frame with no good one after it was never acknowledged, or its end was lost: it is cut
//! off. A good one after it means that acknowledged frames are damaged, because each is synced
//! before the next is written: then nothing of the journal is believed.

use serde::{Deserialize, Serialize};

use crate::artifact::{Content, State, Timestamp};
use crate::error::SpoolError;
use crate::id::ArtifactId;

const MAGIC: [u8; 8] = *b"KKSPOOL\n";
const VERSION: u32 = 1;
const HEADER: usize = 16;
const FRAME: usize = 16;
/// The longest payload.
const LONGEST: usize = 8 << 20;

/// One thing that the journal says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Entry {
    /// A run is known, even when none of its artifacts is left.
    Run { run: String, complete: bool },
    /// An artifact is in the spool, as its youngest.
    Kept { id: ArtifactId, content: Content, at: Timestamp },
    /// Its state is another.
    Became { id: ArtifactId, state: State },
}

/// What a journal says, as far as it is good.
#[derive(Debug)]
pub(crate) struct Decoded {
    pub(crate) entries: Vec<Entry>,
    /// Bytes after the last good frame.
    pub(crate) torn: usize,
}

/// Why a journal cannot be believed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Damaged,
    Version(u32),
}

pub(crate) fn header() -> Vec<u8> {
    let mut header = MAGIC.to_vec();
    header.extend(VERSION.to_le_bytes());
    header.extend(crc32c::crc32c(&header).to_le_bytes());
    header
}

pub(crate) fn frame(sequence: u64, entries: &[Entry]) -> Result<Vec<u8>, SpoolError> {
    let mut frame = vec![0; FRAME];
    serde_json::to_writer(&mut frame, entries).map_err(|e| SpoolError::Io {
        action: "encode",
        path: "journal".into(),
        source: e.into(),
    })?;
    let bytes = frame.len() - FRAME;
    let length = u32::try_from(bytes).ok().filter(|_| bytes <= LONGEST);
    let length = length.ok_or(SpoolError::TooLong { bytes })?;
    frame[..4].copy_from_slice(&length.to_le_bytes());
    frame[8..16].copy_from_slice(&sequence.to_le_bytes());
    let crc = checksum(&frame);
    frame[4..8].copy_from_slice(&crc.to_le_bytes());
    Ok(frame)
}

pub(crate) fn decode(bytes: &[u8]) -> Result<Decoded, Fault> {
    check_header(bytes)?;
    let (mut entries, mut at, mut sequence) = (Vec::new(), HEADER, 0);
    while let Some(payload) = good(&bytes[at..], |found| found == sequence) {
        let mut more: Vec<Entry> =
            serde_json::from_slice(payload).map_err(|_not_ours| Fault::Damaged)?;
        entries.append(&mut more);
        at += FRAME + payload.len();
        sequence += 1;
    }
    let rest = &bytes[at..];
    // Only a frame of the numbers that can follow is looked at, so that the search is linear.
    let follows = sequence..sequence + (rest.len() / FRAME) as u64 + 1;
    let repeated = |found| found < sequence || follows.contains(&found);
    let mut later = (0..rest.len()).filter(|&at| good(&rest[at..], repeated).is_some());
    if later.next().is_some() {
        return Err(Fault::Damaged);
    }
    Ok(Decoded { entries, torn: rest.len() })
}

fn check_header(bytes: &[u8]) -> Result<(), Fault> {
    let header = bytes.get(..HEADER).ok_or(Fault::Damaged)?;
    let sound = header[..8] == MAGIC && number(&header[12..]) == crc32c::crc32c(&header[..12]);
    match number(&header[8..12]) {
        _ if !sound => Err(Fault::Damaged),
        VERSION => Ok(()),
        found => Err(Fault::Version(found)),
    }
}

/// The payload of a good frame with a number wanted, at the beginning of `bytes`.
fn good(bytes: &[u8], wanted: impl Fn(u64) -> bool) -> Option<&[u8]> {
    let sequence = bytes.get(8..FRAME)?.try_into().ok().map(u64::from_le_bytes)?;
    if !wanted(sequence) {
        return None;
    }
    let length = usize::try_from(number(&bytes[..4])).ok().filter(|length| *length <= LONGEST)?;
    let frame = bytes.get(..FRAME + length)?;
    (number(&frame[4..8]) == checksum(frame)).then(|| &frame[FRAME..])
}

fn checksum(frame: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&frame[..4]), &frame[8..])
}

fn number(bytes: &[u8]) -> u32 {
    bytes.iter().take(4).rev().fold(0, |number, byte| number << 8 | u32::from(*byte))
}
