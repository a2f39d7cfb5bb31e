//! Reading what the requester handed over as open fds: the bundle's directory and input files.
//!
//! Names and sizes come from outside: links and special files are refused, sizes and counts are
//! capped while reading.

use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use karakuri_protocol::untrusted::Untrusted;
use karakuri_workflow::bundle::{MAX_FILES, MAX_TOTAL};
use rustix::fs::{FileType, Mode, OFlags};

/// The deepest directory that is read.
const MAX_DEPTH: usize = 8;

/// A bundle as it was read.
#[derive(Clone, Debug, Default)]
pub struct Bundle {
    /// Its files, sorted by path.
    pub files: Vec<BundleFile>,
}

/// One file of a bundle.
#[derive(Clone, Debug)]
pub struct BundleFile {
    /// Relative to the bundle.
    pub path: String,
    /// Its bytes.
    pub content: Vec<u8>,
    /// Whether it may be executed.
    pub executable: bool,
}

/// Why something handed over cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The kernel refused.
    #[error("{path}: {source}")]
    Io {
        /// Relative to the bundle, escaped.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// A link, a device, a pipe, a socket.
    #[error("{0}: not a regular file; a workflow holds only files and directories")]
    Special(String),
    /// More than a workflow may hold.
    #[error(
        "{0}: the workflow is too large (at most {MAX_FILES} files, {MAX_TOTAL} bytes, {MAX_DEPTH} levels)"
    )]
    TooLarge(String),
}

/// Reads a bundle's directory. Names that start with a dot and `__pycache__` are not part of it.
///
/// # Errors
/// See [`ReadError`].
pub fn read_bundle(directory: OwnedFd) -> Result<Bundle, ReadError> {
    let mut bundle = Bundle::default();
    let mut room = MAX_TOTAL;
    read_directory(directory.as_fd(), "", MAX_DEPTH, &mut room, &mut bundle)?;
    bundle.files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(bundle)
}

fn read_directory(
    directory: BorrowedFd<'_>,
    prefix: &str,
    depth: usize,
    room: &mut u64,
    bundle: &mut Bundle,
) -> Result<(), ReadError> {
    let io = |e: rustix::io::Errno| ReadError::Io { path: shown(prefix), source: e.into() };
    for entry in rustix::fs::Dir::read_from(directory).map_err(io)? {
        let entry = entry.map_err(io)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') || name == "__pycache__" {
            continue;
        }
        let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}/{name}") };
        if depth == 0 || bundle.files.len() >= MAX_FILES {
            return Err(ReadError::TooLarge(shown(&path)));
        }
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let fd = match rustix::fs::openat(directory, name.as_str(), flags, Mode::empty()) {
            Err(rustix::io::Errno::LOOP | rustix::io::Errno::NXIO) => {
                return Err(ReadError::Special(shown(&path)));
            }
            other => other.map_err(|e| ReadError::Io { path: shown(&path), source: e.into() })?,
        };
        let stat = rustix::fs::fstat(&fd).map_err(io)?;
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::Directory => read_directory(fd.as_fd(), &path, depth - 1, room, bundle)?,
            FileType::RegularFile => {
                let content = read_capped(fd, *room, &path)?;
                *room -= content.len() as u64;
                let executable = stat.st_mode & 0o111 != 0;
                bundle.files.push(BundleFile { path, content, executable });
            }
            _ => return Err(ReadError::Special(shown(&path))),
        }
    }
    Ok(())
}

/// Reads one input file of at most the size of a bundle.
///
/// # Errors
/// See [`ReadError`].
pub fn read_input(file: OwnedFd, name: &str) -> Result<Vec<u8>, ReadError> {
    read_capped(file, MAX_TOTAL, name)
}

fn read_capped(file: OwnedFd, room: u64, path: &str) -> Result<Vec<u8>, ReadError> {
    let mut content = Vec::new();
    let read = File::from(file).take(room + 1).read_to_end(&mut content);
    read.map_err(|source| ReadError::Io { path: shown(path), source })?;
    if content.len() as u64 > room {
        return Err(ReadError::TooLarge(shown(path)));
    }
    Ok(content)
}

fn shown(path: &str) -> String {
    Untrusted::new(path).escaped(120)
}
