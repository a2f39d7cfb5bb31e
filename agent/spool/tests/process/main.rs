//! The spool in real processes: killed at every step and at random, and on a real disk that is full.
#![cfg(test)]

mod full_disk;
mod kill;

use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use karakuri_spool::{
    ArtifactId, Change, Disk, Proof, Quota, Recovery, Settings, Spool, SpoolError, Timestamp,
    Written,
};
use sha2::{Digest, Sha256};

/// Where the process of a test that runs itself once more finds its spool.
const DIRECTORY: &str = "KARAKURI_TEST_SPOOL";
const NOW: Timestamp = Timestamp(1_795_000_000_000);
const RESERVE: u64 = 256 << 10;

/// One test at a time: between fork and exec a new process holds the locks of this one.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// In memory where there is such: a kill, unlike a power loss, takes nothing from the page cache.
fn directory() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

fn open(root: &Path, disk: Arc<dyn Disk>) -> (Spool, Recovery) {
    let quota = Quota { bytes: 64 << 20, files: 10_000, high_percent: 90, low_percent: 75 };
    let settings = Settings { quota, reserve: RESERVE, stay: Duration::ZERO };
    Spool::open(root, disk, settings, NOW).unwrap()
}

/// 500 to 8,691 bytes that no other artifact has.
fn bytes(id: &ArtifactId) -> Vec<u8> {
    let seed: [u8; 32] = Sha256::digest(id.to_string()).into();
    let length = 500 + usize::from(u16::from_le_bytes([seed[0], seed[1] & 0x1f]));
    seed.iter().copied().cycle().take(length).collect()
}

fn write(spool: &mut Spool, id: &ArtifactId) -> Result<Written, SpoolError> {
    let bytes = bytes(id);
    let mut draft = spool.draft(id.clone())?;
    if draft.write_all(&bytes).is_err() {
        return Err(draft.into_failure().unwrap());
    }
    draft.finish(bytes.len() as u64, Sha256::digest(&bytes).into())
}

fn delivered() -> Change {
    Change::Delivered(Proof { checksum: "c".to_owned(), etag: None, version: None })
}
