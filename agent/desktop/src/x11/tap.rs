//! Someone who is shown what is drawn while others wait or act: the recorder, and who watches.
//!
//! A tap has a damage object of its own, so that what it takes is not missed by an act that waits for
//! its effect. It says itself when it wants to see: damage that it does not fetch makes the server
//! report nothing further, so a busy screen wakes nobody oftener than the tap asks for.

use std::cell::RefCell;
use std::fmt::Debug;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::rc::Rc;
use std::time::Instant;

use karakuri_protocol::geometry::{Point, Rect};
use rustix::io::Errno;
use x11rb::protocol::damage;

use super::capture::Capture;
use super::damage::Damage;
use super::display::Display;
use super::error::X11Error;
use crate::frame::Frame;

/// Takes the pixels of a rectangle of the screen.
pub type Grab<'a> = &'a mut dyn FnMut(Rect) -> Result<Frame, X11Error>;

/// What a tap is told of the screen.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    /// `[0, 0, width, height]`.
    pub screen: Rect,
    /// Where something was drawn since the tap was last told.
    pub drawn: &'a [Rect],
    /// Where the pointer was last put.
    pub pointer: Point,
}

/// Sees what is drawn.
pub trait Tap: Debug {
    /// When it wants to be shown the screen; `drawn` tells whether anything was drawn since it was,
    /// `pointer` where the pointer was last put.
    fn due(&self, drawn: bool, pointer: Point) -> Option<Instant>;

    /// What makes it due at once when it is readable.
    ///
    /// # Errors
    /// When there are too many fds.
    fn fd(&self) -> std::io::Result<OwnedFd>;

    /// The screen, and where something was drawn on it since the last call. False when it has seen
    /// enough and is to be let go.
    ///
    /// # Errors
    /// When a capture fails.
    fn show(&mut self, scene: &Scene<'_>, grab: Grab<'_>) -> Result<bool, X11Error>;
}

/// More rectangles than this are looked at as one.
const MOST_AREAS: usize = 8;

/// Where to look: the rectangles, or one around them when there are many.
pub(crate) fn areas(drawn: &[Rect]) -> Vec<Rect> {
    if drawn.len() <= MOST_AREAS {
        return drawn.to_vec();
    }
    drawn.iter().copied().reduce(|all, one| all.union(&one)).into_iter().collect()
}

/// A tap and what was drawn that it has not been shown.
#[derive(Debug)]
pub(super) struct Tapped {
    tap: Rc<RefCell<dyn Tap>>,
    damage: Damage,
    fd: OwnedFd,
}

impl Tapped {
    pub(super) fn new(display: &Rc<Display>, tap: Rc<RefCell<dyn Tap>>) -> Result<Self, X11Error> {
        let fd = tap.borrow().fd().map_err(|error| {
            let errno = Errno::from_io_error(&error).unwrap_or(Errno::MFILE);
            X11Error::Kernel("watch for the end of the recording", errno)
        })?;
        Ok(Self { tap, damage: Damage::watch(display)?, fd })
    }

    pub(super) fn notified(&mut self, of: damage::Damage) {
        self.damage.notified(of);
    }

    pub(super) fn expect_all(&mut self) {
        self.damage.expect_all();
    }

    pub(super) fn due(&self, pointer: Point) -> Option<Instant> {
        self.tap.borrow().due(self.damage.is_pending(), pointer)
    }

    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    /// Shows the tap what it waits for; false when it wants no more.
    pub(super) fn show(
        &mut self,
        screen: Rect,
        pointer: Point,
        capture: &mut dyn Capture,
    ) -> Result<bool, X11Error> {
        let drawn = self.damage.take()?;
        let scene = Scene { screen, drawn: &drawn, pointer };
        self.tap.borrow_mut().show(&scene, &mut |rect| capture.grab(rect))
    }
}
