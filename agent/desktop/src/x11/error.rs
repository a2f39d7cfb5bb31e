//! What can go wrong between this process and the X server.

use thiserror::Error;
use x11rb::errors::{ConnectError, ConnectionError, ReplyError, ReplyOrIdError};

use crate::frame::FrameError;

/// Why the display could not be read or acted on.
#[derive(Debug, Error)]
pub enum X11Error {
    /// No connection was made.
    #[error("cannot connect to the X server: {0}; check DISPLAY and XAUTHORITY")]
    Connect(#[from] ConnectError),
    /// The connection broke.
    #[error("the connection to the X server broke: {0}")]
    Connection(#[from] ConnectionError),
    /// The server refused a request.
    #[error("the X server refused a request: {0}")]
    Reply(#[from] ReplyError),
    /// The server refused a request that makes a resource.
    #[error("the X server could not make a resource: {0}")]
    Resource(#[from] ReplyOrIdError),
    /// The server lacks an extension without which nothing works.
    #[error("the X server has no {0} extension: start it with the extension enabled")]
    Extension(&'static str),
    /// The server's pictures are not 32-bit BGRX.
    #[error("the X server's pixels are not 32-bit BGRX: start it with depth 24")]
    PixelFormat,
    /// The kernel refused.
    #[error("the kernel refused to {0}: {1}")]
    Kernel(&'static str, rustix::io::Errno),
    /// The captured bytes are no frame.
    #[error("the captured picture is not usable: {0}")]
    Frame(#[from] FrameError),
    /// The fallback capture failed.
    #[error("the xcap capture failed: {0}")]
    Fallback(String),
    /// The pointer could not be driven.
    #[error("the pointer could not be driven: {0}")]
    Pointer(String),
    /// The keyboard map lacks what typing needs.
    #[error("the keyboard map has no {0}: start the X server with the default evdev map")]
    Keymap(&'static str),
    /// The request makes no sense on this display.
    #[error("{0}")]
    Request(String),
}

impl X11Error {
    /// Whether the caller asked for something impossible, as opposed to the display failing.
    #[must_use]
    pub fn is_request(&self) -> bool {
        matches!(self, Self::Request(_))
    }
}
