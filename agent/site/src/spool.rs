//! `[spool]`: how much may wait for the store, and how long what arrived is kept.

use serde::Deserialize;

const MIB: u64 = 1024 * 1024;

/// The spool's limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spool {
    /// The most bytes.
    #[serde(default = "Quota::bytes")]
    pub bytes: Quota<{ 64 * MIB }>,
    /// The most files and directories.
    #[serde(default = "Quota::inodes")]
    pub inodes: Quota<256>,
    /// How long a delivered file stays, in minutes.
    #[serde(default = "a_day")]
    pub keep_delivered_minutes: u32,
}

/// A number of at least `LEAST`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "u64")]
pub struct Quota<const LEAST: u64>(u64);

/// Why a number is not a [`Quota`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{found} is too little for one run; write at least {least}")]
pub struct InvalidQuota {
    found: u64,
    least: u64,
}

impl<const LEAST: u64> Quota<LEAST> {
    /// The number.
    #[must_use]
    pub fn get(self) -> u64 {
        self.0
    }
}

impl<const LEAST: u64> TryFrom<u64> for Quota<LEAST> {
    type Error = InvalidQuota;

    fn try_from(found: u64) -> Result<Self, InvalidQuota> {
        if found < LEAST { Err(InvalidQuota { found, least: LEAST }) } else { Ok(Self(found)) }
    }
}

impl Quota<{ 64 * MIB }> {
    /// 20 GiB.
    fn bytes() -> Self {
        Self(20 * 1024 * MIB)
    }
}

impl Quota<256> {
    /// 200,000.
    fn inodes() -> Self {
        Self(200_000)
    }
}

fn a_day() -> u32 {
    24 * 60
}

impl Default for Spool {
    fn default() -> Self {
        let (bytes, inodes) = (Quota::bytes(), Quota::inodes());
        Self { bytes, inodes, keep_delivered_minutes: a_day() }
    }
}
