//! An artifact that is being written: nothing of it is acknowledged, and dropping it removes it.

use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::artifact::Content;
use crate::disk::{Disk, Output};
use crate::error::{SpoolError, no_space};
use crate::id::{ArtifactId, UNFINISHED};
use crate::quota::{Limit, Room};

/// An artifact being written. Takes ciphertext, through [`Write`].
#[derive(Debug)]
pub struct Draft {
    place: Place,
    output: Box<dyn Output>,
    failure: Option<SpoolError>,
}

/// An artifact whose bytes are durable, but whose name is not: [`crate::Spool::commit`] is next.
#[derive(Debug)]
pub struct Written {
    pub(crate) place: Place,
    pub(crate) content: Content,
}

/// The file of a draft and the room it takes, until it is committed.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) id: ArtifactId,
    /// The run's directory.
    pub(crate) dir: PathBuf,
    pub(crate) room: Arc<Room>,
    disk: Arc<dyn Disk>,
    length: u64,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Under its unfinished name.
    Unfinished,
    /// Under its name, without a record.
    Named,
    /// The spool has taken over file and room.
    Committed,
}

impl Place {
    /// A place for which `room` has admitted a file.
    pub(crate) fn new(id: ArtifactId, dir: PathBuf, room: Arc<Room>, disk: Arc<dyn Disk>) -> Self {
        Self { id, dir, room, disk, length: 0, stage: Stage::Unfinished }
    }

    fn unfinished(&self) -> PathBuf {
        self.dir.join(format!("{}{UNFINISHED}", self.id.file()))
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.dir.join(self.id.file())
    }

    /// Step 4: gives the file its name, which step 5 makes durable.
    pub(crate) fn name(&mut self) -> Result<(), SpoolError> {
        let path = self.path();
        let renamed = self.disk.rename(&self.unfinished(), &path);
        renamed.map_err(SpoolError::at("rename", &path))?;
        self.stage = Stage::Named;
        Ok(())
    }

    pub(crate) fn is_named(&self) -> bool {
        self.stage == Stage::Named
    }

    pub(crate) fn hand_over(mut self) -> ArtifactId {
        self.stage = Stage::Committed;
        self.id.clone()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.stage == Stage::Unfinished {
            // What is left of it now is removed when the spool is opened.
            let _removed = self.disk.remove(&self.unfinished());
        }
        if self.stage != Stage::Committed {
            self.room.give_back(self.length, 1);
        }
    }
}

impl Draft {
    /// Step 1: makes the file.
    pub(crate) fn begin(place: Place) -> Result<Self, SpoolError> {
        let path = place.unfinished();
        match place.disk.create(&path) {
            Ok(output) => Ok(Self { place, output, failure: None }),
            Err(e) => {
                let taken = e.kind() == ErrorKind::AlreadyExists;
                let error = match taken {
                    true => SpoolError::Taken { id: place.id.clone() },
                    false => failed("make", &path, &place.room, e),
                };
                if taken {
                    // The file is another draft's.
                    place.room.give_back(0, 1);
                    place.hand_over();
                }
                Err(error)
            }
        }
    }

    /// Its name.
    #[must_use]
    pub fn id(&self) -> &ArtifactId {
        &self.place.id
    }

    /// Step 3: syncs the bytes. `length` and `sha256` are those of what was written, as the sealer
    /// counted them.
    ///
    /// # Errors
    /// What writing failed with, [`SpoolError::Length`], or [`SpoolError::Io`]. In each case the
    /// bytes are gone and have to be written to a new draft.
    pub fn finish(mut self, length: u64, sha256: [u8; 32]) -> Result<Written, SpoolError> {
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        let found = self.place.length;
        if found != length {
            return Err(SpoolError::Length { id: self.place.id.clone(), found, expected: length });
        }
        let path = self.place.unfinished();
        let synced = self.output.sync_data();
        synced.map_err(|e| failed("sync", &path, &self.place.room, e))?;
        Ok(Written { place: self.place, content: Content { length, sha256 } })
    }

    /// Gives the draft up; what writing it failed with, if it did. A sealer that writes to a draft
    /// knows the [`io::Error`] only.
    #[must_use]
    pub fn into_failure(self) -> Option<SpoolError> {
        self.failure
    }

    /// Remembers the typed error, and gives one for [`Write`].
    fn fail(&mut self, failure: SpoolError) -> io::Error {
        let shown = match &failure {
            SpoolError::Io { source, .. } => io::Error::new(source.kind(), failure.to_string()),
            other => io::Error::new(ErrorKind::QuotaExceeded, other.to_string()),
        };
        self.failure = Some(failure);
        shown
    }
}

impl Write for Draft {
    /// Step 2.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let asked = bytes.len() as u64;
        if let Err(full) = self.place.room.take(asked) {
            return Err(self.fail(full.into()));
        }
        let written = self.output.write(bytes);
        let count = written.as_ref().map_or(0, |count| *count as u64);
        self.place.room.give_back(asked - count, 0);
        self.place.length += count;
        written.map_err(|e| match e.kind() {
            ErrorKind::Interrupted => e,
            _ => {
                let error = failed("write", &self.place.unfinished(), &self.place.room, e);
                self.fail(error)
            }
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}

/// A full disk is back-pressure as a full quota is.
pub(crate) fn failed(
    action: &'static str,
    path: &Path,
    room: &Room,
    error: io::Error,
) -> SpoolError {
    if no_space(&error) {
        room.full(Limit::Disk).into()
    } else {
        SpoolError::at(action, path)(error)
    }
}
