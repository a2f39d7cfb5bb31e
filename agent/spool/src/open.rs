//! Opening the spool: what a crash, a power loss or a damaged disk left becomes a state again.
//!
//! The journal and the files are compared, and a new journal is written of what came out. So a torn
//! end is cut off, bytes that only the page cache has become durable, and what is deleted is
//! forgotten, all in one way.

use std::collections::BTreeSet;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::artifact::{Content, State, Timestamp};
use crate::disk::Disk;
use crate::error::SpoolError;
use crate::frames::{Decoded, Entry};
use crate::id::ArtifactId;
use crate::journal::{self, JOURNAL, Journal, clear};
use crate::quota::Room;
use crate::reserve::Reserve;
use crate::spool::{Settings, Spool};
use crate::survey::Survey;
use crate::table::Table;

/// What was found when the spool was opened. The caller records it, and raises an alarm if
/// [`Recovery::is_alarming`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// How the journal was.
    pub journal: JournalFate,
    /// Files without a record, taken in as the youngest. After a crash these were named but not
    /// acknowledged yet; without a journal it is all there is.
    pub adopted: Vec<ArtifactId>,
    /// Artifacts whose files are gone or have another length. Named at each opening until
    /// [`Spool::write_off`]; one whose file is back is kept again.
    pub lost: Vec<ArtifactId>,
    /// Damaged journals, named at each opening until someone takes them away.
    pub set_aside: Vec<PathBuf>,
    /// What is not the spool's. It is left alone.
    pub foreign: Vec<PathBuf>,
}

/// How the journal was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JournalFate {
    /// As it was written.
    Sound,
    /// Its end was no frame and was cut off. A crash while it was written leaves that.
    Cut {
        /// Bytes cut off.
        bytes: usize,
    },
    /// There was none, and nothing else: a spool that begins.
    New,
    /// There was none, but there were files: all that is known is from these.
    Missing,
    /// It was damaged and is set aside: all that is known is from the files.
    Damaged,
}

impl Recovery {
    /// Whether something happened that no crash explains.
    #[must_use]
    pub fn is_alarming(&self) -> bool {
        let sound =
            matches!(self.journal, JournalFate::Sound | JournalFate::Cut { .. } | JournalFate::New);
        !(sound && self.lost.is_empty() && self.set_aside.is_empty())
    }
}

impl Spool {
    /// Opens or begins the spool in `root`, whose parent must exist, and keeps it locked.
    ///
    /// # Errors
    /// [`SpoolError::InUse`], [`SpoolError::Version`] or [`SpoolError::Io`].
    pub fn open(
        root: &Path,
        disk: Arc<dyn Disk>,
        settings: Settings,
        now: Timestamp,
    ) -> Result<(Self, Recovery), SpoolError> {
        disk.make_dir(root).map_err(SpoolError::at("make", root))?;
        let lock = disk.lock(root).map_err(SpoolError::at("lock", root))?;
        let lock = lock.ok_or_else(|| SpoolError::InUse { path: root.to_owned() })?;
        let mut survey = Survey::of(&*disk, root)?;
        let (mut table, fate) = replay(&*disk, root, &mut survey)?;
        let adopted = reconcile(&*disk, root, &survey, &mut table, now)?;
        let mut reserve = Reserve::found(settings.reserve, survey.reserve);
        let journal = write_journal(&*disk, root, &table, &mut reserve)?;
        let room = Arc::new(Room::new(settings.quota));
        room.add(table.iter().map(|(_, artifact)| artifact.content.length).sum(), 0);
        room.add(0, (table.iter().count() + survey.dirs.len()) as u64);
        let lost = table.iter().filter(|(_, artifact)| artifact.state == State::Lost);
        let lost: BTreeSet<_> = lost.map(|(id, _)| id.clone()).collect();
        let recovery = Recovery {
            journal: fate,
            adopted,
            lost: lost.into_iter().collect(),
            set_aside: survey.set_aside.into_iter().collect(),
            foreign: survey.foreign,
        };
        let (root, stay, dirs) = (root.to_owned(), settings.stay, survey.dirs);
        let strays = Vec::new();
        let mut spool =
            Self { root, disk, journal, table, room, reserve, stay, dirs, strays, _lock: lock };
        spool.finish_deletions()?;
        for run in spool.dirs.clone() {
            spool.remove_run(&run);
        }
        match spool.hold_reserve() {
            Err(error) if !error.is_full() => Err(error),
            _ => Ok((spool, recovery)),
        }
    }
}

/// What the journal says. One that cannot be believed gets another name.
fn replay(
    disk: &dyn Disk,
    root: &Path,
    survey: &mut Survey,
) -> Result<(Table, JournalFate), SpoolError> {
    let decoded = match journal::read(disk, root)? {
        None if survey.files.is_empty() => return Ok((Table::default(), JournalFate::New)),
        None => return Ok((Table::default(), JournalFate::Missing)),
        Some(decoded) => decoded.ok(),
    };
    let believed = decoded.and_then(|Decoded { entries, torn }| {
        let fate = if torn == 0 { JournalFate::Sound } else { JournalFate::Cut { bytes: torn } };
        Table::replay(entries).ok().map(|table| (table, fate))
    });
    if let Some(believed) = believed {
        return Ok(believed);
    }
    let aside = survey.free_name(root);
    let renamed = disk.rename(&root.join(JOURNAL), &aside);
    renamed.map_err(SpoolError::at("set aside the journal as", &aside))?;
    disk.sync_dir(root).map_err(SpoolError::at("sync", root))?;
    survey.set_aside.insert(aside);
    Ok((Table::default(), JournalFate::Damaged))
}

/// Makes table and files agree; the files that were adopted.
fn reconcile(
    disk: &dyn Disk,
    root: &Path,
    survey: &Survey,
    table: &mut Table,
    now: Timestamp,
) -> Result<Vec<ArtifactId>, SpoolError> {
    for path in &survey.unfinished {
        clear(disk, path)?;
    }
    let path = |id: &ArtifactId| root.join(id.run()).join(id.file());
    let (mut entries, mut gone) = (Vec::new(), Vec::new());
    for (id, artifact) in table.iter() {
        let there = survey.files.get(id) == Some(&artifact.content.length);
        match &artifact.state {
            State::Lost if there => entries.push(became(id, State::Kept)),
            State::Deleted if !survey.files.contains_key(id) => gone.push(id.clone()),
            State::Deleted | State::Lost => {}
            _ if there => {}
            _ => entries.push(became(id, State::Lost)),
        }
    }
    let adopted: Vec<_> =
        survey.files.keys().filter(|id| table.get(id).is_none()).cloned().collect();
    for id in &adopted {
        let content = measure(disk, &path(id))?;
        entries.push(Entry::Kept { id: id.clone(), content, at: now });
    }
    // A crash may have come before step 5 or 11: a name that is taken in must not go, one that is
    // forgotten must not come back.
    let runs: BTreeSet<_> = adopted.iter().chain(&gone).map(ArtifactId::run).collect();
    for run in runs.into_iter().filter(|run| survey.dirs.contains(*run)) {
        let dir = root.join(run);
        disk.sync_dir(&dir).map_err(SpoolError::at("sync", &dir))?;
    }
    gone.iter().for_each(|id| table.forget(id));
    // Each entry is about an artifact of the table, or adds one.
    let _consistent = entries.into_iter().try_for_each(|entry| table.apply(entry));
    Ok(adopted)
}

fn became(id: &ArtifactId, state: State) -> Entry {
    Entry::Became { id: id.clone(), state }
}

fn write_journal(
    disk: &dyn Disk,
    root: &Path,
    table: &Table,
    reserve: &mut Reserve,
) -> Result<Journal, SpoolError> {
    let entries = table.entries();
    let mut new = match Journal::prepare(disk, root, &entries) {
        Err(error) if error.is_full() && reserve.release(disk, root)? => {
            Journal::prepare(disk, root, &entries)?
        }
        prepared => prepared?,
    };
    new.install(disk, root)?;
    Ok(new)
}

fn measure(disk: &dyn Disk, path: &Path) -> Result<Content, SpoolError> {
    let measured = || -> io::Result<Content> {
        let mut file = disk.open(path)?;
        let mut buffer = vec![0; 256 << 10];
        let (mut digest, mut length) = (Sha256::new(), 0);
        loop {
            let count = file.read(&mut buffer)?;
            if count == 0 {
                return Ok(Content { length, sha256: digest.finalize().into() });
            }
            digest.update(&buffer[..count]);
            length += count as u64;
        }
    };
    measured().map_err(SpoolError::at("read", path))
}
