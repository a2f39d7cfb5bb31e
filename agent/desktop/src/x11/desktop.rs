//! The display as one thing: the connection, its events, and the parts they are for.
//!
//! Single-threaded. Whoever waits, waits in [`Desktop::pump`], so that programs which paste from us
//! are answered whatever else is going on.

use std::cell::RefCell;
use std::os::fd::{AsFd, BorrowedFd};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use karakuri_protocol::geometry::Rect;
use rustix::event::Timespec;
use x11rb::protocol::Event;
use x11rb::protocol::xproto::{
    AtomEnum, ClientMessageEvent, PropMode, PropertyNotifyEvent, Window,
};
use x11rb::wrapper::ConnectionExt as _;

use super::beside::Beside;
use super::capture::{self, Backend, Capture};
use super::clipboard::Clipboard;
use super::damage::Damage;
use super::display::{Display, wait_readable};
use super::error::X11Error;
use super::keyboard::Keyboard;
use super::pictures::Pictures;
use super::pointer::Pointer;
use super::selection::Fetch;
use super::tap::{Tap, Tapped, areas};
use super::windows;
use crate::frame::Frame;

/// So often is tried to bring only what was drawn up to date, before all of the screen is taken at once.
const PATCHES: usize = 2;

/// What was told by events since it was last asked.
#[derive(Clone, Debug, Default)]
pub struct Signs {
    /// A surface other than a tooltip or notification appeared or went away.
    pub surfaces: bool,
    /// The list of windows, the active window or a title changed.
    pub windows: bool,
    /// The windows to which a text of ours was handed.
    pub(super) pasted: Vec<Window>,
    /// Serial numbers of pings that came back.
    pub(super) pongs: Vec<u32>,
}

/// The run's display.
#[derive(Debug)]
pub struct Desktop {
    pub(super) display: Rc<Display>,
    pub(super) keyboard: Keyboard,
    pub(super) pointer: Pointer,
    pub(super) clipboard: Clipboard,
    pub(super) signs: Signs,
    pub(super) typed: super::ready::Typed,
    backend: Backend,
    capture: Box<dyn Capture>,
    damage: Damage,
    pub(super) fetch: Option<Fetch>,
    pictures: Pictures,
    tapped: Vec<Tapped>,
    beside: Option<Box<dyn Beside>>,
}

impl Desktop {
    /// Connects to `$DISPLAY`.
    ///
    /// # Errors
    /// When there is no server, it lacks an extension, or no capture works.
    pub fn open(backend: Backend) -> Result<Self, X11Error> {
        let display = Rc::new(Display::open()?);
        let keyboard = Keyboard::open(&display)?;
        Ok(Self {
            backend,
            capture: capture::open(&display, backend)?,
            damage: Damage::watch(&display)?,
            pointer: open_pointer(&display, &keyboard)?,
            keyboard,
            clipboard: Clipboard::new(&display),
            signs: Signs::default(),
            typed: super::ready::Typed::default(),
            fetch: None,
            pictures: Pictures::default(),
            tapped: Vec::new(),
            beside: None,
            display,
        })
    }

    /// Tells programs on the display on which bus they can say what they show. Some look here alone.
    ///
    /// # Errors
    /// When the connection broke.
    pub fn announce_bus(&self, address: &str) -> Result<(), X11Error> {
        let Display { connection, atoms, root, .. } = &*self.display;
        let (mode, kind) = (PropMode::REPLACE, AtomEnum::STRING);
        connection
            .change_property8(mode, *root, atoms.AT_SPI_BUS, kind, address.as_bytes())?
            .check()?;
        Ok(())
    }

    /// `[0, 0, width, height]` of the screen.
    #[must_use]
    pub fn screen(&self) -> Rect {
        self.display.screen()
    }

    /// How frames are captured: `shm` or `xcap`.
    #[must_use]
    pub fn capture_name(&self) -> &'static str {
        self.capture.name()
    }

    /// Waits until the server told something or `deadline` comes, and handles all that is there.
    /// False when nothing came.
    ///
    /// # Errors
    /// When the connection broke.
    pub fn pump(&mut self, deadline: Instant) -> Result<bool, X11Error> {
        loop {
            let wake = self.next_look().map_or(deadline, |due| due.min(deadline));
            let first = self.display.next_event(wake, &self.others())?;
            let mut told = first.is_some();
            if let Some(first) = first {
                self.route(&first)?;
                self.drain()?;
            }
            told |= self.serve_others()?;
            if told || Instant::now() >= deadline {
                return Ok(told);
            }
        }
    }

    /// Lets `tap` see all that is drawn from now on, whatever else is waited for.
    ///
    /// # Errors
    /// When the server refuses to tell what is drawn.
    pub fn attach(&mut self, tap: Rc<RefCell<dyn Tap>>) -> Result<(), X11Error> {
        self.tapped.push(Tapped::new(&self.display, tap)?);
        Ok(())
    }

    /// Lets `beside` act from now on, whatever else is waited for.
    pub fn let_act(&mut self, beside: Box<dyn Beside>) {
        self.beside = Some(beside);
    }

    /// When the first tap wants to be shown the screen.
    fn next_look(&self) -> Option<Instant> {
        let pointer = self.pointer.put();
        self.tapped.iter().filter_map(|tapped| tapped.due(pointer)).min()
    }

    /// What wakes us beside the server: the taps' fds, then that of who acts.
    fn others(&self) -> Vec<BorrowedFd<'_>> {
        let beside = self.beside.iter().map(|beside| beside.fd());
        self.tapped.iter().map(Tapped::fd).chain(beside).collect()
    }

    /// Shows the taps what they wait for when it is time or their fds call, and lets who acts beside act;
    /// whether that was done, and with it events may have been handled.
    fn serve_others(&mut self) -> Result<bool, X11Error> {
        if self.tapped.is_empty() && self.beside.is_none() {
            return Ok(false);
        }
        let ready = wait_readable(&self.others(), Some(&Timespec::default()))?;
        let called = ready.get(self.tapped.len()) == Some(&true);
        self.show_taps(ready)?;
        match self.beside.take_if(|_| called) {
            Some(mut beside) => {
                let goes_on = beside.act(self)?;
                self.beside = goes_on.then_some(beside);
                Ok(true)
            }
            None => Ok(false),
        }
    }

    fn show_taps(&mut self, called: Vec<bool>) -> Result<(), X11Error> {
        let (screen, pointer) = (self.display.screen(), self.pointer.put());
        let (capture, mut called) = (&mut *self.capture, called.into_iter());
        let mut shown = Ok(());
        self.tapped.retain_mut(|tapped| {
            let due = tapped.due(pointer).is_some_and(|due| due <= Instant::now());
            if called.next() != Some(true) && !due {
                return true;
            }
            tapped.show(screen, pointer, capture).unwrap_or_else(|error| {
                shown = Err(error);
                true
            })
        });
        let Err(error) = shown else { return Ok(()) };
        self.catch_up()?;
        // Of another size, the screen is shown when it is due again.
        if self.display.screen() == screen { Err(error) } else { Ok(()) }
    }

    /// Handles what is already there, without waiting.
    ///
    /// # Errors
    /// When the connection broke.
    pub fn drain(&mut self) -> Result<(), X11Error> {
        let now = Instant::now();
        while let Some(event) = self.display.next_event(now, &[])? {
            self.route(&event)?;
        }
        Ok(())
    }

    /// Handles all that the server knows by now: another size of the screen is known to whatever is
    /// asked after it was made.
    ///
    /// # Errors
    /// When the connection broke.
    pub fn catch_up(&mut self) -> Result<(), X11Error> {
        self.display.sync()?;
        self.drain()
    }

    /// Waits until `other` or the X connection is readable, handling the events of the latter;
    /// returns when `other` is.
    ///
    /// # Errors
    /// When the connection broke.
    pub fn serve_until_readable(&mut self, other: BorrowedFd<'_>) -> Result<(), X11Error> {
        loop {
            // Afterwards, as what asks the server may also read events off the socket.
            self.serve_others()?;
            self.drain()?;
            let display = Rc::clone(&self.display);
            let left = self.next_look().map(|due| {
                let left = due.saturating_duration_since(Instant::now());
                Timespec::try_from(left).unwrap_or_default()
            });
            let fds: Vec<_> = [other, display.as_fd()].into_iter().chain(self.others()).collect();
            if wait_readable(&fds, left.as_ref())?.first() == Some(&true) {
                return Ok(());
            }
        }
    }

    /// What events told since the last call. What is still waited for stays.
    pub fn take_signs(&mut self) -> Signs {
        let pongs = std::mem::take(&mut self.signs.pongs);
        let pasted = std::mem::take(&mut self.signs.pasted);
        std::mem::replace(&mut self.signs, Signs { pongs, pasted, ..Signs::default() })
    }

    fn route(&mut self, event: &Event) -> Result<(), X11Error> {
        if let Some(fetch) = &mut self.fetch {
            fetch.handle(&self.display, event)?;
        }
        self.signs.pasted.extend(self.clipboard.handle(event)?);
        match event {
            Event::DamageNotify(told) => {
                self.damage.notified(told.damage);
                self.tapped.iter_mut().for_each(|tapped| tapped.notified(told.damage));
            }
            Event::PropertyNotify(change) => self.property_changed(change),
            Event::ClientMessage(message) => self.message(message),
            Event::ConfigureNotify(e) if e.window == self.display.root => {
                self.resized(e.width, e.height)?;
            }
            Event::MapNotify(e) => self.surface(e.window)?,
            Event::UnmapNotify(e) => self.surface(e.window)?,
            // Of requests that were not waited for; the windows they were about are gone.
            Event::Error(error) => tracing::debug!(kind = ?error.error_kind, "x11 request failed"),
            _ => {}
        }
        Ok(())
    }

    fn property_changed(&mut self, change: &PropertyNotifyEvent) {
        self.signs.windows |= change.window != self.display.own;
        if change.window == self.display.root
            && change.atom == self.display.atoms._NET_ACTIVE_WINDOW
        {
            self.typed.focus_moved();
        }
    }

    fn message(&mut self, message: &ClientMessageEvent) {
        let data = message.data.as_data32();
        if message.window == self.display.root && data[0] == self.display.atoms._NET_WM_PING {
            self.signs.pongs.push(data[1]);
            self.typed.answered(data[2]);
        }
    }

    /// RandR gave the screen another size.
    fn resized(&mut self, width: u16, height: u16) -> Result<(), X11Error> {
        if self.display.resized(width, height) {
            self.capture = capture::open(&self.display, self.backend)?;
            self.pictures.clear();
            self.damage.expect_all();
            self.tapped.iter_mut().for_each(Tapped::expect_all);
        }
        Ok(())
    }

    fn surface(&mut self, window: Window) -> Result<(), X11Error> {
        if window != self.display.own && !windows::is_passing(&self.display, window)? {
            self.signs.surfaces = true;
        }
        Ok(())
    }

    /// Looks at the screen again where something was drawn since the last call: the picture now,
    /// and every place where it can differ from the one before. The picture shows one moment, and what
    /// is looked at is what was drawn and no more.
    ///
    /// # Errors
    /// When the capture fails.
    pub fn refresh(&mut self) -> Result<(Arc<Frame>, Vec<Rect>), X11Error> {
        self.drain()?;
        let mut drawn = Vec::new();
        for _ in 0..PATCHES {
            let fresh = areas(&self.damage.take()?);
            drawn.extend(&fresh);
            match self.pictures.now() {
                Some(frame) if fresh.is_empty() => return Ok((Arc::clone(frame), drawn)),
                Some(frame) if is_little(&fresh, frame.bounds()) => {}
                _ => break,
            }
            if let Some(frame) = self.patched(&fresh)? {
                return Ok((frame, drawn));
            }
        }
        let frame = self.grab_screen()?;
        // What was drawn after the damage was taken and before the picture was is in the picture
        // already, and would be missed by comparing it with the next.
        self.drain()?;
        self.damage.keep()?;
        drawn.extend(self.damage.kept());
        Ok((frame, drawn))
    }

    /// The picture with `drawn` brought up to date; none where it is not sure to show one moment. Then it
    /// is either not there any more or there is damage to be taken.
    fn patched(&mut self, drawn: &[Rect]) -> Result<Option<Arc<Frame>>, X11Error> {
        let screen = self.display.screen();
        let Some(mut frame) = self.pictures.edit(drawn) else { return Ok(None) };
        match self.capture.patch(&mut frame, drawn) {
            Ok(true) => {}
            Ok(false) => return Ok(None),
            Err(error) => {
                self.catch_up()?;
                return if self.display.screen() == screen { Err(error) } else { Ok(None) };
            }
        }
        let frame = self.pictures.put(frame);
        // What was drawn since the damage was taken was told before the answers to later requests.
        self.drain()?;
        let is_whole = !self.damage.is_pending() && self.display.screen() == screen;
        Ok(is_whole.then_some(frame))
    }

    /// Captures the screen. One that becomes smaller meanwhile is refused by the server, and captured
    /// as it is then.
    fn grab_screen(&mut self) -> Result<Arc<Frame>, X11Error> {
        loop {
            let screen = self.display.screen();
            let mut frame = self.pictures.any(screen)?;
            match self.capture.grab_into(&mut frame, screen) {
                Ok(()) => return Ok(self.pictures.put(frame)),
                Err(error) => {
                    self.catch_up()?;
                    if self.display.screen() == screen {
                        return Err(error);
                    }
                }
            }
        }
    }

    /// Waits as [`Desktop::pump`] does, but not when something is drawn already that
    /// [`Desktop::refresh`] has not shown yet.
    ///
    /// # Errors
    /// When the connection broke.
    pub fn pump_unless_drawn(&mut self, deadline: Instant) -> Result<(), X11Error> {
        if self.damage.is_pending() {
            return self.drain();
        }
        self.pump(deadline).map(|_| ())
    }

    /// Waits until something was drawn since the last [`Desktop::refresh`], and then until nothing
    /// more is drawn for `quiet`, or `busy` is over. False when nothing was drawn until `deadline`.
    ///
    /// # Errors
    /// When the connection broke.
    pub fn wait_drawn(
        &mut self,
        deadline: Instant,
        quiet: Duration,
        busy: Duration,
    ) -> Result<bool, X11Error> {
        self.drain()?;
        while !self.damage.is_pending() {
            if !self.pump(deadline)? {
                return Ok(false);
            }
        }
        let end = deadline.min(Instant::now() + busy);
        let mut until = end.min(Instant::now() + quiet);
        while Instant::now() < until {
            if self.damage.is_pending_anew() {
                // Only taking the damage makes the server report the next.
                self.damage.keep()?;
                until = end.min(Instant::now() + quiet);
            }
            self.pump(until)?;
        }
        Ok(true)
    }
}

/// Whether taking these places is less work than taking all of the screen.
fn is_little(places: &[Rect], screen: Rect) -> bool {
    let size = |rect: &Rect| u64::from(rect.width) * u64::from(rect.height);
    2 * places.iter().map(size).sum::<u64>() <= size(&screen)
}

fn open_pointer(display: &Rc<Display>, keyboard: &Keyboard) -> Result<Pointer, X11Error> {
    match Pointer::open(display) {
        Ok(pointer) => Ok(pointer),
        // enigo refuses a map where every keycode has a symbol, though it is to press no key.
        Err(_) => keyboard.bindings.with_empty_key(|| Pointer::open(display))?,
    }
}
