//! The pointer, driven by enigo on an X connection of its own.
//!
//! Each call returns after the server has handled it, so pointer and keyboard acts keep their order.
//! Programs count presses that follow each other at one place as one double or triple click; so what
//! belongs to two acts is kept apart, and what belongs to one is not.

use std::rc::Rc;
use std::time::{Duration, Instant};

use enigo::{Axis, Coordinate, Enigo, InputError, Mouse, Settings};
use karakuri_protocol::desktop::{Button, Direction, PointerAct};
use karakuri_protocol::geometry::Point;

use super::chord::Chord;
use super::desktop::Desktop;
use super::display::Display;
use super::error::X11Error;

/// Pixels between two motion events of a drag: below the 8-pixel drag threshold of GTK and Qt's 10,
/// so that a program sees a movement rather than a jump.
const DRAG_STEP: u32 = 6;
/// So many steps are beyond every toolkit's threshold: it knows then that this is a drag.
const DRAG_START: usize = 4;

/// The longest double-click time that a toolkit has by default (Chromium, LibreOffice, Swing, Tk; GTK
/// and Qt have 400 ms), and a little more.
const DOUBLE_CLICK_TIME: Duration = Duration::from_millis(520);
/// How far apart two presses never are a double click, in pixels.
const DOUBLE_CLICK_DISTANCE: u32 = 16;
/// Between the presses of one double click. Chromium takes two of the same millisecond for one.
const CLICK_GAP: Duration = Duration::from_millis(20);
/// A program that drags data asks around where it may be dropped, and takes it for refused until
/// then: so long the pointer rests after the first steps and before the button is released.
const DRAG_REST: Duration = Duration::from_millis(60);

/// A press of a button.
#[derive(Clone, Copy, Debug)]
struct Press {
    button: Button,
    at: Point,
    when: Instant,
    /// Until when another press there would be counted with it.
    counted_until: Instant,
}

/// The run's pointer.
pub(super) struct Pointer {
    enigo: Enigo,
    display: Rc<Display>,
    last: Option<Press>,
    put: Point,
}

impl std::fmt::Debug for Pointer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pointer").field("last", &self.last).finish_non_exhaustive()
    }
}

impl Pointer {
    /// Connects to `$DISPLAY`.
    pub(super) fn open(display: &Rc<Display>) -> Result<Self, X11Error> {
        // enigo would let the server wait 12 ms with each press and each release.
        let settings = Settings { linux_delay: 0, ..Settings::default() };
        let enigo = Enigo::new(&settings).map_err(|e| X11Error::Pointer(e.to_string()))?;
        let put = display.screen().center();
        let mut pointer = Self { enigo, display: Rc::clone(display), last: None, put };
        pointer.put = pointer.location()?;
        Ok(pointer)
    }

    /// Where it was last put; a program can have moved it since.
    pub(super) fn put(&self) -> Point {
        self.put
    }

    /// Where it is.
    pub(super) fn location(&self) -> Result<Point, X11Error> {
        let (x, y) = self.enigo.location().map_err(failed)?;
        Ok(Point { x, y })
    }

    /// Moves to a pixel of the screen.
    pub(super) fn move_to(&mut self, at: Point) -> Result<(), X11Error> {
        let screen = self.display.screen();
        if !screen.contains(at) {
            return Err(X11Error::Request(format!(
                "the point [{}, {}] is not on the screen of {}x{} pixels",
                at.x, at.y, screen.width, screen.height
            )));
        }
        self.enigo.move_mouse(at.x, at.y, Coordinate::Abs).map_err(failed)?;
        self.put = at;
        Ok(())
    }

    /// Presses a button.
    pub(super) fn press(&mut self, button: Button) -> Result<(), X11Error> {
        self.enigo.button(of(button), enigo::Direction::Press).map_err(failed)?;
        let (at, when) = (self.location()?, Instant::now());
        let mut counted_until = when + DOUBLE_CLICK_TIME;
        if let Some(before) = self.counted(button, at, when) {
            // GTK takes three presses within twice the time for a triple click.
            counted_until = counted_until.max(before.when + 2 * DOUBLE_CLICK_TIME);
        }
        self.last = Some(Press { button, at, when, counted_until });
        Ok(())
    }

    /// The last press, if one of `button` at a place and time would be counted with it.
    fn counted(&self, button: Button, at: Point, when: Instant) -> Option<Press> {
        self.last.filter(|last| {
            let (dx, dy) = (at.x.abs_diff(last.at.x), at.y.abs_diff(last.at.y));
            last.button == button && dx.max(dy) < DOUBLE_CLICK_DISTANCE && when < last.counted_until
        })
    }

    /// Releases a button.
    pub(super) fn release(&mut self, button: Button) -> Result<(), X11Error> {
        self.enigo.button(of(button), enigo::Direction::Release).map_err(failed)
    }

    /// The points to pass from where the pointer is through `path`, in steps a program takes for
    /// dragging.
    fn steps(&self, path: &[Point]) -> Result<Vec<Point>, X11Error> {
        let mut from = self.location()?;
        let mut passed = Vec::new();
        for to in path {
            let (dx, dy) = (to.x - from.x, to.y - from.y);
            let count = dx.unsigned_abs().max(dy.unsigned_abs()).div_ceil(DRAG_STEP).max(1);
            let count = i32::try_from(count).unwrap_or(i32::MAX);
            let between = |n| Point { x: from.x + dx * n / count, y: from.y + dy * n / count };
            passed.extend((1..=count).map(between));
            from = *to;
        }
        Ok(passed)
    }

    fn glide(&mut self, points: &[Point]) -> Result<(), X11Error> {
        points.iter().try_for_each(|point| self.move_to(*point))
    }

    /// Turns the wheel.
    pub(super) fn scroll(&mut self, direction: Direction, ticks: u8) -> Result<(), X11Error> {
        let ticks = i32::from(ticks);
        let (length, axis) = match direction {
            Direction::Up => (-ticks, Axis::Vertical),
            Direction::Down => (ticks, Axis::Vertical),
            Direction::Left => (-ticks, Axis::Horizontal),
            Direction::Right => (ticks, Axis::Horizontal),
        };
        self.enigo.scroll(length, axis).map_err(failed)
    }
}

impl Desktop {
    /// Moves the pointer; where it is now.
    ///
    /// # Errors
    /// [`X11Error::Request`] when the point is not on the screen.
    pub fn move_pointer(&mut self, to: Option<Point>) -> Result<Point, X11Error> {
        if let Some(to) = to {
            self.pointer.move_to(to)?;
        }
        self.pointer.location()
    }

    /// Does what `act` says where the pointer is, with modifiers held.
    ///
    /// # Errors
    /// [`X11Error::Request`] when a point is not on the screen or a modifier is not known.
    pub fn pointer_act(
        &mut self,
        act: &PointerAct,
        button: Button,
        keys: Option<&str>,
    ) -> Result<(), X11Error> {
        let modifiers = keys.map(Chord::parse_modifiers).transpose()?.unwrap_or_default();
        if modifiers.is_empty() {
            return self.with_pointer(act, button);
        }
        self.keyboard.bindings.refresh()?;
        let codes = self.keyboard.codes(&modifiers, None)?;
        self.keyboard.press(&codes)?;
        let done = self.with_pointer(act, button);
        self.keyboard.release(&codes)?;
        done
    }

    /// Waits, if a press of `button` now would be counted with an earlier one as a double click.
    ///
    /// # Errors
    /// When the connection broke.
    pub fn set_apart(&mut self, button: Button) -> Result<(), X11Error> {
        let (at, now) = (self.pointer.location()?, Instant::now());
        match self.pointer.counted(button, at, now) {
            Some(last) => self.pump_for(last.counted_until.saturating_duration_since(now)),
            None => Ok(()),
        }
    }

    fn with_pointer(&mut self, act: &PointerAct, button: Button) -> Result<(), X11Error> {
        match act {
            PointerAct::Move => Ok(()),
            PointerAct::Click { count } => self.click(button, *count),
            PointerAct::Down => self.pointer.press(button),
            PointerAct::Up => self.pointer.release(button),
            PointerAct::Drag { path } => {
                self.pointer.press(button)?;
                let moved = self.drag(path);
                // A button that stays down would turn every later move into a drag.
                self.pointer.release(button)?;
                moved
            }
            PointerAct::Scroll { direction, ticks } => self.pointer.scroll(*direction, *ticks),
        }
    }

    fn click(&mut self, button: Button, count: u8) -> Result<(), X11Error> {
        for place in 0..count {
            if place > 0 {
                self.pump_for(CLICK_GAP)?;
            }
            self.pointer.press(button)?;
            self.pointer.release(button)?;
        }
        Ok(())
    }

    fn drag(&mut self, path: &[Point]) -> Result<(), X11Error> {
        let steps = self.pointer.steps(path)?;
        let (first, rest) = steps.split_at(steps.len().min(DRAG_START));
        self.pointer.glide(first)?;
        self.pump_for(DRAG_REST)?;
        self.pointer.glide(rest)?;
        self.pump_for(DRAG_REST)
    }
}

fn of(button: Button) -> enigo::Button {
    match button {
        Button::Left => enigo::Button::Left,
        Button::Middle => enigo::Button::Middle,
        Button::Right => enigo::Button::Right,
        Button::Back => enigo::Button::Back,
        Button::Forward => enigo::Button::Forward,
    }
}

fn failed(error: InputError) -> X11Error {
    X11Error::Pointer(error.to_string())
}
