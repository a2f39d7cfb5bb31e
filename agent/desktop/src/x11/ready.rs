//! Whether a window takes keys now, and whether it has taken those that were sent.
//!
//! A ping (EWMH, _NET_WM_PING) stays in line with the keys: the program sends it back when it comes
//! to it. A program that says it answers them and does not is treated as one that does not say so.

use std::time::{Duration, Instant};

use x11rb::protocol::xproto::Window;

use super::desktop::Desktop;
use super::error::X11Error;
use super::focus;
use super::windows;

/// How long a window may take to answer its first ping; what has not by then only says it would.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a window that is known to answer may be busy: it has a long text to lay out.
const BUSY: Duration = Duration::from_secs(60);
/// How long a window may take to get the focus the window manager promised.
const FOCUS_WAIT: Duration = Duration::from_secs(1);
/// How long a window that answers no pings must be left alone after it got the focus.
const QUIET: Duration = Duration::from_millis(60);

/// What is known about the windows that were typed into.
#[derive(Debug, Default)]
pub(super) struct Typed {
    /// The window known to be ready for keys.
    ready: Option<Window>,
    /// Windows that may still have keys of ours in their queues.
    behind: Vec<Window>,
    /// Windows that have answered a ping.
    answering: Vec<Window>,
    /// Windows that say they answer pings and have not.
    mute: Vec<Window>,
    /// Number of the last ping.
    ping: u32,
}

impl Typed {
    /// The active window changed.
    pub(super) fn focus_moved(&mut self) {
        self.ready = None;
    }

    /// A ping came back from a window.
    pub(super) fn answered(&mut self, window: Window) {
        self.mute.retain(|mute| *mute != window);
        if !self.answering.contains(&window) {
            self.answering.push(window);
        }
    }
}

impl Desktop {
    /// The window that has the keyboard, once it is ready for keys.
    pub(super) fn ready_window(&mut self) -> Result<Window, X11Error> {
        let deadline = Instant::now() + FOCUS_WAIT;
        loop {
            self.drain()?;
            match focus::active(&self.display)? {
                Some(window) if focus::has_input(&self.display, window)? => {
                    if self.typed.ready != Some(window) {
                        self.settle(window)?;
                        continue;
                    }
                    return Ok(window);
                }
                _ if self.pump(deadline)? => {}
                _ => {
                    return Err(X11Error::Request(
                        "no window has the keyboard: click into one or focus it first".into(),
                    ));
                }
            }
        }
    }

    /// Lets a window take notice of its focus and of the keyboard map.
    fn settle(&mut self, window: Window) -> Result<(), X11Error> {
        self.typed.ready = Some(window);
        if self.ping_through(window)? {
            return Ok(());
        }
        let mut until = Instant::now() + QUIET;
        let end = Instant::now() + FOCUS_WAIT;
        while self.pump(until.min(end))? {
            if std::mem::take(&mut self.signs.windows) {
                until = Instant::now() + QUIET;
            }
            if Instant::now() >= until.min(end) {
                break;
            }
        }
        Ok(())
    }

    /// Notes that keys are on their way to a window.
    pub(super) fn fell_behind(&mut self, window: Window) {
        if !self.typed.behind.contains(&window) {
            self.typed.behind.push(window);
        }
    }

    /// Waits until every window that was typed into has handled its keys; false when one of them
    /// cannot tell.
    pub(super) fn caught_up(&mut self) -> Result<bool, X11Error> {
        while let Some(window) = self.typed.behind.last().copied() {
            if !self.ping_through(window)? && self.has_window(window)? {
                return Ok(false);
            }
            self.typed.behind.pop();
        }
        Ok(true)
    }

    /// Waits until a window has handled what was sent to it; false when it cannot tell.
    pub(super) fn ping_through(&mut self, window: Window) -> Result<bool, X11Error> {
        let Some(serial) = self.ping(window)? else { return Ok(false) };
        let answering = self.typed.answering.contains(&window);
        let patience = if answering { BUSY } else { PATIENCE };
        let deadline = Instant::now() + patience;
        while !self.ponged(serial) {
            if self.pump(deadline)? {
                continue;
            }
            if answering && self.has_window(window)? {
                let seconds = patience.as_secs();
                return Err(X11Error::Request(format!(
                    "window {window:#x} has not answered for {seconds} s: it is busy or hangs"
                )));
            }
            self.no_answer(window);
            return Ok(false);
        }
        Ok(true)
    }

    /// Notes that a window has not answered in time: it is not asked again until it has.
    pub fn no_answer(&mut self, window: Window) {
        if !self.typed.answering.contains(&window) {
            tracing::info!(window, "the window does not answer pings, though it says so");
            self.typed.mute.push(window);
        }
    }

    /// Sends a ping to a window that answers them; its number.
    ///
    /// # Errors
    /// When the connection broke.
    pub fn ping(&mut self, window: Window) -> Result<Option<u32>, X11Error> {
        if self.typed.mute.contains(&window) || !windows::answers_pings(&self.display, window)? {
            return Ok(None);
        }
        self.typed.ping = self.typed.ping.wrapping_add(1);
        self.signs.pongs.clear();
        windows::ping(&self.display, window, self.typed.ping)?;
        Ok(Some(self.typed.ping))
    }

    /// Whether a ping came back.
    #[must_use]
    pub fn ponged(&self, serial: u32) -> bool {
        self.signs.pongs.contains(&serial)
    }
}
