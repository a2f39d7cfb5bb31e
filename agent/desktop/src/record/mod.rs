//! The recording of a run: what changed on the screen, and of it only what was read in the clear.
//!
//! [`canvas`] holds what the screen shows and what the recording shows of it, [`segment`] is the file
//! that is being filled, [`recorder`] decides when. The only way from the screen into a segment is
//! through the canvas.

mod canvas;
mod error;
pub(crate) mod recorder;
mod segment;
