//! What is known of an artifact in the spool, as the journal has it.
//!
//! Kept → Uploading → Delivered → Deleted; Parked on the way, Lost when a disk loses it. The texts
//! of a courier (upload ids, entity tags, versions) are stored and handed back, never looked into.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Milliseconds since the Unix epoch, by the caller's clock. It should be one that does not jump:
/// the wall clock at the start plus CLOCK_BOOTTIME since. Order never depends on it, only the stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub u64);

impl Timestamp {
    /// Whether `stay` has passed from this to `now`.
    pub(crate) fn is_past(self, stay: Duration, now: Self) -> bool {
        now.0.checked_sub(self.0).is_some_and(|ms| Duration::from_millis(ms) >= stay)
    }
}

/// What a file holds, without holding it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Content {
    /// Length in bytes.
    pub length: u64,
    /// SHA-256 of the bytes.
    #[serde(with = "hex::serde")]
    pub sha256: [u8; 32],
}

/// A multipart upload that can be gone on with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Upload {
    /// The store's id of it.
    pub id: String,
    /// The parts that are there.
    pub parts: Vec<Part>,
}

/// A part of an [`Upload`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// Its number, from 1.
    pub number: u32,
    /// The store's tag of it.
    pub etag: String,
    /// Its checksum, as the store writes it.
    pub checksum: Option<String>,
}

/// What the courier says the store has. Its word, not a proof to an auditor: hence the stay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    /// The checksum the store answered with, as it writes it.
    pub checksum: String,
    /// The store's tag of the object, where it has one.
    pub etag: Option<String>,
    /// The object's version, where the store keeps versions.
    pub version: Option<String>,
}

/// Where an artifact is on its way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case", deny_unknown_fields)]
pub enum State {
    /// In the spool, to be delivered.
    Kept,
    /// To be delivered, by going on with an upload.
    Uploading {
        /// Which.
        upload: Upload,
    },
    /// In the store; the file stays for a while.
    Delivered {
        /// Says the courier.
        proof: Proof,
        /// When it said so.
        at: Timestamp,
    },
    /// Its file is to be removed, or is.
    Deleted,
    /// Refused again and again; for a person.
    Parked {
        /// Why.
        reason: String,
    },
    /// Its file is gone, or has another length. Stays until [`crate::Spool::write_off`].
    Lost,
}

impl State {
    pub(crate) fn is_waiting(&self) -> bool {
        matches!(self, Self::Kept | Self::Uploading { .. })
    }

    /// Whether nothing of it has to reach the store any more.
    pub(crate) fn is_settled(&self) -> bool {
        matches!(self, Self::Delivered { .. } | Self::Deleted)
    }

    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::Uploading { .. } => "uploading",
            Self::Delivered { .. } => "delivered",
            Self::Deleted => "deleted",
            Self::Parked { .. } => "parked",
            Self::Lost => "lost",
        }
    }
}

/// What the caller can say of an artifact: see [`crate::Spool::change`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// An upload began, or has more parts.
    Uploading(Upload),
    /// The courier says that the store has it.
    Delivered(Proof),
    /// It cannot be delivered as things are.
    Parked {
        /// Why.
        reason: String,
    },
    /// To be delivered from the beginning: it is not in the store after all, its upload is no more,
    /// or what parked it is mended.
    Redeliver,
}

impl Change {
    /// The state after it, unless it cannot follow on `from`.
    pub(crate) fn after(self, from: &State, now: Timestamp) -> Result<State, &'static str> {
        let parked = matches!(from, State::Parked { .. });
        match self {
            Self::Uploading(upload) if from.is_waiting() => Ok(State::Uploading { upload }),
            Self::Delivered(proof) if from.is_waiting() || parked => {
                Ok(State::Delivered { proof, at: now })
            }
            Self::Parked { reason } if from.is_waiting() => Ok(State::Parked { reason }),
            Self::Redeliver if !matches!(from, State::Deleted | State::Lost) => Ok(State::Kept),
            Self::Uploading(_) => Err("uploading"),
            Self::Delivered(_) => Err("delivered"),
            Self::Parked { .. } => Err("parked"),
            Self::Redeliver => Err("to be delivered"),
        }
    }
}

/// An artifact in the spool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artifact {
    pub(crate) content: Content,
    pub(crate) kept_at: Timestamp,
    pub(crate) state: State,
    pub(crate) order: u64,
}

impl Artifact {
    /// Its length and hash.
    #[must_use]
    pub fn content(&self) -> &Content {
        &self.content
    }

    /// When it was acknowledged, by the caller's clock.
    #[must_use]
    pub fn kept_at(&self) -> Timestamp {
        self.kept_at
    }

    /// Where it is on its way.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The upload to go on with.
    #[must_use]
    pub fn upload(&self) -> Option<&Upload> {
        match &self.state {
            State::Uploading { upload } => Some(upload),
            _ => None,
        }
    }
}
