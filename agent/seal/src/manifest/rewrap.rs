//! The record of artifacts that were sealed for other keys later: which message became which.
//!
//! JSON, an object with the fields of [`Rewrap`]; version 1 is the only one. Together with the run's
//! manifest, whose body hashes stay true, it leads from the message that left the site to the one that
//! is there now.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::envelope::Payload;
use super::keys::Origin;
use crate::digest::{Sha256, Summary};

/// Artifacts of one run that were sealed for other keys at one time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rewrap {
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
    /// Provider and name of each key that opens them now.
    pub sealed_for: Vec<String>,
    /// The artifacts.
    pub artifacts: Vec<RewrappedArtifact>,
}

impl Payload for Rewrap {
    const NAME: &'static str = "record of rewrapping";
    const TYPE: &'static str = "application/vnd.karakuri.rewrap+json";
    const VERSION: u32 = 1;

    fn origin(&self) -> Origin {
        Origin { tenant: self.tenant.clone(), site: self.site.clone() }
    }
}

/// One artifact, before and after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RewrappedArtifact {
    /// Its id in the run's manifest.
    pub id: String,
    /// SHA-256 of the message that was read: that of the manifest, or of an earlier record.
    pub before: Sha256,
    /// The message that was written. Its id and body are those of the manifest.
    pub after: Summary,
}
