//! The one writer of the log.
//!
//! A record is on disk (one write, one fdatasync) before [`Log::append`] returns, and only then is
//! there a [`Recorded`]. There is no batch and no way around the sync, because an effect may follow
//! at once. Everything that needs a path happens in [`Log::open`]; afterwards an open file is all
//! that is needed, so the caller may give up its right to open files.

use std::fs::{File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags, openat};
use serde_json::Value;

use crate::canonical::to_canonical;
use crate::clock;
use crate::digest::Sha256;
use crate::event::{Actor, Entry, Event, IntoEntry, Redacted};
use crate::file::{AT_ONCE, regular};
use crate::record::{Head, MAX_LINE, MAX_SEQ, Record, VERSION};
use crate::tail::{self, TailError};

/// Name of the log in its directory.
pub const FILE_NAME: &str = "audit.jsonl";

/// The log could not be opened or written. What was to be recorded must not be done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuditError {
    /// The directory or the log in it cannot be opened.
    #[error("cannot open the audit log {path}: make the directory, and let this user write it")]
    Open {
        /// The log or its directory.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Something else than a file has the name of the log.
    #[error(
        "the audit log {path} is no regular file, but a pipe, a link, a directory or the like: find out who put it there, and move audit/ and store/ beside it away together"
    )]
    NotAFile {
        /// The log.
        path: PathBuf,
    },
    /// Another process writes this log.
    #[error(
        "the audit log {path} is in use: another run is going on with this state directory; wait for its end, or set KARAKURI_STATE to another directory"
    )]
    InUse {
        /// The log.
        path: PathBuf,
    },
    /// The end of the log is not what was written.
    #[error(
        "the audit log {path} is damaged at its end: `karakuri audit verify` says how; move the directories audit/ and store/ beside it away together, and keep them"
    )]
    Damaged {
        /// The log.
        path: PathBuf,
    },
    /// The clock or the boot id could not be read.
    #[error("cannot tell the time of a record: /proc must be mounted and the clock set")]
    Clock(#[source] io::Error),
    /// The record is longer than a line may be.
    #[error(
        "a record of {found} bytes is too long for the audit log, at most {MAX_LINE} are allowed"
    )]
    TooLong {
        /// Its bytes.
        found: usize,
    },
    /// The record has no canonical form.
    #[error("a record cannot be written as canonical JSON")]
    Canonical(#[source] serde_json::Error),
    /// The log has as many records as it can count.
    #[error("the audit log is full: move it away and start a new one")]
    Full,
    /// Writing failed; the log is as it was and can be written again.
    #[error("cannot write the audit log: free space on its disk")]
    Write(#[source] io::Error),
    /// The log's end is not known any more, so that nothing can be added.
    #[error(
        "the audit log cannot be trusted after a failed write: check its disk and open it again"
    )]
    Broken,
}

/// The open log.
#[derive(Debug)]
pub struct Log {
    file: File,
    boot: String,
    head: Option<Head>,
    length: u64,
    broken: bool,
}

/// The proof that `T` is in the log, on disk. It can be passed on, but made only by [`Log::append`]:
///
/// ```
/// use karakuri_audit::{Head, Recorded};
/// fn passed_on(recorded: Recorded<u8>, _: u8, _: Head) -> Recorded<u8> {
///     recorded
/// }
/// ```
/// ```compile_fail,E0451
/// use karakuri_audit::{Head, Recorded};
/// fn forged(_: Recorded<u8>, intent: u8, head: Head) -> Recorded<u8> {
///     Recorded { intent, head }
/// }
/// ```
#[derive(Debug)]
pub struct Recorded<T> {
    intent: T,
    head: Head,
}

impl<T> Recorded<T> {
    /// The intent, to be carried out.
    pub fn into_inner(self) -> T {
        self.intent
    }

    /// The intent.
    pub fn intent(&self) -> &T {
        &self.intent
    }

    /// Its record.
    pub fn head(&self) -> Head {
        self.head
    }
}

impl Log {
    /// Opens or begins the log in `dir`, which must exist, and keeps it locked for this process.
    ///
    /// A line that a crash left half written is cut off, which is recorded; it was never
    /// acknowledged to anyone.
    ///
    /// # Errors
    /// [`AuditError::Open`], [`AuditError::NotAFile`], [`AuditError::InUse`], [`AuditError::Damaged`] or
    /// [`AuditError::Clock`].
    pub fn open(dir: &Path) -> Result<Self, AuditError> {
        let path = dir.join(FILE_NAME);
        let failed = |source: io::Error| AuditError::Open { path: path.clone(), source };
        let file = open_file(dir).map_err(|source| match source.kind() {
            io::ErrorKind::InvalidInput => AuditError::NotAFile { path: path.clone() },
            _ => failed(source),
        })?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(AuditError::InUse { path }),
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        let metadata = file.metadata().map_err(failed)?;
        let tail = tail::read(&file, metadata.len()).map_err(|error| match error {
            TailError::Io(source) => failed(source),
            TailError::Damaged => AuditError::Damaged { path: path.clone() },
        })?;
        let boot = clock::boot_id().map_err(AuditError::Clock)?;
        let length = metadata.len() - tail.torn.len() as u64;
        let mut log = Self { file, boot, head: tail.head, length, broken: false };
        log.repair(&tail.torn).map_err(|error| match error {
            AuditError::Write(source) => failed(source),
            other => other,
        })?;
        Ok(log)
    }

    /// The last record, to be kept where whoever writes this file cannot reach.
    #[must_use]
    pub fn head(&self) -> Option<Head> {
        self.head
    }

    /// Records `intent` and gives it back as proof that its record is on disk.
    ///
    /// # Errors
    /// Any [`AuditError`]; then `intent` is gone, and must not be carried out.
    pub fn append<T: IntoEntry>(&mut self, intent: T) -> Result<Recorded<T>, AuditError> {
        if self.broken {
            return Err(AuditError::Broken);
        }
        let record = self.next_record(intent.entry())?;
        let mut line = to_canonical(&record).map_err(AuditError::Canonical)?;
        if line.len() > MAX_LINE {
            return Err(AuditError::TooLong { found: line.len() });
        }
        let head = Head { seq: record.seq, hash: Sha256::of(&line) };
        line.push(b'\n');
        self.write(&line)?;
        self.head = Some(head);
        Ok(Recorded { intent, head })
    }

    fn next_record(&self, entry: Entry) -> Result<Record, AuditError> {
        let (seq, prev) = match self.head {
            None => (0, Sha256::ZERO),
            Some(head) if head.seq < MAX_SEQ => (head.seq + 1, head.hash),
            Some(_) => return Err(AuditError::Full),
        };
        let (actor, event, data) = parts(&entry)?;
        Ok(Record {
            v: VERSION,
            seq,
            boot: self.boot.clone(),
            mono_ns: clock::boot_time_ns(),
            wall: clock::wall_time().map_err(|e| AuditError::Clock(io::Error::other(e)))?,
            run: entry.run,
            actor,
            class: entry.event.class(),
            event,
            data,
            prev,
        })
    }

    /// Writes and syncs one line. A write that failed is taken back. After a failed sync the kernel
    /// may have dropped the data and called it clean (fsync(2), "fsyncgate"), so nothing is retried.
    fn write(&mut self, line: &[u8]) -> Result<(), AuditError> {
        self.broken = true;
        if let Err(error) = self.file.write_all(line) {
            let taken_back = self.file.set_len(self.length).and_then(|()| self.file.sync_data());
            self.broken = taken_back.is_err();
            return Err(AuditError::Write(error));
        }
        self.file.sync_data().map_err(AuditError::Write)?;
        self.length += line.len() as u64;
        self.broken = false;
        Ok(())
    }

    fn repair(&mut self, torn: &[u8]) -> Result<(), AuditError> {
        if torn.is_empty() {
            return Ok(());
        }
        let cut = self.file.set_len(self.length).and_then(|()| self.file.sync_data());
        cut.map_err(AuditError::Write)?;
        let event = Event::LogRepaired { cut: Redacted::of_bytes(torn) };
        self.append(Entry { run: None, actor: Actor::Daemon, event }).map(|_recorded| ())
    }
}

/// Opens the log below `dir`, and makes sure that its name is on disk.
fn open_file(dir: &Path) -> io::Result<File> {
    let dir = openat(CWD, dir, OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    let flags = OFlags::RDWR | OFlags::APPEND | OFlags::CREATE | AT_ONCE;
    let file = regular(openat(&dir, FILE_NAME, flags, Mode::RUSR | Mode::WUSR).map(File::from))?;
    File::from(dir).sync_all()?;
    Ok(file)
}

/// Actor, event name and data, as JSON has them.
fn parts(entry: &Entry) -> Result<(String, String, Value), AuditError> {
    let Entry { actor, event, .. } = entry;
    let actor = serde_json::to_value(actor).map_err(AuditError::Canonical)?;
    let mut event = serde_json::to_value(event).map_err(AuditError::Canonical)?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    Ok((text(&actor), text(&event["event"]), event["data"].take()))
}
