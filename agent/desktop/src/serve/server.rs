//! The conversation with karakurid.

use std::os::fd::AsFd;

use karakuri_protocol::desktop::Request;
use karakuri_sandbox::link::{Link, LinkError};
use thiserror::Error;

use super::dispatch::Dispatch;
use crate::x11::desktop::Desktop;
use crate::x11::error::X11Error;

/// Why the conversation ended other than by karakurid closing it.
#[derive(Debug, Error)]
pub enum ConversationError {
    /// karakurid sent what is no request, or cannot be answered.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// The display went away between two requests.
    #[error(transparent)]
    Display(#[from] X11Error),
}

/// Answers requests until karakurid closes the link. While none is there, programs that paste
/// from the clipboard are served.
///
/// # Errors
/// When the link breaks its rules or the display goes away.
pub fn serve(link: &Link, desktop: Desktop) -> Result<(), ConversationError> {
    let mut dispatch = Dispatch::new(desktop);
    loop {
        dispatch.desktop.serve_until_readable(link.as_fd())?;
        let Some((request, fds)) = link.recv::<Request>()? else { return Ok(()) };
        let answer = dispatch.answer(request, fds);
        let fds: Vec<_> = answer.fds.iter().map(AsFd::as_fd).collect();
        link.send(&answer.reply, &fds)?;
    }
}
