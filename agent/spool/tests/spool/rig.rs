//! A spool in a directory of its own, and artifacts whose bytes follow from their names.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use karakuri_spool::{
    ArtifactId, Change, Kept, LocalDisk, Proof, Quota, Recovery, Settings, Spool, SpoolError,
    State, Timestamp, Written,
};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::disk::{Outcome, Recorder};

pub(crate) const NOW: Timestamp = Timestamp(1_795_000_000_000);
pub(crate) const STAY: u64 = 1000;

/// A directory in memory where there is one: thousands of states are laid out.
pub(crate) fn directory() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

pub(crate) fn settings() -> Settings {
    let quota = Quota { bytes: 1 << 20, files: 1000, high_percent: 90, low_percent: 75 };
    Settings { quota, reserve: 4096, stay: Duration::from_millis(STAY) }
}

pub(crate) struct Rig {
    pub(crate) directory: TempDir,
    pub(crate) disk: Recorder,
    pub(crate) spool: Spool,
}

impl Rig {
    pub(crate) fn new() -> Self {
        Self::with(settings())
    }

    pub(crate) fn with(settings: Settings) -> Self {
        let (directory, disk) = (directory(), Recorder::default());
        let (spool, _recovery) = open(directory.path(), &disk, settings).unwrap();
        Self { directory, disk, spool }
    }

    pub(crate) fn root(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn path(&self, id: &ArtifactId) -> PathBuf {
        self.root().join(id.run()).join(id.file())
    }

    /// Closes the spool as a crash of the process does, and opens it.
    pub(crate) fn reopen(self) -> (Self, Recovery) {
        let Self { directory, disk, spool } = self;
        drop(spool);
        let (spool, recovery) = open(directory.path(), &disk, settings()).unwrap();
        (Self { directory, disk, spool }, recovery)
    }

    pub(crate) fn keep(&mut self, ids: &[ArtifactId]) -> Vec<Kept> {
        let written = ids.iter().map(|id| write(&mut self.spool, id).unwrap()).collect();
        self.spool.commit(written, NOW).unwrap()
    }

    pub(crate) fn deliver(&mut self, ids: &[ArtifactId]) {
        let changes = ids.iter().map(|id| (id.clone(), delivered())).collect();
        self.spool.change(changes, NOW).unwrap();
    }

    /// Deletes whatever has been delivered.
    pub(crate) fn delete_due(&mut self) -> Vec<ArtifactId> {
        let due = self.spool.due(later());
        self.spool.delete(&due, later()).unwrap();
        due
    }

    pub(crate) fn pending(&self) -> Vec<ArtifactId> {
        self.spool.pending().map(|(id, _)| id.clone()).collect()
    }
}

pub(crate) fn open(
    root: &Path,
    disk: &Recorder,
    settings: Settings,
) -> Result<(Spool, Recovery), SpoolError> {
    Spool::open(root, Arc::new(disk.clone()), settings, NOW)
}

pub(crate) fn open_local(root: &Path) -> (Spool, Recovery) {
    Spool::open(root, Arc::new(LocalDisk), settings(), NOW).unwrap()
}

/// When what is delivered now may go.
pub(crate) fn later() -> Timestamp {
    Timestamp(NOW.0 + STAY)
}

pub(crate) fn id(run: &str, file: &str) -> ArtifactId {
    ArtifactId::new(run, file).unwrap()
}

pub(crate) fn delivered() -> Change {
    Change::Delivered(Proof { checksum: "c".to_owned(), etag: None, version: None })
}

/// Up to 8 KiB that no other artifact has.
pub(crate) fn bytes(id: &ArtifactId) -> Vec<u8> {
    let seed: [u8; 32] = Sha256::digest(id.to_string()).into();
    let length = usize::from(u16::from_le_bytes([seed[0], seed[1] & 0x1f]));
    seed.iter().copied().cycle().take(length).collect()
}

pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

pub(crate) fn write(spool: &mut Spool, id: &ArtifactId) -> Result<Written, SpoolError> {
    let bytes = bytes(id);
    let mut draft = spool.draft(id.clone())?;
    for piece in bytes.chunks(1000) {
        if draft.write_all(piece).is_err() {
            return Err(draft.into_failure().unwrap());
        }
    }
    draft.finish(bytes.len() as u64, sha256(&bytes))
}

pub(crate) fn read(spool: &Spool, id: &ArtifactId) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    spool.open_artifact(id).map_err(io::Error::other)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

pub(crate) fn outcome(spool: &Spool, id: &ArtifactId) -> Outcome {
    match spool.artifact(id).map(|artifact| artifact.state()) {
        None => Outcome::Absent,
        Some(State::Kept | State::Uploading { .. }) => Outcome::Pending,
        Some(State::Delivered { .. }) => Outcome::Delivered,
        Some(State::Parked { .. }) => Outcome::Parked,
        Some(state) => panic!("{id} is {state:?}"),
    }
}
