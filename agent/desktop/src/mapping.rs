//! Memory that the X server writes pictures into, as bytes. The only `unsafe` of this program; used by
//! `x11::shm`, and by a frame for its pixels.
//!
//! What makes it sound:
//! - The memfd is sealed against shrinking and growing before it is mapped, so every byte stays there.
//! - The server writes when it is asked for a picture and at no other time. Who asks has the part that is
//!   written to itself until the answer comes: a frame by `&mut`, a slot because nobody else reads it.
//! - Every byte is a valid pixel. A server that did not keep to this could change colours while they are
//!   looked at, which it can do at any time by drawing; nothing here is indexed by a pixel unchecked.
#![expect(unsafe_code, reason = "the one capture module that maps memory; see the header")]

use std::ops::Range;
use std::os::fd::BorrowedFd;
use std::ptr::NonNull;
use std::sync::{Arc, Weak};

use rustix::fs::{SealFlags, fcntl_get_seals, fstat};
use rustix::io::Errno;
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

/// A mapped memfd.
#[derive(Debug)]
pub(crate) struct Mapping {
    start: NonNull<u8>,
    length: usize,
    alive: Arc<()>,
}

// SAFETY: it owns its memory as a `Vec<u8>` would; nothing in it belongs to a thread.
unsafe impl Send for Mapping {}
// SAFETY: a shared reference only reads.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Maps all of `memory`, which must be sealed against shrinking.
    ///
    /// # Errors
    /// [`Errno::PERM`] where it is not sealed or empty; as mmap(2).
    pub(crate) fn of(memory: BorrowedFd<'_>) -> Result<Self, Errno> {
        let length = usize::try_from(fstat(memory)?.st_size).map_err(|_| Errno::FBIG)?;
        if length == 0 || !fcntl_get_seals(memory)?.contains(SealFlags::SHRINK) {
            return Err(Errno::PERM);
        }
        let (protection, flags) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::SHARED);
        // SAFETY: a new mapping at a place the kernel chooses overlaps no memory of this program.
        let start = unsafe { mmap(std::ptr::null_mut(), length, protection, flags, memory, 0)? };
        let start = NonNull::new(start.cast()).ok_or(Errno::NOMEM)?;
        Ok(Self { start, length, alive: Arc::new(()) })
    }

    /// Ends with this mapping, and is equal for no other.
    pub(crate) fn token(&self) -> Weak<()> {
        Arc::downgrade(&self.alive)
    }

    /// All bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        // SAFETY: `length` bytes from `start` are mapped until `self` is dropped; nobody writes to
        // them while `self` is borrowed, by the module's second invariant.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.length) }
    }

    /// All bytes, to be written.
    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as for `bytes`, and `self` is borrowed by nobody else.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.length) }
    }

    /// Some bytes, while the server may write to others; none where they are not all there.
    pub(crate) fn part(&self, range: Range<usize>) -> Option<&[u8]> {
        let length = range.end.checked_sub(range.start)?;
        if range.end > self.length {
            return None;
        }
        // SAFETY: the range lies within the mapping; the reference covers nothing beside it, and
        // nobody writes to it, by the module's second invariant.
        Some(unsafe { std::slice::from_raw_parts(self.start.as_ptr().add(range.start), length) })
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: the mapping is this one's alone, and every reference to it has ended.
        let unmapped = unsafe { munmap(self.start.as_ptr().cast(), self.length) };
        if let Err(error) = unmapped {
            tracing::warn!(%error, "memory shared with the X server is not given back");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;

    use rustix::fs::{MemfdFlags, fcntl_add_seals, ftruncate, memfd_create};

    use super::*;

    #[test]
    fn only_what_is_sealed_is_mapped_and_only_what_is_there_is_read() {
        let memory = memfd_create("test", MemfdFlags::ALLOW_SEALING).unwrap();
        ftruncate(&memory, 100).unwrap();
        assert_eq!(Mapping::of(memory.as_fd()).unwrap_err(), Errno::PERM);
        fcntl_add_seals(&memory, SealFlags::SHRINK).unwrap();
        let mut mapping = Mapping::of(memory.as_fd()).unwrap();
        mapping.bytes_mut()[99] = 7;
        assert_eq!((mapping.bytes().len(), mapping.part(98..100)), (100, Some(&[0, 7][..])));
        assert_eq!((mapping.part(99..101), mapping.part(Range { start: 5, end: 4 })), (None, None));
        let token = mapping.token();
        drop(mapping);
        assert!(token.upgrade().is_none());
    }
}
