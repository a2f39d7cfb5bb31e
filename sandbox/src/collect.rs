//! Taking files that a script or an application made. Everything about them is hostile: the path,
//! what is on the way to it, what it is, how large it says it is, and that it holds still.
//!
//! A file is taken when openat2(2) reaches it beneath the area without following a link or leaving
//! the file system, and it is a regular file with one name, not sparse, of at most the allowed
//! length, and the same before and after it was read. Whatever else lies there is refused by name.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, ResolveFlags, Stat};
use rustix::io::Errno;

/// What a collection takes at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caps {
    /// Files and directories.
    pub entries: usize,
    /// Directories within each other.
    pub depth: usize,
    /// Bytes of one file.
    pub file_bytes: u64,
    /// Bytes together.
    pub total_bytes: u64,
    /// Whether a file with holes is refused. Where blocks are compressed or stored inline that
    /// cannot be told; a file system in memory has neither.
    pub refuse_sparse: bool,
}

impl Caps {
    /// For `/work` and `/files`.
    pub const AREA: Self = Self {
        entries: 4096,
        depth: 16,
        file_bytes: 256 * 1024 * 1024,
        total_bytes: 1024 * 1024 * 1024,
        refuse_sparse: true,
    };
}

/// Why something is not taken.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The kernel did not reach it beneath the area.
    #[error("cannot be opened: {0}")]
    Open(io::Error),
    /// A name that a person could not read or a path could not hold.
    #[error("its name is not plain text")]
    Name,
    /// Something that only looks like a file.
    #[error("is {0}; only plain files are taken")]
    Kind(&'static str),
    /// Another name may lie anywhere on the same file system.
    #[error("has several names (hard links); only files with one are taken")]
    Links,
    /// Its length is a claim.
    #[error("is sparse: it says {length} bytes and holds {held}")]
    Sparse {
        /// `st_size`.
        length: u64,
        /// `st_blocks` in bytes.
        held: u64,
    },
    /// Longer than allowed, by what was read.
    #[error("is longer than {0} bytes")]
    TooLong(u64),
    /// Written to meanwhile.
    #[error("changed while it was read")]
    Changed,
    /// Directories too far within each other.
    #[error("lies deeper than {0} directories")]
    TooDeep(usize),
    /// The rest was not looked at.
    #[error("and what follows was not looked at: more than {0}")]
    TooMuch(&'static str),
}

/// A file that was taken.
#[derive(Debug)]
pub struct Taken {
    /// Relative to the area, with `/` between names.
    pub path: String,
    /// What was in it.
    pub bytes: Vec<u8>,
    /// Whether its owner may execute it.
    pub executable: bool,
}

/// A thing that was not taken.
#[derive(Debug)]
pub struct Refused {
    /// Relative to the area; what is not text is shown escaped.
    pub path: String,
    /// Why.
    pub why: Refusal,
}

/// Takes the one file `path` beneath `area`.
///
/// # Errors
/// See [`Refusal`].
pub fn file(area: BorrowedFd<'_>, path: &str, caps: &Caps) -> Result<Taken, Refusal> {
    let flags =
        OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let fd = beneath(area, path, flags)?;
    let before = stat(&fd)?;
    plain(&before, caps)?;
    let mut file = File::from(fd);
    let mut bytes = Vec::new();
    file.by_ref().take(caps.file_bytes + 1).read_to_end(&mut bytes).map_err(Refusal::Open)?;
    if bytes.len() as u64 > caps.file_bytes {
        return Err(Refusal::TooLong(caps.file_bytes));
    }
    let after = stat(&OwnedFd::from(file))?;
    let state = |s: &Stat| (s.st_size, s.st_mtime, s.st_mtime_nsec, s.st_ctime, s.st_ctime_nsec);
    if state(&before) != state(&after) || bytes.len() as u64 != length(&after) {
        return Err(Refusal::Changed);
    }
    let executable = Mode::from_raw_mode(before.st_mode).contains(Mode::XUSR);
    Ok(Taken { path: path.to_owned(), bytes, executable })
}

/// Takes every file beneath `start` in `area` (`.` for all), in the order of names. What is not
/// taken is listed.
///
/// # Errors
/// The first error of `each`, which ends the collection.
pub fn tree<E>(
    area: BorrowedFd<'_>,
    start: &str,
    caps: &Caps,
    mut each: impl FnMut(Taken) -> Result<(), E>,
) -> Result<Vec<Refused>, E> {
    let mut refused = Vec::new();
    let (mut entries, mut total) = (0, 0);
    // A stack of what is still to be seen, the next on top.
    let mut todo = vec![(start.to_owned(), 0)];
    while let Some((path, depth)) = todo.pop() {
        entries += 1;
        let left = caps.total_bytes.saturating_sub(total);
        let over = if entries > caps.entries {
            Some("the allowed number of files")
        } else if left == 0 && total > 0 {
            Some("the allowed bytes")
        } else {
            None
        };
        if let Some(what) = over {
            refused.push(Refused { path, why: Refusal::TooMuch(what) });
            return Ok(refused);
        }
        let caps = Caps { file_bytes: caps.file_bytes.min(left), ..*caps };
        match look(area, &path, depth, &caps) {
            Ok(Found::File(taken)) => {
                total += taken.bytes.len() as u64;
                each(taken)?;
            }
            Ok(Found::Directory(mut names)) => {
                names.sort_unstable_by(|a, b| b.cmp(a));
                for name in names {
                    match name {
                        Ok(name) if path == "." => todo.push((name, depth + 1)),
                        Ok(name) => todo.push((format!("{path}/{name}"), depth + 1)),
                        Err(shown) => refused
                            .push(Refused { path: format!("{path}/{shown}"), why: Refusal::Name }),
                    }
                }
            }
            Err(why) => refused.push(Refused { path, why }),
        }
    }
    Ok(refused)
}

enum Found {
    File(Taken),
    /// Names; one that is no plain text as it can be shown.
    Directory(Vec<Result<String, String>>),
}

fn look(area: BorrowedFd<'_>, path: &str, depth: usize, caps: &Caps) -> Result<Found, Refusal> {
    // What it seems to be; the open that follows decides.
    let seen = rustix::fs::statat(area, path, AtFlags::SYMLINK_NOFOLLOW);
    let seen = seen.map_err(|e| Refusal::Open(e.into()))?;
    if !FileType::from_raw_mode(seen.st_mode).is_dir() {
        plain(&seen, caps)?;
        return file(area, path, caps).map(Found::File);
    }
    if depth > caps.depth {
        return Err(Refusal::TooDeep(caps.depth));
    }
    let fd = beneath(area, path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC)?;
    let open = |e: Errno| Refusal::Open(e.into());
    let mut names = Vec::new();
    for entry in Dir::new(fd).map_err(open)? {
        let entry = entry.map_err(open)?;
        let name = entry.file_name();
        if name != c"." && name != c".." {
            names.push(match name.to_str() {
                Ok(text) if !text.chars().any(misleads) => Ok(text.to_owned()),
                _ => Err(name.to_string_lossy().escape_debug().to_string()),
            });
        }
        // One more than allowed is enough to say so.
        if names.len() > caps.entries {
            break;
        }
    }
    Ok(Found::Directory(names))
}

/// Whether a character would make a name look like another one: controls, line ends, and those that
/// turn the direction of what follows (Unicode TR 36, 2.10).
fn misleads(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Opens `path` beneath `area` without following anything.
pub fn beneath(area: BorrowedFd<'_>, path: &str, flags: OFlags) -> Result<OwnedFd, Refusal> {
    let resolve = ResolveFlags::BENEATH
        | ResolveFlags::NO_SYMLINKS
        | ResolveFlags::NO_MAGICLINKS
        | ResolveFlags::NO_XDEV;
    rustix::fs::openat2(area, path, flags, Mode::empty(), resolve)
        .map_err(|e| Refusal::Open(e.into()))
}

fn stat(fd: &OwnedFd) -> Result<Stat, Refusal> {
    rustix::fs::fstat(fd).map_err(|e| Refusal::Open(e.into()))
}

fn length(stat: &Stat) -> u64 {
    u64::try_from(stat.st_size).unwrap_or(0)
}

fn plain(stat: &Stat, caps: &Caps) -> Result<(), Refusal> {
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => {}
        FileType::Symlink => return Err(Refusal::Kind("a symbolic link")),
        FileType::Directory => return Err(Refusal::Kind("a directory")),
        FileType::Fifo => return Err(Refusal::Kind("a pipe")),
        FileType::Socket => return Err(Refusal::Kind("a socket")),
        _ => return Err(Refusal::Kind("a device")),
    }
    if stat.st_nlink != 1 {
        return Err(Refusal::Links);
    }
    // st_blocks counts 512 bytes whatever the file system; see stat(3type).
    let held = u64::try_from(stat.st_blocks).unwrap_or(0) * 512;
    let length = length(stat);
    if caps.refuse_sparse && held < length {
        return Err(Refusal::Sparse { length, held });
    }
    if length > caps.file_bytes {
        return Err(Refusal::TooLong(caps.file_bytes));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
