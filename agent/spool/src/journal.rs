//! The journal's file: one writer, only appended to, and replaced as a whole when it has grown or
//! when its file can no longer be trusted. The caller holds the lock on the spool's directory.

use std::io::Read;
use std::path::{Path, PathBuf};

use crate::disk::{Disk, Output};
use crate::error::SpoolError;
use crate::frames::{self, Decoded, Entry, Fault};

pub(crate) const JOURNAL: &str = "journal";
pub(crate) const SUCCESSOR: &str = "journal.new";
/// Below this length a journal is not replaced because it has grown.
const SMALL: u64 = 1 << 20;
/// It is replaced at so many times the length it began with.
const GROWTH: u64 = 4;
/// Entries of one frame of a new journal.
const TOGETHER: usize = 512;

/// The open journal.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    output: Box<dyn Output>,
    length: u64,
    sequence: u64,
    /// The length from which on it has grown.
    grown: u64,
    broken: bool,
}

impl Journal {
    /// Writes a journal of `entries` beside the one there is, and syncs it.
    pub(crate) fn prepare(
        disk: &dyn Disk,
        root: &Path,
        entries: &[Entry],
    ) -> Result<Self, SpoolError> {
        let path = root.join(SUCCESSOR);
        clear(disk, &path)?;
        let output = disk.create(&path).map_err(SpoolError::at("make", &path))?;
        let mut new = Self { path, output, length: 0, sequence: 0, grown: 0, broken: false };
        let written = new.fill(entries);
        if written.is_err() {
            // What cannot be removed now is removed before the next one is made.
            let _removed = disk.remove(&new.path);
        }
        written.map(|()| new)
    }

    fn fill(&mut self, entries: &[Entry]) -> Result<(), SpoolError> {
        self.write(&frames::header())?;
        for together in entries.chunks(TOGETHER) {
            self.write(&frames::frame(self.sequence, together)?)?;
            self.sequence += 1;
        }
        self.grown = SMALL.max(self.length.saturating_mul(GROWTH));
        self.sync()
    }

    /// Puts the prepared journal in the place of the old one. After an error neither must be
    /// appended to.
    pub(crate) fn install(&mut self, disk: &dyn Disk, root: &Path) -> Result<(), SpoolError> {
        let path = root.join(JOURNAL);
        disk.rename(&self.path, &path).map_err(SpoolError::at("rename", &path))?;
        self.path = path;
        disk.sync_dir(root).map_err(SpoolError::at("sync", root))
    }

    /// Makes `entries` durable: all or none of them, one write and one sync.
    pub(crate) fn append(&mut self, entries: &[Entry]) -> Result<(), SpoolError> {
        let frame = frames::frame(self.sequence, entries)?;
        let before = self.length;
        if let Err(error) = self.write(&frame) {
            // Half a frame must not stay: the next would come after it. Durable or not does not
            // matter, as a bad end is cut off.
            self.broken = self.output.truncate(before).is_err();
            self.length = before;
            return Err(error);
        }
        self.sync()?;
        self.sequence += 1;
        Ok(())
    }

    /// Whether its file has to be replaced before anything is appended.
    pub(crate) fn is_broken(&self) -> bool {
        self.broken
    }

    pub(crate) fn mark_broken(&mut self) {
        self.broken = true;
    }

    pub(crate) fn has_grown(&self) -> bool {
        self.length >= self.grown
    }

    /// Lets it grow further, as it could not be replaced.
    pub(crate) fn put_off(&mut self) {
        self.grown = self.length.saturating_mul(2);
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), SpoolError> {
        self.output.write_all(bytes).map_err(SpoolError::at("write", &self.path))?;
        self.length += bytes.len() as u64;
        Ok(())
    }

    fn sync(&mut self) -> Result<(), SpoolError> {
        let synced = self.output.sync_data();
        self.broken = synced.is_err();
        synced.map_err(SpoolError::at("sync", &self.path))
    }
}

/// What the journal says; nothing when there is none.
pub(crate) fn read(
    disk: &dyn Disk,
    root: &Path,
) -> Result<Option<Result<Decoded, Fault>>, SpoolError> {
    let path = root.join(JOURNAL);
    let mut file = match disk.open(&path) {
        Ok(file) => file,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(SpoolError::at("open", &path)(e)),
    };
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(SpoolError::at("read", &path))?;
    match frames::decode(&bytes) {
        Err(Fault::Version(found)) => Err(SpoolError::Version { path, found }),
        decoded => Ok(Some(decoded)),
    }
}

/// Removes a file that may not be there.
pub(crate) fn clear(disk: &dyn Disk, path: &Path) -> Result<(), SpoolError> {
    match disk.remove(path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
            Err(SpoolError::at("remove", path)(e))
        }
        _gone => Ok(()),
    }
}
