//! How much the spool may hold, and the back-pressure when it is much.
//!
//! Above the high mark new artifacts are refused until deletions have brought it below the low one.
//! What is between the high mark and the quota is for drafts that are being written and for what ends a
//! run: its report, its log, its manifest. Nothing is deleted to make room.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

/// The limits of the spool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Bytes of artifacts and drafts, at most.
    pub bytes: u64,
    /// Files and directories (inodes) of artifacts, drafts and runs, at most.
    pub files: u64,
    /// From this percentage of either on, new artifacts are refused …
    pub high_percent: u8,
    /// … until both are below this one.
    pub low_percent: u8,
}

/// There is no room for another artifact, or for more of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the spool is full ({limit}): it holds {bytes} bytes in {files} files; wait for deliveries, or give it more room"
)]
pub struct Full {
    /// What ran out.
    pub limit: Limit,
    /// Bytes of artifacts and drafts.
    pub bytes: u64,
    /// Files and directories.
    pub files: u64,
}

/// What ran out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Limit {
    /// The quota in bytes, or its high mark.
    #[error("its quota in bytes")]
    Bytes,
    /// The quota in files, or its high mark.
    #[error("its quota in files")]
    Files,
    /// The disk, or its reserve had to be used for records.
    #[error("no space on its disk")]
    Disk,
}

/// What is used of a quota; the spool and its drafts share it.
#[derive(Debug)]
pub(crate) struct Room {
    quota: Quota,
    bytes: AtomicU64,
    files: AtomicU64,
    /// Above the high mark, and not yet below the low one.
    throttled: AtomicBool,
    /// Without its reserve the spool takes in nothing: what is left of the disk is for records.
    closed: AtomicBool,
}

impl Room {
    pub(crate) fn new(quota: Quota) -> Self {
        Self {
            quota,
            bytes: AtomicU64::new(0),
            files: AtomicU64::new(0),
            throttled: AtomicBool::new(false),
            closed: AtomicBool::new(false),
        }
    }

    pub(crate) fn close(&self, closed: bool) {
        self.closed.store(closed, Relaxed);
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Relaxed)
    }

    /// Bytes and files in use.
    pub(crate) fn used(&self) -> (u64, u64) {
        (self.bytes.load(Relaxed), self.files.load(Relaxed))
    }

    /// Lets one more file in; what ends a run may use what is above the high mark.
    pub(crate) fn admit(&self, is_last: bool) -> Result<(), Full> {
        if self.is_closed() {
            return Err(self.full(Limit::Disk));
        }
        let (bytes, files) = self.used();
        let Quota { bytes: most_bytes, files: most_files, high_percent, low_percent } = self.quota;
        let reached = |percent| {
            let limit = [
                (share(bytes, most_bytes) >= u128::from(percent), Limit::Bytes),
                (share(files, most_files) >= u128::from(percent), Limit::Files),
            ];
            limit.into_iter().find_map(|(reached, limit)| reached.then_some(limit))
        };
        let mark = if self.throttled.load(Relaxed) { low_percent } else { high_percent };
        let throttle = reached(mark);
        self.throttled.store(throttle.is_some(), Relaxed);
        match if is_last { reached(100) } else { throttle.or_else(|| reached(100)) } {
            Some(limit) => Err(self.full(limit)),
            None => {
                self.add(0, 1);
                Ok(())
            }
        }
    }

    /// Whether [`Self::admit`] would let one more artifact in.
    pub(crate) fn has_room(&self) -> bool {
        let admitted = self.admit(false).is_ok();
        if admitted {
            self.give_back(0, 1);
        }
        admitted
    }

    /// Takes `bytes` for a draft.
    pub(crate) fn take(&self, bytes: u64) -> Result<(), Full> {
        if self.is_closed() {
            return Err(self.full(Limit::Disk));
        }
        let more = |used: u64| used.checked_add(bytes).filter(|sum| *sum <= self.quota.bytes);
        let taken = self.bytes.fetch_update(Relaxed, Relaxed, more);
        taken.map(|_before| ()).map_err(|_used| self.full(Limit::Bytes))
    }

    /// Counts what is there whatever the quota says.
    pub(crate) fn add(&self, bytes: u64, files: u64) {
        self.bytes.fetch_add(bytes, Relaxed);
        self.files.fetch_add(files, Relaxed);
    }

    pub(crate) fn give_back(&self, bytes: u64, files: u64) {
        self.bytes.fetch_sub(bytes, Relaxed);
        self.files.fetch_sub(files, Relaxed);
    }

    pub(crate) fn full(&self, limit: Limit) -> Full {
        let (bytes, files) = self.used();
        Full { limit, bytes, files }
    }
}

/// Percentage of `used` in `total`; of nothing all is used.
fn share(used: u64, total: u64) -> u128 {
    (u128::from(used) * 100).checked_div(u128::from(total)).unwrap_or(100)
}
