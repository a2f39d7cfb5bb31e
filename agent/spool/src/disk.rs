//! Every access of the spool to a file system, so that tests can record, break and cut it short.
//!
//! [`LocalDisk`] is the one that karakurid uses. Paths below the spool are made of checked names; no
//! symbolic link is followed at their end.

use std::ffi::OsString;
use std::fmt::Debug;
use std::fs::{self, DirBuilder, File, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use rustix::fs::{AtFlags, CWD, FallocateFlags, Mode, OFlags, fallocate, openat, unlinkat};

/// What a directory holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its name in the directory.
    pub name: OsString,
    /// What it is.
    pub kind: Kind,
    /// Length in bytes.
    pub length: u64,
}

/// What a name in a directory stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A link, or what else there is.
    Other,
}

/// A file system, as far as the spool needs one.
pub trait Disk: Debug + Send + Sync {
    /// Makes a directory for its owner alone (0700), and says whether it was not there before.
    ///
    /// # Errors
    /// As mkdir(2); something else of that name is an error.
    fn make_dir(&self, path: &Path) -> io::Result<bool>;
    /// Locks a directory for as long as the file lives; nothing when another process has it.
    ///
    /// # Errors
    /// As open(2) and flock(2).
    fn lock(&self, dir: &Path) -> io::Result<Option<File>>;
    /// What is in a directory, in no order.
    ///
    /// # Errors
    /// As readdir(3).
    fn list(&self, dir: &Path) -> io::Result<Vec<Found>>;
    /// Opens a file to read it.
    ///
    /// # Errors
    /// As open(2); [`ErrorKind::InvalidInput`] when it is no regular file.
    fn open(&self, path: &Path) -> io::Result<File>;
    /// Makes a file that was not there, for its owner alone (0600), to append to it.
    ///
    /// # Errors
    /// As open(2).
    fn create(&self, path: &Path) -> io::Result<Box<dyn Output>>;
    /// Renames, replacing what has the new name.
    ///
    /// # Errors
    /// As rename(2).
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file.
    ///
    /// # Errors
    /// As unlink(2).
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Removes an empty directory.
    ///
    /// # Errors
    /// As rmdir(2).
    fn remove_dir(&self, path: &Path) -> io::Result<()>;
    /// Makes the names in a directory durable.
    ///
    /// # Errors
    /// As fsync(2).
    fn sync_dir(&self, path: &Path) -> io::Result<()>;
}

/// A file that is appended to.
pub trait Output: Write + Debug + Send {
    /// Takes space for `length` bytes and makes the file that long (fallocate(2)).
    ///
    /// # Errors
    /// As fallocate(2).
    fn allocate(&mut self, length: u64) -> io::Result<()>;
    /// Cuts the file to `length` bytes.
    ///
    /// # Errors
    /// As ftruncate(2).
    fn truncate(&mut self, length: u64) -> io::Result<()>;
    /// Makes its bytes and length durable. After an error the file must not be synced again: the
    /// kernel may have dropped the bytes and called them clean.
    ///
    /// # Errors
    /// As fdatasync(2).
    fn sync_data(&mut self) -> io::Result<()>;
}

/// The file system of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct LocalDisk;

impl Disk for LocalDisk {
    fn make_dir(&self, path: &Path) -> io::Result<bool> {
        match DirBuilder::new().mode(0o700).create(path) {
            Ok(()) => Ok(true),
            Err(e) if e.kind() == ErrorKind::AlreadyExists => {
                let there = fs::symlink_metadata(path)?.is_dir();
                if there { Ok(false) } else { Err(ErrorKind::NotADirectory.into()) }
            }
            Err(e) => Err(e),
        }
    }

    fn lock(&self, dir: &Path) -> io::Result<Option<File>> {
        let file = directory(dir)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(e)) => Err(e),
        }
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<Found>> {
        let found = |entry: io::Result<fs::DirEntry>| {
            let entry = entry?;
            let metadata = entry.metadata()?;
            let kind = match metadata.file_type() {
                kind if kind.is_dir() => Kind::Directory,
                kind if kind.is_file() => Kind::File,
                _ => Kind::Other,
            };
            Ok(Found { name: entry.file_name(), kind, length: metadata.len() })
        };
        fs::read_dir(dir)?.map(found).collect()
    }

    fn open(&self, path: &Path) -> io::Result<File> {
        // A pipe in the place of a file is not waited for.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = File::from(openat(CWD, path, flags, Mode::empty())?);
        match file.metadata()?.is_file() {
            true => Ok(file),
            false => Err(io::Error::new(ErrorKind::InvalidInput, "it is no regular file")),
        }
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn Output>> {
        let flags =
            OFlags::WRONLY | OFlags::APPEND | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        Ok(Box::new(File::from(openat(CWD, path, flags, Mode::RUSR | Mode::WUSR)?)))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        // Not rmdir(2), which karakurid's system call list does not have.
        Ok(unlinkat(CWD, path, AtFlags::REMOVEDIR)?)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        directory(path)?.sync_all()
    }
}

impl Output for File {
    fn allocate(&mut self, length: u64) -> io::Result<()> {
        Ok(fallocate(&*self, FallocateFlags::empty(), 0, length)?)
    }

    fn truncate(&mut self, length: u64) -> io::Result<()> {
        self.set_len(length)
    }

    fn sync_data(&mut self) -> io::Result<()> {
        File::sync_data(self)
    }
}

fn directory(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(File::from(openat(CWD, path, flags, Mode::empty())?))
}
