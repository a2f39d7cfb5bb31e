//! The spool: sealed artifacts on their way out of the machine, and the journal of what became of
//! each.
//!
//! Used by karakurid alone, which is the only one to write, journal and delete here. What is written
//! is ciphertext. An artifact goes [`Spool::draft`] → [`Draft`] → [`Written`] → [`Spool::commit`] →
//! [`Kept`]; a [`Kept`] survives kill -9 and power loss, and nothing but the word of a courier, a
//! minimum stay and a journalled deletion makes its file go.
//!
//! No network, no threads, no clock: the caller carries files away and says what time it is. The
//! numbered steps, and what a crash at each leaves, stand in README.md; the layout of the journal at
//! the head of `frames.rs`.

mod artifact;
mod disk;
mod draft;
mod error;
mod frames;
mod id;
mod journal;
mod open;
mod quota;
mod remove;
mod reserve;
mod spool;
mod survey;
mod table;

pub use artifact::{Artifact, Change, Content, Part, Proof, State, Timestamp, Upload};
pub use disk::{Disk, Found, Kind, LocalDisk, Output};
pub use draft::{Draft, Written};
pub use error::SpoolError;
pub use id::{ArtifactId, EVENT, MANIFEST, UPLOADED};
pub use open::{JournalFate, Recovery};
pub use quota::{Full, Limit, Quota};
pub use spool::{Kept, Settings, Spool};
