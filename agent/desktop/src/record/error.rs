//! Why there is no further recording.

use karakuri_protocol::apng::ApngError;
use karakuri_sandbox::link::LinkError;
use karakuri_sandbox::memfd::MemfdError;
use thiserror::Error;

/// Why a segment could not be made or handed over.
#[derive(Debug, Error)]
pub(super) enum RecordError {
    /// A picture could not be coded.
    #[error("a picture could not be compressed: {0}")]
    Codec(#[from] image::ImageError),
    /// It was coded in another way than segments hold.
    #[error("a picture was compressed wrongly: {0}")]
    Format(#[from] ApngError),
    /// No memory for the segment.
    #[error(transparent)]
    Memfd(#[from] MemfdError),
    /// karakurid does not take it.
    #[error("karakurid takes no segment: {0}")]
    Link(#[from] LinkError),
}
