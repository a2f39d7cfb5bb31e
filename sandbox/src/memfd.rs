//! Sealed memfds: bytes that nobody can change any more, so that what was checked is what is used.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::fd::OwnedFd;

use rustix::fs::{MemfdFlags, SealFlags};

/// All seals: no writing, no growing, no shrinking, and no change of the seals.
const SEALS: SealFlags =
    SealFlags::WRITE.union(SealFlags::GROW).union(SealFlags::SHRINK).union(SealFlags::SEAL);

/// Why a memfd cannot be made or trusted.
#[derive(Debug, thiserror::Error)]
pub enum MemfdError {
    /// The kernel refused.
    #[error("a memory file could not be made or read: {0}")]
    Io(#[from] std::io::Error),
    /// Its content could still change.
    #[error("the file is not a sealed memfd")]
    NotSealed,
    /// It is larger than the reader allows.
    #[error("the memory file holds {length} bytes; at most {limit} are allowed")]
    TooLarge {
        /// Its length.
        length: u64,
        /// The most that is allowed.
        limit: usize,
    },
}

/// A sealed memfd with `bytes` in it, its position at the start.
///
/// # Errors
/// When the kernel refuses.
pub fn sealed(name: &str, bytes: &[u8]) -> Result<OwnedFd, MemfdError> {
    sealed_from(name, bytes)
}

/// A sealed memfd with all that `source` yields.
///
/// # Errors
/// When reading fails or the kernel refuses.
pub fn sealed_from(name: &str, mut source: impl Read) -> Result<OwnedFd, MemfdError> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let fd = rustix::fs::memfd_create(name, flags).map_err(std::io::Error::from)?;
    let mut file = File::from(fd);
    std::io::copy(&mut source, &mut file)?;
    file.flush()?;
    file.seek(SeekFrom::Start(0))?;
    rustix::fs::fcntl_add_seals(&file, SEALS).map_err(std::io::Error::from)?;
    Ok(file.into())
}

/// Whether nothing can change the file behind `fd` any more.
#[must_use]
pub fn is_sealed(fd: &OwnedFd) -> bool {
    rustix::fs::fcntl_get_seals(fd).is_ok_and(|seals| seals.contains(SEALS))
}

/// The content of a sealed memfd of at most `limit` bytes.
///
/// # Errors
/// When it is not sealed, or larger.
pub fn read_sealed(fd: OwnedFd, limit: usize) -> Result<Vec<u8>, MemfdError> {
    if !is_sealed(&fd) {
        return Err(MemfdError::NotSealed);
    }
    let mut file = File::from(fd);
    let length = file.metadata()?.len();
    if length > limit as u64 {
        return Err(MemfdError::TooLarge { length, limit });
    }
    file.seek(SeekFrom::Start(0))?;
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::io::Errno;

    #[test]
    fn sealed_bytes_can_be_read_and_not_changed() {
        let fd = sealed("t", b"abc").unwrap();
        assert_eq!(rustix::io::write(&fd, b"x"), Err(Errno::PERM));
        assert_eq!(rustix::fs::ftruncate(&fd, 0), Err(Errno::PERM));
        assert_eq!(read_sealed(fd, 3).unwrap(), b"abc");
    }

    #[test]
    fn an_unsealed_or_large_file_is_refused() {
        let unsealed = rustix::fs::memfd_create("t", MemfdFlags::ALLOW_SEALING).unwrap();
        assert!(matches!(read_sealed(unsealed, 9), Err(MemfdError::NotSealed)));
        let large = sealed("t", b"abcd").unwrap();
        assert!(matches!(read_sealed(large, 3), Err(MemfdError::TooLarge { length: 4, limit: 3 })));
    }
}
