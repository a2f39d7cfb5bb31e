//! The windows of applications, as the parts of [`Desktop`] that list, focus, close and await them.

use std::time::{Duration, Instant};

use karakuri_protocol::desktop::Window as Listed;
use karakuri_protocol::geometry::{Point, Rect};
use x11rb::protocol::xproto::{ChangeWindowAttributesAux, ConnectionExt as _, EventMask, Window};

use super::desktop::Desktop;
use super::error::X11Error;
use super::focus;
use super::windows;

/// How long a new window may be without a title before it counts as one that has none.
const TITLE_WAIT: Duration = Duration::from_millis(500);

/// How long a window manager may take to activate a window.
const ACTIVATION_WAIT: Duration = Duration::from_millis(500);

/// The window that has the keyboard.
#[derive(Clone, Copy, Debug)]
pub struct Focused {
    /// X window id.
    pub id: Window,
    /// Its own area.
    pub content: Rect,
    /// With frame and title bar.
    pub framed: Rect,
}

impl Desktop {
    /// All windows of applications, bottom to top.
    ///
    /// # Errors
    /// When the server refuses.
    pub fn windows(&self) -> Result<Vec<Listed>, X11Error> {
        windows::list(&self.display)
    }

    /// Whether `window` is in the list.
    ///
    /// # Errors
    /// When the server refuses.
    pub fn has_window(&self, window: Window) -> Result<bool, X11Error> {
        Ok(windows::ids(&self.display)?.contains(&window))
    }

    /// The window that has the keyboard.
    ///
    /// # Errors
    /// When the server refuses.
    pub fn focused(&self) -> Result<Option<Focused>, X11Error> {
        let Some(id) = focus::active(&self.display)? else { return Ok(None) };
        let Some(content) = windows::rect_of(&self.display, id)? else { return Ok(None) };
        Ok(Some(Focused { id, content, framed: windows::framed(&self.display, id, content)? }))
    }

    /// Whether `window` is the one that has the keyboard.
    ///
    /// # Errors
    /// When the server refuses.
    pub fn has_focus(&self, window: Window) -> Result<bool, X11Error> {
        Ok(focus::active(&self.display)? == Some(window))
    }

    /// The area of the topmost surface at a point, frame included; none on the bare screen.
    ///
    /// # Errors
    /// When the server refuses.
    pub fn surface_at(&self, at: Point) -> Result<Option<Rect>, X11Error> {
        match windows::surface_at(&self.display, at)? {
            Some(surface) => windows::rect_of(&self.display, surface),
            None => Ok(None),
        }
    }

    /// The window, menu or tooltip on top at a point; none on the bare screen.
    ///
    /// # Errors
    /// When the server refuses.
    pub fn top_at(&self, at: Point) -> Result<Option<Window>, X11Error> {
        match windows::surface_at(&self.display, at)? {
            Some(surface) => focus::client_in(&self.display, surface).map(Some),
            None => Ok(None),
        }
    }

    /// Gives the keyboard to a window before a button is pressed in it: some programs
    /// take the press that activates them for nothing else. Where there is no window manager, a
    /// menu is open, or the window declines, nothing is done.
    ///
    /// # Errors
    /// When the server refuses.
    pub fn activate(&mut self, window: Window) -> Result<(), X11Error> {
        let display = &self.display;
        if focus::active(display)? == Some(window)
            || !focus::is_managed(display)?
            || !windows::ids(display)?.contains(&window)
            || !windows::wants_keyboard(display, window)?
            || windows::popup_is_open(display)?
        {
            return Ok(());
        }
        windows::request_focus(display, window)?;
        self.await_focus(window, Instant::now() + ACTIVATION_WAIT).map(|_| ())
    }

    /// Waits until a window has the keyboard; false when it has not got it in time.
    ///
    /// # Errors
    /// When the connection broke.
    pub fn await_focus(&mut self, window: Window, deadline: Instant) -> Result<bool, X11Error> {
        while !self.has_focus(window)? {
            if !self.pump(deadline)? {
                return self.has_focus(window);
            }
        }
        Ok(true)
    }

    /// Gives the topmost window the keyboard where there is no window manager that would.
    ///
    /// # Errors
    /// When the server refuses.
    pub fn focus_unmanaged(&mut self) -> Result<(), X11Error> {
        if focus::is_managed(&self.display)? {
            return Ok(());
        }
        match windows::ids(&self.display)?.last() {
            Some(top) => windows::take_focus(&self.display, *top),
            None => Ok(()),
        }
    }

    /// Gives a window the keyboard without asking the window manager.
    ///
    /// # Errors
    /// When the server refuses.
    pub fn take_focus(&mut self, window: Window) -> Result<(), X11Error> {
        windows::take_focus(&self.display, window)
    }

    /// Asks the window manager to give a window the keyboard.
    ///
    /// # Errors
    /// [`X11Error::Request`] when there is no such window.
    pub fn request_focus(&mut self, window: Window) -> Result<(), X11Error> {
        windows::request_focus(&self.display, window)
    }

    /// Asks the window manager to close a window.
    ///
    /// # Errors
    /// [`X11Error::Request`] when there is no such window.
    pub fn request_close(&mut self, window: Window) -> Result<(), X11Error> {
        windows::request_close(&self.display, window)
    }

    /// Waits for a window that is not among `known`, is mapped, and has a title or had the time to
    /// get one.
    ///
    /// # Errors
    /// When the connection broke.
    pub fn wait_window(
        &mut self,
        known: &[Window],
        deadline: Instant,
    ) -> Result<Option<Listed>, X11Error> {
        let mut untitled_since: Option<(Window, Instant)> = None;
        loop {
            self.drain()?;
            let now = Instant::now();
            let mut wake = deadline;
            if let Some(found) = self.first_new(known)? {
                let since = match untitled_since {
                    Some((id, since)) if id == found.id => since,
                    _ => now,
                };
                untitled_since = Some((found.id, since));
                if !found.title.is_empty() || now >= since + TITLE_WAIT {
                    return Ok(Some(found));
                }
                wake = deadline.min(since + TITLE_WAIT);
            }
            if now >= deadline {
                return Ok(None);
            }
            self.pump(wake)?;
        }
    }

    fn first_new(&self, known: &[Window]) -> Result<Option<Listed>, X11Error> {
        let active = focus::active(&self.display)?;
        for id in windows::ids(&self.display)? {
            if known.contains(&id) || !windows::is_viewable(&self.display, id)? {
                continue;
            }
            let aux = ChangeWindowAttributesAux::new().event_mask(EventMask::PROPERTY_CHANGE);
            self.display.connection.change_window_attributes(id, &aux)?;
            if let Some(window) = windows::describe(&self.display, id, active)? {
                return Ok(Some(window));
            }
        }
        Ok(None)
    }
}
