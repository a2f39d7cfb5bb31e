//! Personal data, before pixels leave this process: where it stands on the screen, and what covers it.
//!
//! `finds` asks the detectors about the lines that were read, `place` says which pixels a part of a line
//! takes, `picture` covers them and keeps what was there. Called by `serve`; the recording covers the same
//! boxes on its canvas.

mod finds;
mod picture;
mod place;

pub(crate) use finds::{Find, Finds};
pub(crate) use picture::Masked;

/// The colour of a mask: blue, green, red.
pub(crate) const COLOUR: [u8; 3] = [0x60, 0x48, 0x48];
