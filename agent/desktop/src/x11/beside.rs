//! Someone who acts beside the conversation with karakurid: the person who has taken over.

use std::fmt::Debug;
use std::os::fd::BorrowedFd;

use super::desktop::Desktop;
use super::error::X11Error;

/// Acts whenever its fd is readable, whatever is waited for. Two never act at once: while one of its acts
/// is carried out, its fd is not looked at.
pub trait Beside: Debug {
    /// What makes it act when it is readable.
    fn fd(&self) -> BorrowedFd<'_>;

    /// Acts; false when there is nothing more to come.
    ///
    /// # Errors
    /// When the display fails. An act that cannot be carried out is none.
    fn act(&mut self, desktop: &mut Desktop) -> Result<bool, X11Error>;
}
