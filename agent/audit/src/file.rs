//! Opening files of a state directory to read them. Who may write there may have put a pipe, a device, a
//! directory or a link in the place of a record: opening must neither wait for it nor follow it.

use std::fs::File;
use std::io;
use std::path::Path;

use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::Errno;

/// Of everything that is opened: no wait for the other end of a pipe (fifo(7)), no terminal taken over.
pub(crate) const AT_ONCE: OFlags =
    OFlags::NONBLOCK.union(OFlags::NOFOLLOW).union(OFlags::NOCTTY).union(OFlags::CLOEXEC);

/// Opens a regular file to read it.
///
/// # Errors
/// As open(2); [`io::ErrorKind::InvalidInput`] when it is something else, also a link to a file.
pub fn open_regular(path: &Path) -> io::Result<File> {
    regular(openat(CWD, path, OFlags::RDONLY | AT_ONCE, Mode::empty()).map(File::from))
}

/// What was opened, if it is a regular file.
pub(crate) fn regular(opened: Result<File, Errno>) -> io::Result<File> {
    let other = || io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file");
    match opened {
        Ok(file) if file.metadata()?.is_file() => Ok(file),
        // A link, a directory that was to be written, a pipe or socket without another end.
        Ok(_) | Err(Errno::LOOP | Errno::ISDIR | Errno::NXIO) => Err(other()),
        Err(e) => Err(e.into()),
    }
}
