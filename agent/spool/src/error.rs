//! What goes wrong in the spool.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::id::ArtifactId;
use crate::quota::Full;

/// Why the spool did not do what it was asked. Nothing that was acknowledged is harmed by any.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SpoolError {
    /// A file. After a failed sync its bytes count as lost: write them to a new draft.
    #[error("cannot {action} {path}: {source}; check the disk and free space on it")]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// No room for another artifact: wait for deliveries, or refuse.
    #[error(transparent)]
    Full(#[from] Full),
    /// Another process has the spool.
    #[error("the spool {path} is in use: wait for the end of the process that has it")]
    InUse {
        /// Its directory.
        path: PathBuf,
    },
    /// A newer program wrote the journal.
    #[error(
        "{path} has version {found}, unknown here: use the program that wrote it, or a newer one"
    )]
    Version {
        /// The journal.
        path: PathBuf,
        /// Its version.
        found: u32,
    },
    /// A name that cannot be one of a file here.
    #[error("{name:?} cannot name a run or artifact: 1 to 200 of A-Z a-z 0-9 . _ - are allowed")]
    Name {
        /// Which.
        name: String,
    },
    /// There is, or is being written, an artifact of this name.
    #[error("{id} is in the spool already: give the artifact another name")]
    Taken {
        /// Its name.
        id: ArtifactId,
    },
    /// The run has its manifest.
    #[error("the manifest of run {run} is in the spool: nothing can be added to the run")]
    Complete {
        /// Which run.
        run: String,
    },
    /// A draft of another spool.
    #[error("{id} was not drafted in this spool")]
    Foreign {
        /// Its name.
        id: ArtifactId,
    },
    /// What was written is not what the caller counted.
    #[error("{id} has {found} bytes, {expected} were sealed: seal it again")]
    Length {
        /// Its name.
        id: ArtifactId,
        /// Bytes written.
        found: u64,
        /// Bytes the caller counted.
        expected: u64,
    },
    /// There is no such artifact.
    #[error("{id} is not in the spool")]
    Unknown {
        /// Its name.
        id: ArtifactId,
    },
    /// A change that cannot follow on the present state.
    #[error("{id} is {from}, it cannot become {to}")]
    Transition {
        /// Which artifact.
        id: ArtifactId,
        /// Its state.
        from: &'static str,
        /// What was asked.
        to: &'static str,
    },
    /// Too much for one journal frame.
    #[error(
        "{bytes} bytes are too long for one frame of the journal: change fewer artifacts at once"
    )]
    TooLong {
        /// Its length.
        bytes: usize,
    },
}

impl SpoolError {
    /// Makes an [`SpoolError::Io`] of what went wrong.
    pub(crate) fn at(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { action, path: path.to_owned(), source }
    }

    /// Whether there is no room, be it the quota's or the disk's: it passes once something is
    /// deleted.
    #[must_use]
    pub fn is_full(&self) -> bool {
        match self {
            Self::Full(_) => true,
            Self::Io { source, .. } => no_space(source),
            _ => false,
        }
    }
}

/// ENOSPC and EDQUOT.
pub(crate) fn no_space(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded)
}
