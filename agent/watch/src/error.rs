//! Why there is no window, or none any more.

use karakuri_sandbox::link::LinkError;
use karakuri_sandbox::memfd::MemfdError;
use karakuri_sandbox::restrict::RestrictError;
use x11rb::errors::{ConnectError, ConnectionError, ReplyError, ReplyOrIdError};

/// Why the window cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// No connection to the person's display.
    #[error(
        "no window can be opened on the display {display:?}: {source}; --watch needs an X display \
         (DISPLAY; Wayland desktops bring one): run it in a desktop session, or leave --watch out"
    )]
    Connect {
        /// `$DISPLAY`.
        display: String,
        /// Why.
        source: ConnectError,
    },
    /// The display is of a kind that is not drawn on.
    #[error("the display's pixels are not 32-bit BGRX; --watch needs a display of depth 24")]
    PixelFormat,
    /// What the words in the window are drawn with.
    #[error("{path}: {reason}; install fonts-dejavu-core")]
    Font {
        /// The file.
        path: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// The connection broke.
    #[error("the connection to the display broke: {0}")]
    Connection(#[from] ConnectionError),
    /// The display refused a request.
    #[error("the display refused a request: {0}")]
    Reply(#[from] ReplyError),
    /// The display refused to make something.
    #[error("the display could not make a window: {0}")]
    Resource(#[from] ReplyOrIdError),
    /// It was not started by `karakuri run --watch`.
    #[error(
        "fds 3 and 4 are not the links of a run ({0}); `karakuri run --watch` starts this program"
    )]
    NotInherited(std::io::Error),
    /// A link failed.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// A picture cannot be taken over.
    #[error("a picture of the run cannot be read: {0}")]
    Picture(#[from] MemfdError),
    /// A picture is not what it says.
    #[error("a picture of the run does not have the pixels that it names")]
    Size,
    /// The walls.
    #[error(transparent)]
    Restrict(#[from] RestrictError),
    /// The kernel refused.
    #[error("waiting for the display: {0}")]
    Wait(#[from] rustix::io::Errno),
}
