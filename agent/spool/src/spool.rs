//! The open spool: takes artifacts in, says what is to be delivered, journals what becomes of it.
//!
//! Invariant: what the table says is durable in the journal, and every artifact in the table that
//! is not deleted or lost has its file under its name. The table changes only in [`Spool::record`].

use std::collections::BTreeSet;
use std::fs::File;
use std::mem;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::artifact::{Artifact, Change, Content, Timestamp};
use crate::disk::Disk;
use crate::draft::{Draft, Place, Written, failed};
use crate::error::SpoolError;
use crate::frames::Entry;
use crate::id::ArtifactId;
use crate::journal::{Journal, clear};
use crate::quota::{Quota, Room};
use crate::reserve::Reserve;
use crate::table::Table;

/// How a spool behaves.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// What it may hold.
    pub quota: Quota,
    /// Bytes that are taken from the disk beforehand, for journal and audit log; 0 for none. It
    /// should hold the journal twice: about 1 KiB for each artifact that may wait.
    pub reserve: u64,
    /// How long a file stays after its delivery.
    pub stay: Duration,
}

impl Default for Settings {
    /// 8 GiB, 100,000 files, marks at 90 and 75 %, a reserve of 64 MiB, a stay of 24 hours.
    fn default() -> Self {
        let quota = Quota { bytes: 8 << 30, files: 100_000, high_percent: 90, low_percent: 75 };
        Self { quota, reserve: 64 << 20, stay: Duration::from_secs(24 * 3600) }
    }
}

/// The proof that an artifact survives whatever happens to the process or the machine's power. Made
/// only by [`Spool::commit`]:
///
/// ```
/// fn passed_on(kept: karakuri_spool::Kept) -> karakuri_spool::Kept {
///     kept
/// }
/// ```
/// ```compile_fail,E0451
/// use karakuri_spool::{ArtifactId, Content, Kept};
/// fn forged(id: ArtifactId, content: Content) -> Kept {
///     Kept { id, content }
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    id: ArtifactId,
    content: Content,
}

impl Kept {
    /// Which artifact.
    #[must_use]
    pub fn id(&self) -> &ArtifactId {
        &self.id
    }

    /// Its length and hash.
    #[must_use]
    pub fn content(&self) -> &Content {
        &self.content
    }
}

/// The open spool. [`Spool::open`] makes it.
#[derive(Debug)]
pub struct Spool {
    pub(crate) root: PathBuf,
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) journal: Journal,
    pub(crate) table: Table,
    pub(crate) room: Arc<Room>,
    pub(crate) reserve: Reserve,
    pub(crate) stay: Duration,
    /// Runs that have a directory.
    pub(crate) dirs: BTreeSet<String>,
    /// Files that were named but not recorded, and whose caller was told so.
    pub(crate) strays: Vec<ArtifactId>,
    pub(crate) _lock: File,
}

impl Spool {
    /// Begins an artifact.
    ///
    /// # Errors
    /// [`SpoolError::Full`] as back-pressure, [`SpoolError::Taken`], [`SpoolError::Complete`], or
    /// [`SpoolError::Io`].
    pub fn draft(&mut self, id: ArtifactId) -> Result<Draft, SpoolError> {
        let is_last = id.is_manifest();
        self.begin(id, is_last)
    }

    /// Begins an artifact without which a run does not come to its end, or news of it. It may use what is
    /// above the high mark.
    ///
    /// # Errors
    /// As [`Self::draft`].
    pub fn draft_last(&mut self, id: ArtifactId) -> Result<Draft, SpoolError> {
        self.begin(id, true)
    }

    fn begin(&mut self, id: ArtifactId, is_last: bool) -> Result<Draft, SpoolError> {
        if self.table.get(&id).is_some() {
            return Err(SpoolError::Taken { id });
        }
        self.check_open(&id)?;
        if self.room.is_closed() && self.hold_reserve().is_err() {
            return Err(self.room.full(crate::quota::Limit::Disk).into());
        }
        self.room.admit(is_last)?;
        let dir = self.root.join(id.run());
        let place = Place::new(id, dir, Arc::clone(&self.room), Arc::clone(&self.disk));
        self.make_run(&place)?;
        Draft::begin(place)
    }

    /// Makes the run's directory, and its name durable.
    fn make_run(&mut self, place: &Place) -> Result<(), SpoolError> {
        if self.dirs.contains(place.id.run()) {
            return Ok(());
        }
        let made = self.disk.make_dir(&place.dir);
        made.map_err(|e| failed("make", &place.dir, &self.room, e))?;
        self.disk.sync_dir(&self.root).map_err(SpoolError::at("sync", &self.root))?;
        self.dirs.insert(place.id.run().to_owned());
        self.room.add(0, 1);
        Ok(())
    }

    /// Acknowledges what was written: all of it or nothing, with one sync of the journal.
    ///
    /// # Errors
    /// [`SpoolError::Complete`], [`SpoolError::Foreign`], [`SpoolError::TooLong`] or
    /// [`SpoolError::Io`]; then none is kept, and each has to be written again.
    pub fn commit(
        &mut self,
        mut written: Vec<Written>,
        now: Timestamp,
    ) -> Result<Vec<Kept>, SpoolError> {
        self.ready()?;
        for Written { place, .. } in &written {
            if !Arc::ptr_eq(&place.room, &self.room) {
                return Err(SpoolError::Foreign { id: place.id.clone() });
            }
            self.check_open(&place.id)?;
        }
        let recorded = self.name_and_record(&mut written, now);
        if recorded.is_err() {
            let named = written.iter().map(|w| &w.place).filter(|place| place.is_named());
            self.strays.extend(named.map(|place| place.id.clone()));
            if !self.journal.is_broken() {
                self.remove_strays();
            }
        }
        recorded?;
        let kept = |Written { place, content }: Written| Kept { id: place.hand_over(), content };
        Ok(written.into_iter().map(kept).collect())
    }

    fn name_and_record(
        &mut self,
        written: &mut [Written],
        now: Timestamp,
    ) -> Result<(), SpoolError> {
        written.iter_mut().try_for_each(|written| written.place.name())?;
        let dirs: BTreeSet<_> = written.iter().map(|written| &written.place.dir).collect();
        for dir in dirs {
            self.disk.sync_dir(dir).map_err(SpoolError::at("sync", dir))?;
        }
        let entry = |Written { place, content }: &Written| Entry::Kept {
            id: place.id.clone(),
            content: content.clone(),
            at: now,
        };
        self.record(written.iter().map(entry).collect())
    }

    /// What is to be delivered, the oldest first. A manifest is not among it before everything else
    /// of its run is delivered; artifacts of a run that still goes on may leave.
    pub fn pending(&self) -> impl Iterator<Item = (&ArtifactId, &Artifact)> {
        self.table.pending()
    }

    /// Everything in the spool, in no order.
    pub fn artifacts(&self) -> impl Iterator<Item = (&ArtifactId, &Artifact)> {
        self.table.iter()
    }

    /// What is known of an artifact.
    #[must_use]
    pub fn artifact(&self, id: &ArtifactId) -> Option<&Artifact> {
        self.table.get(id)
    }

    /// Runs without a manifest, even if all their artifacts are delivered and deleted. After
    /// [`Spool::open`] these are what a crash left, to be finished as interrupted.
    pub fn unfinished(&self) -> impl Iterator<Item = &str> {
        self.table.unfinished()
    }

    /// Opens an artifact to be read.
    ///
    /// # Errors
    /// [`SpoolError::Unknown`] or [`SpoolError::Io`].
    pub fn open_artifact(&self, id: &ArtifactId) -> Result<File, SpoolError> {
        self.known(id)?;
        let path = self.path(id);
        self.disk.open(&path).map_err(SpoolError::at("open", &path))
    }

    /// Journals what became of artifacts: all of it or nothing, with one sync.
    ///
    /// # Errors
    /// [`SpoolError::Unknown`], [`SpoolError::Transition`], [`SpoolError::TooLong`] or
    /// [`SpoolError::Io`]; then nothing is changed.
    pub fn change(
        &mut self,
        changes: Vec<(ArtifactId, Change)>,
        now: Timestamp,
    ) -> Result<(), SpoolError> {
        self.ready()?;
        let mut entries = Vec::with_capacity(changes.len());
        for (id, change) in changes {
            let from = &self.known(&id)?.state;
            match change.after(from, now) {
                Ok(state) => entries.push(Entry::Became { id, state }),
                Err(to) => {
                    let from = from.name();
                    return Err(SpoolError::Transition { id, from, to });
                }
            }
        }
        self.record(entries)
    }

    /// Gives the reserve's space free, for the audit log on a full disk. From then on no artifact is
    /// taken in until there is room to hold it again. False when there is nothing to free.
    ///
    /// # Errors
    /// [`SpoolError::Io`].
    pub fn release_reserve(&mut self) -> Result<bool, SpoolError> {
        let released = self.reserve.release(&*self.disk, &self.root);
        self.room.close(!self.reserve.is_held());
        released
    }

    /// Takes the reserve's space again, if it is not held.
    pub(crate) fn hold_reserve(&mut self) -> Result<(), SpoolError> {
        let held = self.reserve.hold(&*self.disk, &self.root);
        self.room.close(!self.reserve.is_held());
        held
    }

    /// Whether one more artifact would be taken in. Who makes them waits while it is not.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.room.has_room()
    }

    /// Bytes and files that count against the quota: artifacts, drafts, directories of runs.
    #[must_use]
    pub fn used(&self) -> (u64, u64) {
        self.room.used()
    }

    /// Makes `entries` durable, and only then believes them.
    pub(crate) fn record(&mut self, entries: Vec<Entry>) -> Result<(), SpoolError> {
        if entries.is_empty() {
            return Ok(());
        }
        if self.journal.has_grown() && self.replace_journal().is_err() && !self.journal.is_broken()
        {
            self.journal.put_off();
        }
        self.with_reserve(|spool| {
            spool.mend_journal()?;
            spool.journal.append(&entries)
        })?;
        // An entry about an unknown artifact is not made.
        let _consistent = entries.into_iter().try_for_each(|entry| self.table.apply(entry));
        Ok(())
    }

    /// Makes sure that the journal on disk says what the table says, and nothing else.
    pub(crate) fn ready(&mut self) -> Result<(), SpoolError> {
        self.with_reserve(Self::mend_journal)?;
        self.remove_strays();
        Ok(())
    }

    /// Puts a new journal in the place of one that failed, whose file must not be synced again.
    fn mend_journal(&mut self) -> Result<(), SpoolError> {
        if self.journal.is_broken() { self.replace_journal() } else { Ok(()) }
    }

    fn replace_journal(&mut self) -> Result<(), SpoolError> {
        let mut new = Journal::prepare(&*self.disk, &self.root, &self.table.entries())?;
        let installed = new.install(&*self.disk, &self.root);
        if installed.is_ok() {
            self.journal = new;
        } else {
            // Which of the two has the name is not known.
            self.journal.mark_broken();
        }
        installed
    }

    fn with_reserve(
        &mut self,
        mut act: impl FnMut(&mut Self) -> Result<(), SpoolError>,
    ) -> Result<(), SpoolError> {
        match act(self) {
            Err(error) if error.is_full() => {
                if self.release_reserve()? {
                    act(self)
                } else {
                    Err(error)
                }
            }
            done => done,
        }
    }

    /// Removes files whose caller was told that they are not kept, for good, so that opening the
    /// spool does not take them for artifacts. One that cannot be removed now is tried again.
    fn remove_strays(&mut self) {
        let mut strays = mem::take(&mut self.strays);
        strays.retain(|id| self.table.get(id).is_none() && self.remove_stray(id).is_err());
        self.strays = strays;
    }

    fn remove_stray(&self, id: &ArtifactId) -> Result<(), SpoolError> {
        clear(&*self.disk, &self.path(id))?;
        let dir = self.root.join(id.run());
        self.disk.sync_dir(&dir).map_err(SpoolError::at("sync", &dir))
    }

    fn check_open(&self, id: &ArtifactId) -> Result<(), SpoolError> {
        if self.table.is_complete(id.run()) {
            return Err(SpoolError::Complete { run: id.run().to_owned() });
        }
        Ok(())
    }

    pub(crate) fn known(&self, id: &ArtifactId) -> Result<&Artifact, SpoolError> {
        self.table.get(id).ok_or_else(|| SpoolError::Unknown { id: id.clone() })
    }

    pub(crate) fn path(&self, id: &ArtifactId) -> PathBuf {
        self.root.join(id.run()).join(id.file())
    }
}
