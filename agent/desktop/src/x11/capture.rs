//! Capture: pictures of the root window. Two backends behind one trait.
//!
//! `shm` shares memory with the server and can take the places alone that changed; xcap asks for the pixels over the socket on a connection of its own and works without MIT-SHM.

use std::fmt::Debug;
use std::rc::Rc;

use karakuri_protocol::geometry::Rect;

use super::display::Display;
use super::error::X11Error;
use super::shm::Shm;
use crate::frame::Frame;

/// A way to get the pixels of the screen.
pub trait Capture: Debug {
    /// The pixels of `region`, which lies within the screen.
    ///
    /// # Errors
    /// When the region does not lie within the screen or the server refuses.
    fn grab(&mut self, region: Rect) -> Result<Frame, X11Error> {
        let mut frame = Frame::black(region.width, region.height)?;
        self.grab_into(&mut frame, region)?;
        Ok(frame)
    }

    /// The same into `frame`, which has the size of `region`.
    ///
    /// # Errors
    /// As [`Capture::grab`]; then `frame` may show anything.
    fn grab_into(&mut self, frame: &mut Frame, region: Rect) -> Result<(), X11Error>;

    /// Brings `places` of `frame`, a picture of the whole screen, up to date. Not of one moment: when
    /// something is drawn meanwhile, a part may show the screen before and another the screen after.
    /// False, and nothing done, where only all of it can be taken.
    ///
    /// # Errors
    /// As [`Capture::grab`]; then `frame` may show anything in `places`.
    fn patch(&mut self, frame: &mut Frame, places: &[Rect]) -> Result<bool, X11Error>;

    /// How it is called in replies and logs: `shm` or `xcap`.
    fn name(&self) -> &'static str;
}

/// Which backend to use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Backend {
    /// Shared memory where the server has it, else xcap.
    #[default]
    Best,
    /// Shared memory or nothing.
    Shm,
    /// xcap.
    Xcap,
}

impl Backend {
    /// The backend called `name`.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "best" => Some(Self::Best),
            "shm" => Some(Self::Shm),
            "xcap" => Some(Self::Xcap),
            _ => None,
        }
    }
}

/// Opens a backend.
pub(super) fn open(display: &Rc<Display>, backend: Backend) -> Result<Box<dyn Capture>, X11Error> {
    match backend {
        Backend::Shm => Ok(Box::new(Shm::open(display)?)),
        Backend::Xcap => open_fallback(display),
        Backend::Best => match Shm::open(display) {
            Ok(shm) => Ok(Box::new(shm)),
            Err(reason) => {
                tracing::warn!(%reason, "no shared memory with the X server, capturing by xcap");
                open_fallback(display)
            }
        },
    }
}

#[cfg(feature = "xcap")]
fn open_fallback(display: &Rc<Display>) -> Result<Box<dyn Capture>, X11Error> {
    Ok(Box::new(super::fallback::Xcap::open(display.screen())?))
}

#[cfg(not(feature = "xcap"))]
fn open_fallback(_display: &Rc<Display>) -> Result<Box<dyn Capture>, X11Error> {
    Err(X11Error::Fallback(
        "this build has no xcap: build with the feature, or enable MIT-SHM".into(),
    ))
}

/// `region` if it is not empty and lies within `screen`.
pub(super) fn within(screen: Rect, region: Rect) -> Result<Rect, X11Error> {
    if screen.intersection(&region) == Some(region) {
        return Ok(region);
    }
    let Rect { left, top, width, height } = region;
    Err(X11Error::Request(format!(
        "the region [{left}, {top}, {width}, {height}] is not within the screen of {}x{} pixels",
        screen.width, screen.height
    )))
}
