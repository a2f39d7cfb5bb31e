//! What was read before: a line whose pixels were read once costs nothing the second time.
//!
//! Bounded in lines. Keys are SHA-256 digests of the pixels, so that two different lines are never
//! taken for each other; texts live as long as the process or until they are pushed out.

use std::num::NonZeroUsize;

use karakuri_protocol::desktop::{Line, Script};
use lru::LruCache;
use sha2::{Digest as _, Sha256};

use super::asset::Digest;
use crate::frame::{Frame, pixels_of};

/// Lines kept: a few screens full.
const LINES: NonZeroUsize = NonZeroUsize::new(4096).expect("not zero");

/// What identifies a picture of a line.
pub(crate) type Key = (Script, u32, Digest);

/// Lines read before, with boxes relative to the line. Nothing was legible where the value is none.
#[derive(Debug)]
pub(crate) struct LineCache {
    lines: LruCache<Key, Option<Line>>,
}

impl LineCache {
    pub(crate) fn new() -> Self {
        Self { lines: LruCache::new(LINES) }
    }

    /// The key of a cut-out line.
    pub(crate) fn key(script: Script, line: &Frame) -> Key {
        let mut hasher = Sha256::new();
        let colours: Vec<u8> = pixels_of(line.pixels()).flatten().collect();
        hasher.update(&colours);
        (script, line.width(), hasher.finalize().into())
    }

    pub(crate) fn get(&mut self, key: &Key) -> Option<Option<Line>> {
        self.lines.get(key).cloned()
    }

    pub(crate) fn put(&mut self, key: Key, line: Option<Line>) {
        self.lines.put(key, line);
    }
}
