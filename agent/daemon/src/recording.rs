//! karakuri-desktop's recording, as karakurid takes it: complete segments, one after the other, over a
//! link of its own.

use karakuri_link::AsyncLink;
use karakuri_protocol::recording::{Finish, Recorded};
use karakuri_sandbox::link::{Link, LinkError};
use karakuri_sandbox::memfd::{self, MemfdError};

use crate::end::End;

/// The largest segment that is accepted, in bytes: a picture of the largest screen.
const MAX_SEGMENT: usize = 64 * 1024 * 1024;

/// Why a segment could not be taken over.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// The link failed.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// No segment came with the message.
    #[error("a segment was announced and did not come")]
    Absent,
    /// The segment could not be read.
    #[error(transparent)]
    Memory(#[from] MemfdError),
}

/// The link.
#[derive(Debug)]
pub struct Recording(AsyncLink);

impl Recording {
    /// Both ends: ours, and the one for karakuri-desktop.
    ///
    /// # Errors
    /// When the kernel has no more sockets.
    pub fn pair() -> Result<(Self, Link), End> {
        let making = "making a socket pair";
        let (ours, theirs) = Link::pair().map_err(|e| End::internal(making, e))?;
        let ours = AsyncLink::new(ours).map_err(|e| End::internal(making, e))?;
        Ok((Self(ours), theirs))
    }

    /// The next segment; none when there will be no more. Dropping the future loses nothing.
    ///
    /// # Errors
    /// See [`RecordingError`].
    pub async fn segment(&self) -> Result<Option<Vec<u8>>, RecordingError> {
        let Some((Recorded {}, mut fds)) = self.0.recv::<Recorded>().await? else {
            return Ok(None);
        };
        let file = fds.pop().ok_or(RecordingError::Absent)?;
        Ok(Some(memfd::read_sealed(file, MAX_SEGMENT)?))
    }

    /// Asks for the last segment. Where karakuri-desktop is gone there is none.
    pub fn finish(&self) {
        if let Err(e) = self.0.try_send(&Finish {}) {
            tracing::debug!("no last segment of the recording: {e}");
        }
    }
}
