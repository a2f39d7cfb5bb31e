//! The window at work: what is told is shown, what a person does is told on, once they have taken over.

use std::os::fd::AsFd;

use karakuri_protocol::desktop::{Button, Direction};
use karakuri_protocol::geometry::{Point, Rect};
use karakuri_protocol::watch::{Asked, Input, Picture, Ready, Shown, State, Told};
use karakuri_sandbox::link::{Link, LinkError};
use karakuri_sandbox::memfd::read_sealed;
use karakuri_sandbox::sys::inherited_fd;
use rustix::event::{PollFd, PollFlags};
use x11rb::connection::Connection as _;
use x11rb::protocol::Event;
use x11rb::protocol::xproto::{ButtonPressEvent, KeyPressEvent};

use crate::bar::{Bar, Shows};
use crate::canvas::{BYTES, Canvas};
use crate::confine::confine;
use crate::error::WatchError;
use crate::fit::Fit;
use crate::keys::Keys;
use crate::pointer;
use crate::window::{GROUND, Window};

/// The links that `karakuri run` hands over.
const CONTROL_FD: i32 = 3;
const VIEW_FD: i32 = 4;
/// The size of a run's display, until it is told.
const USUAL: (u32, u32) = (1280, 800);
/// The largest picture that is accepted, in bytes.
const MAX_PICTURE: usize = 256 * 1024 * 1024;

/// The window and what it shows.
#[derive(Debug)]
struct App {
    control: Link,
    /// None once the display is gone.
    view: Option<Link>,
    window: Window,
    keys: Keys,
    bar: Bar,
    workflow: String,
    shows: Shows,
    /// The run's display.
    screen: Canvas,
    fit: Option<Fit>,
    /// The window's content, without the pointer.
    canvas: Canvas,
    pointer: Option<Point>,
    /// What of the window is to be put.
    dirty: Vec<Rect>,
    /// A picture is drawn and not put yet.
    owes: bool,
    /// Buttons that went down over the picture and are not up.
    down: Vec<Button>,
    /// Where the person's pointer is that was not told on.
    moved: Option<Point>,
}

/// Shows the window until it is closed or the run is over.
///
/// # Errors
/// See `WatchError`.
pub fn run() -> Result<(), WatchError> {
    let inherited = |number| {
        let fd = inherited_fd(number).map_err(WatchError::NotInherited)?;
        Ok::<_, WatchError>(Link::from_fd(fd)?)
    };
    let (control, view) = (inherited(CONTROL_FD)?, inherited(VIEW_FD)?);
    let opened = open().and_then(|opened| confine().map(|_| opened).map_err(WatchError::from));
    let (window, keys, bar) = match opened {
        Ok(opened) => opened,
        // Whoever started us says so.
        Err(error) => return Ok(control.send(&Ready::Failed(error.to_string()), &[])?),
    };
    control.send(&Ready::Open, &[])?;
    let mut app = App {
        control,
        view: Some(view),
        window,
        keys,
        bar,
        workflow: String::new(),
        shows: Shows::Preparing,
        screen: Canvas::new(0, 0),
        fit: None,
        canvas: Canvas::new(0, 0),
        pointer: None,
        dirty: Vec::new(),
        owes: false,
        down: Vec::new(),
        moved: None,
    };
    app.serve()
}

fn open() -> Result<(Window, Keys, Bar), WatchError> {
    let window = Window::open(USUAL.0, USUAL.1)?;
    let keys = Keys::open(window.connection())?;
    let bar = Bar::new(window.dots())?;
    Ok((window, keys, bar))
}

impl App {
    fn serve(&mut self) -> Result<(), WatchError> {
        loop {
            self.put()?;
            let mut told = false;
            while let Some(event) = self.window.next()? {
                told = true;
                if !self.handle(&event)? {
                    return Ok(());
                }
            }
            self.tell_moved();
            if told {
                continue;
            }
            let [control, view] = self.wait()?;
            if control && !self.hear()? {
                return Ok(());
            }
            if view {
                self.take_picture()?;
            }
        }
    }

    /// Waits for the display or one of the links; which of the links have something.
    fn wait(&self) -> Result<[bool; 2], WatchError> {
        let mut fds = vec![
            PollFd::new(&self.control, PollFlags::IN),
            PollFd::from_borrowed_fd(self.window.connection().stream().as_fd(), PollFlags::IN),
        ];
        fds.extend(self.view.iter().map(|view| PollFd::new(view, PollFlags::IN)));
        rustix::io::retry_on_intr(|| rustix::event::poll(&mut fds, None))?;
        let ready = |place: usize| fds.get(place).is_some_and(|fd| !fd.revents().is_empty());
        Ok([ready(0), ready(2)])
    }

    /// Takes what karakurid tells; false when the run is over.
    fn hear(&mut self) -> Result<bool, WatchError> {
        let Some((told, _)) = self.control.recv::<Told>()? else { return Ok(false) };
        let state = match told {
            Told::Run { workflow, take_over } => {
                self.workflow = workflow;
                self.bar.let_take_over(take_over);
                State::Running
            }
            Told::State(state) => state,
        };
        self.dirty.extend(self.pointer.map(|tip| self.arrow(tip)));
        self.shows = Shows::Acting(state);
        self.down.clear();
        self.dirty.push(self.bar.draw(&mut self.canvas, self.shows));
        let word = match state {
            State::Running => "running",
            State::Paused => "paused",
            State::TakenOver => "taken over",
        };
        self.window.title(&format!("{}: {word} – Karakuri", self.workflow))?;
        Ok(true)
    }

    /// Takes what has changed on the run's display.
    fn take_picture(&mut self) -> Result<(), WatchError> {
        let Some(view) = &self.view else { return Ok(()) };
        let Some((picture, mut fds)) = view.recv::<Picture>()? else {
            self.view = None;
            return Ok(());
        };
        let Picture { screen, parts, pointer } = picture;
        let pixels = fds.pop().map(|fd| read_sealed(fd, MAX_PICTURE)).transpose()?;
        if screen != self.screen.bounds() {
            self.screen = Canvas::new(screen.width, screen.height);
            let (width, height) =
                self.window.fitting(screen.width, screen.height, self.bar.height());
            self.window.resize(width, height)?;
            self.lay_out(self.canvas.bounds());
        }
        let mut rest = pixels.as_deref().unwrap_or_default();
        for part in parts {
            let length = part.width as usize * part.height as usize * BYTES;
            let (own, others) = rest.split_at_checked(length).ok_or(WatchError::Size)?;
            rest = others;
            if !self.screen.replace(part, own) {
                return Err(WatchError::Size);
            }
            let covered = self.fit.and_then(|fit| Some((fit, fit.covers(part)?)));
            if let Some((fit, area)) = covered {
                self.canvas.draw(&self.screen, &fit, area);
                self.dirty.push(area);
            }
        }
        if self.pointer != Some(pointer) {
            let tips = [self.pointer.replace(pointer), Some(pointer)];
            let arrows = tips.into_iter().flatten().map(|tip| self.arrow(tip));
            let arrows: Vec<Rect> = arrows.collect();
            self.dirty.extend(arrows);
        }
        self.owes = true;
        Ok(())
    }

    /// Where the arrow lies in the window whose tip is at a pixel of the display.
    fn arrow(&self, tip: Point) -> Rect {
        self.fit.map_or(Rect::new(0, 0, 0, 0), |fit| pointer::area(fit.place(tip)))
    }

    /// Lays everything out for a window of another size.
    fn lay_out(&mut self, window: Rect) {
        let bar = self.bar.height();
        let top = i32::try_from(bar).unwrap_or_default();
        let room = Rect::new(0, top, window.width, window.height.saturating_sub(bar));
        self.canvas = Canvas::new(window.width, window.height);
        self.canvas.fill(window, GROUND);
        self.fit = Fit::new(self.screen.bounds(), room);
        if let Some(fit) = self.fit {
            self.canvas.draw(&self.screen, &fit, fit.shown());
        }
        self.bar.draw(&mut self.canvas, self.shows);
        self.dirty = vec![window];
    }

    /// Puts what is to be put, and says that it was.
    fn put(&mut self) -> Result<(), WatchError> {
        // The person's own pointer is there already when they act.
        let acts = self.shows == Shows::Acting(State::TakenOver);
        let tip = self.pointer.filter(|_| !acts).zip(self.fit).map(|(tip, fit)| fit.place(tip));
        for area in std::mem::take(&mut self.dirty) {
            let Some((area, mut part)) = self.canvas.cut(area) else { continue };
            if let Some(tip) = tip {
                pointer::draw(&mut part, Point { x: tip.x - area.left, y: tip.y - area.top });
            }
            self.window.put(area, &part)?;
        }
        self.window.connection().flush()?;
        if std::mem::take(&mut self.owes) {
            let shown = self.view.as_ref().map(|view| view.send(&Shown {}, &[]));
            if shown.is_some_and(|shown| shown.is_err()) {
                self.view = None;
            }
        }
        Ok(())
    }

    /// Handles an event; false when the person closes the window.
    fn handle(&mut self, event: &Event) -> Result<bool, WatchError> {
        match event {
            Event::Expose(e) => {
                self.dirty.push(Rect::new(e.x.into(), e.y.into(), e.width.into(), e.height.into()))
            }
            Event::ConfigureNotify(e) => {
                let window = Rect::new(0, 0, e.width.into(), e.height.into());
                if window != self.canvas.bounds() {
                    self.lay_out(window);
                }
            }
            Event::ClientMessage(message) => return Ok(!self.window.is_closing(message)),
            Event::DestroyNotify(_) => return Ok(false),
            Event::MappingNotify(_) => self.keys.reload()?,
            Event::KeyPress(e) => self.key(e),
            Event::ButtonPress(e) => self.press(e),
            Event::ButtonRelease(e) => self.release(e),
            Event::MotionNotify(e) => {
                self.moved = Some(Point { x: e.event_x.into(), y: e.event_y.into() });
            }
            _ => {}
        }
        Ok(true)
    }

    /// What the person's display shows at a place of the window is for the run, if they act.
    fn acting_at(&self, place: Point) -> Option<Point> {
        let fit = self.fit.filter(|_| self.shows == Shows::Acting(State::TakenOver))?;
        let inside = fit.shown().contains(place) || !self.down.is_empty();
        inside.then(|| fit.pixel(place))
    }

    fn tell(&self, asked: &Asked) {
        // Where nobody listens any more the link says so when it is read.
        let _sent = self.control.send(asked, &[]);
    }

    /// Tells where the pointer is; where karakurid has much to read already, it is told later.
    fn tell_moved(&mut self) {
        let Some(place) = self.moved.take() else { return };
        let Some(at) = self.acting_at(place) else { return };
        match self.control.try_send(&Asked::Input(Input::Move { at })) {
            Err(LinkError::Io(rustix::io::Errno::AGAIN)) => self.moved = Some(place),
            _sent => {}
        }
    }

    fn key(&mut self, event: &KeyPressEvent) {
        if self.shows != Shows::Acting(State::TakenOver) {
            return;
        }
        for (key, held) in self.keys.strike(event.detail, event.state) {
            self.tell(&Asked::Input(Input::Key { key, held }));
        }
    }

    fn press(&mut self, event: &ButtonPressEvent) {
        let place = Point { x: event.event_x.into(), y: event.event_y.into() };
        let button = self.bar.button(self.shows, self.canvas.bounds().width);
        if event.detail == 1 && button.is_some_and(|button| button.contains(place)) {
            let acts = self.shows == Shows::Acting(State::TakenOver);
            return self.tell(if acts { &Asked::HandBack } else { &Asked::TakeOver });
        }
        let Some(at) = self.acting_at(place) else { return };
        self.moved = None;
        let held = Keys::held(event.state);
        if let Some(direction) = direction(event.detail) {
            self.tell(&Asked::Input(Input::Scroll { direction, at, held }));
        } else if let Some(button) = button_of(event.detail) {
            self.down.push(button);
            self.tell(&Asked::Input(Input::Press { button, at, held }));
        }
    }

    fn release(&mut self, event: &ButtonPressEvent) {
        let place = Point { x: event.event_x.into(), y: event.event_y.into() };
        let Some(button) = button_of(event.detail) else { return };
        let at = self.acting_at(place);
        let Some(down) = self.down.iter().position(|down| *down == button) else { return };
        self.down.remove(down);
        if let Some(at) = at {
            self.moved = None;
            let held = Keys::held(event.state);
            self.tell(&Asked::Input(Input::Release { button, at, held }));
        }
    }
}

/// The button of an X button number.
fn button_of(number: u8) -> Option<Button> {
    Some(match number {
        1 => Button::Left,
        2 => Button::Middle,
        3 => Button::Right,
        8 => Button::Back,
        9 => Button::Forward,
        _ => return None,
    })
}

/// The turn of the wheel that an X button number is.
fn direction(number: u8) -> Option<Direction> {
    Some(match number {
        4 => Direction::Up,
        5 => Direction::Down,
        6 => Direction::Left,
        7 => Direction::Right,
        _ => return None,
    })
}
