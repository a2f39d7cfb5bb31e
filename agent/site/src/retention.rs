//! `[retention]`: how long each class of artifacts stays in a local store, in days from the end of its run.
//!
//! A class that is not named is kept until somebody deletes it: nothing is destroyed that nobody asked to
//! have destroyed. Manifests and the audit log are always kept; they hold nothing of what was sealed.

use serde::Deserialize;

/// The most days, a century.
const MOST: u32 = 36_500;

/// Days by class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retention {
    /// Pictures, recordings, log and report.
    pub evidence: Option<Days>,
    /// What workflows declare, attach and have collected.
    pub output: Option<Days>,
    /// What was masked.
    pub pii: Option<Days>,
    /// The life of runs.
    pub event: Option<Days>,
}

/// A whole number of days, from 1 to 36,500.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "u32")]
pub struct Days(u32);

/// Why a number is not [`Days`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} days: write 1 to {MOST}, or leave the class out to keep it until it is deleted")]
pub struct InvalidDays(u32);

impl Days {
    /// The number.
    #[must_use]
    pub fn get(self) -> u32 {
        self.0
    }
}

impl TryFrom<u32> for Days {
    type Error = InvalidDays;

    fn try_from(days: u32) -> Result<Self, InvalidDays> {
        if (1..=MOST).contains(&days) { Ok(Self(days)) } else { Err(InvalidDays(days)) }
    }
}
