//! A directory of the caller, copied into `/work`, and what lies there afterwards, copied back.

use std::fs::File;
use std::io::Write;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use karakuri_sandbox::collect::{self, Caps, Refused, Taken, beneath};
use rustix::fs::{AtFlags, Gid, Mode, OFlags, Uid};
use rustix::io::Errno;

use crate::error::{CliError, at};

/// The caller's directory.
#[derive(Debug)]
pub(super) struct Directory {
    path: PathBuf,
    fd: OwnedFd,
}

impl Directory {
    /// Opens it.
    pub(super) fn open(path: &Path) -> Result<Self, CliError> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let fd = rustix::fs::open(path, flags, Mode::empty());
        Ok(Self { path: path.to_owned(), fd: fd.map_err(|e| at(path)(e.into()))? })
    }

    /// Copies its files into `work`, where they belong to the command.
    ///
    /// # Errors
    /// Where something in it is no plain file: a command that lacks a part of its input would
    /// mislead.
    pub(super) fn copy_into(&self, work: BorrowedFd<'_>) -> Result<(), CliError> {
        let owner = rustix::fs::fstat(work).map_err(|e| self.fault("/work", e))?;
        let owner = (Uid::from_raw(owner.st_uid), Gid::from_raw(owner.st_gid));
        // It is the caller's own directory, on any file system.
        let caps = Caps { refuse_sparse: false, ..Caps::AREA };
        let refused = collect::tree(self.fd.as_fd(), ".", &caps, |file| {
            put(work, &file, Some(owner)).map_err(|e| self.fault(&file.path, e))
        })?;
        match refused.first() {
            None => Ok(()),
            Some(Refused { path, why }) => {
                Err(CliError::Usage(format!("{}: {why}", self.path.join(path).display())))
            }
        }
    }

    /// Copies what lies in `work` back; what is not taken is returned as lines for a person.
    pub(super) fn copy_back(&self, work: BorrowedFd<'_>) -> Result<Vec<String>, CliError> {
        let told = |path: &str, why: &str| format!("{path:?} is not copied back: {why}");
        let mut lines = Vec::new();
        let refused = collect::tree(work, ".", &Caps::AREA, |file| {
            match put(self.fd.as_fd(), &file, None) {
                // What the command chose: a name that is something else here.
                Err(Errno::ISDIR | Errno::NOTDIR | Errno::EXIST | Errno::LOOP | Errno::XDEV) => {
                    lines.push(told(&file.path, "something else has its name here"));
                    Ok(())
                }
                other => other.map_err(|e| self.fault(&file.path, e)),
            }
        })?;
        lines.extend(refused.iter().map(|r| told(&r.path, &r.why.to_string())));
        Ok(lines)
    }

    fn fault(&self, name: &str, error: Errno) -> CliError {
        at(&self.path.join(name))(error.into())
    }
}

/// Writes a file beneath `area`, following nothing on the way; an older one is replaced whole.
fn put(area: BorrowedFd<'_>, file: &Taken, owner: Option<(Uid, Gid)>) -> Result<(), Errno> {
    let (directory, name) = file.path.rsplit_once('/').unwrap_or((".", &file.path));
    let parent = directories(area, directory, owner)?;
    let temporary = format!(".karakuri-{}", std::process::id());
    let mode = Mode::from_raw_mode(if file.executable { 0o755 } else { 0o644 });
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let fd = rustix::fs::openat(&parent, &temporary, flags, mode)?;
    if let Some((uid, gid)) = owner {
        rustix::fs::fchown(&fd, Some(uid), Some(gid))?;
    }
    let written = File::from(fd).write_all(&file.bytes);
    let result = written
        .map_err(|e| Errno::from_io_error(&e).unwrap_or(Errno::IO))
        .and_then(|()| rustix::fs::renameat(&parent, &temporary, &parent, name));
    if result.is_err() {
        // The first failure is the one to tell.
        let _removed = rustix::fs::unlinkat(&parent, &temporary, AtFlags::empty());
    }
    result
}

/// Opens a directory beneath `area`, making what is missing of it.
fn directories(
    area: BorrowedFd<'_>,
    path: &str,
    owner: Option<(Uid, Gid)>,
) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let open = |path: &str| {
        beneath(area, path, flags).map_err(|e| match e {
            collect::Refusal::Open(e) => Errno::from_io_error(&e).unwrap_or(Errno::IO),
            _ => Errno::IO,
        })
    };
    let mut made = String::new();
    let mut parent = open(".")?;
    for name in path.split('/').filter(|name| *name != ".") {
        let new = match rustix::fs::mkdirat(&parent, name, Mode::from_raw_mode(0o755)) {
            Ok(()) => true,
            Err(Errno::EXIST) => false,
            Err(e) => return Err(e),
        };
        made.push_str(if made.is_empty() { "" } else { "/" });
        made.push_str(name);
        parent = open(&made)?;
        if let (true, Some((uid, gid))) = (new, owner) {
            rustix::fs::fchown(&parent, Some(uid), Some(gid))?;
        }
    }
    Ok(parent)
}
