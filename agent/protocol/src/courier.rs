//! karakurid → karakuri-courier. The sealed file travels as a read-only fd with the message.

use serde::{Deserialize, Serialize};

/// Carry one sealed file to the store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deliver {
    /// Key in the store, for example `runs/2026-11-21/<run>/<artifact>.esdk`.
    pub key: String,
    /// Length in bytes.
    pub length: u64,
    /// SHA-256 of the file, lower-case hex.
    pub sha256: String,
}

/// What became of a [`Deliver`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Delivered {
    /// It is in the store under its key, synced, with the length and hash that were asked for.
    Stored,
    /// It is not.
    Failed {
        /// What happened and what to do.
        message: String,
    },
}
