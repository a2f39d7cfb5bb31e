//! The record of artifacts that are there no more: why, and which. It is kept before the first of their
//! files goes, so that what is gone without one is missing.
//!
//! JSON, an object with the fields of [`Removal`]; version 1 is the only one. It holds ids and hashes of
//! ciphertext, nothing of what was sealed.

use std::fmt;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::envelope::Payload;
use super::keys::Origin;
use crate::digest::Sha256;

/// Artifacts of one run that were removed at one time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Removal {
    /// 1.
    pub version: u32,
    /// As in the run's manifest.
    pub tenant: String,
    /// Likewise.
    pub site: String,
    /// Likewise.
    pub run: String,
    /// When, UTC.
    #[serde(with = "time::serde::rfc3339")]
    pub made: OffsetDateTime,
    /// Why.
    pub reason: Reason,
    /// The artifacts.
    pub artifacts: Vec<RemovedArtifact>,
}

/// Why artifacts are removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The time of their class is over.
    Expired,
    /// A person's data was erased.
    Erased,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Expired => "expired by retention",
            Self::Erased => "erased",
        })
    }
}

impl Payload for Removal {
    const NAME: &'static str = "record of removal";
    const TYPE: &'static str = "application/vnd.karakuri.removal+json";
    const VERSION: u32 = 1;

    fn origin(&self) -> Origin {
        Origin { tenant: self.tenant.clone(), site: self.site.clone() }
    }
}

/// One artifact that is there no more, with every message of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RemovedArtifact {
    /// Its id in the run's manifest.
    pub id: String,
    /// SHA-256 of its message, of the manifest.
    pub message: Sha256,
}
