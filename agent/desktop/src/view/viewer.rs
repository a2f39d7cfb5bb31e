//! The live picture: what changed goes to the window as it is, one message at a time.
//!
//! Nothing is masked, as the window is that of the person whose run it is. A picture waits until the one
//! before is shown, so a slow window gets fewer pictures, and a still screen costs nothing.

use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use karakuri_protocol::geometry::{Point, Rect};
use karakuri_protocol::watch::{Picture, Shown};
use karakuri_sandbox::link::{Link, LinkError};
use karakuri_sandbox::memfd;
use rustix::io::Errno;

use crate::x11::error::X11Error;
use crate::x11::tap::{Grab, Scene, Tap, areas};

/// The shortest time between two pictures: thirty a second.
const INTERVAL: Duration = Duration::from_millis(33);
/// A picture is followed by a rest of so many times what it took: a quarter of a core.
const REST: u32 = 3;

/// Sends pictures to one window.
#[derive(Debug)]
pub(crate) struct Viewer {
    link: Link,
    /// Where something was drawn that was not sent yet.
    stale: Vec<Rect>,
    /// Where the window shows the pointer.
    pointer: Option<Point>,
    /// A picture was sent and is not shown yet.
    waits: bool,
    /// Not before then is another sent.
    next: Instant,
}

impl Viewer {
    /// Sends to karakuri-watch at the other end of `link`.
    pub(crate) fn new(link: Link) -> Self {
        Self { link, stale: Vec::new(), pointer: None, waits: false, next: Instant::now() }
    }

    fn has_news(&self, drawn: bool, pointer: Point) -> bool {
        drawn || !self.stale.is_empty() || self.pointer != Some(pointer)
    }

    /// Takes note that a picture was shown; false when the window is gone, or says anything else.
    fn hear(&mut self) -> bool {
        match self.link.try_recv::<Shown>() {
            Ok(Some(_)) if self.waits => self.waits = false,
            Err(LinkError::Io(Errno::AGAIN)) => {}
            _ => return false,
        }
        true
    }

    /// Sends what is stale; false when the window is gone.
    fn send(&mut self, scene: &Scene<'_>, grab: Grab<'_>) -> Result<bool, X11Error> {
        let stale = std::mem::take(&mut self.stale);
        let on_screen = |part: &Rect| scene.screen.intersection(part);
        let parts: Vec<Rect> = areas(&stale).iter().filter_map(on_screen).collect();
        let mut pixels = Vec::new();
        for part in &parts {
            pixels.extend_from_slice(grab(*part)?.pixels());
        }
        let picture = Picture { screen: scene.screen, parts, pointer: scene.pointer };
        let sent = memfd::sealed("karakuri-view", &pixels)
            .map_err(LinkError::from)
            .and_then(|memory| self.link.send(&picture, &[memory.as_fd()]));
        (self.waits, self.pointer) = (true, Some(scene.pointer));
        if let Err(error) = &sent {
            tracing::debug!(%error, "nobody watches any more");
        }
        Ok(sent.is_ok())
    }
}

impl Tap for Viewer {
    fn due(&self, drawn: bool, pointer: Point) -> Option<Instant> {
        (!self.waits && self.has_news(drawn, pointer)).then_some(self.next)
    }

    fn fd(&self) -> std::io::Result<OwnedFd> {
        self.link.as_fd().try_clone_to_owned()
    }

    fn show(&mut self, scene: &Scene<'_>, grab: Grab<'_>) -> Result<bool, X11Error> {
        self.stale.extend(scene.drawn);
        let begin = Instant::now();
        if !self.hear() {
            return Ok(false);
        }
        if self.waits || begin < self.next || !self.has_news(false, scene.pointer) {
            return Ok(true);
        }
        let goes_on = self.send(scene, grab)?;
        let now = Instant::now();
        self.next = now + INTERVAL.max((now - begin) * REST);
        Ok(goes_on)
    }
}
