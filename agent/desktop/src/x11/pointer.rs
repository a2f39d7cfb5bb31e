//! The pointer, driven by enigo on an X connection of its own.
//!
//! Each call returns after the server has handled it, so pointer and keyboard acts keep their order.

use enigo::{Axis, Coordinate, Enigo, InputError, Mouse, Settings};
use karakuri_protocol::desktop::{Button, Direction, PointerAct};
use karakuri_protocol::geometry::{Point, Rect};

use super::chord::Chord;
use super::desktop::Desktop;
use super::error::X11Error;

/// Pixels between two motion events of a drag: below the 8-pixel drag threshold of GTK and Qt's 10,
/// so that a program sees a movement rather than a jump.
const DRAG_STEP: u32 = 6;

/// The run's pointer.
pub(super) struct Pointer {
    enigo: Enigo,
    screen: Rect,
}

impl std::fmt::Debug for Pointer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pointer").field("screen", &self.screen).finish_non_exhaustive()
    }
}

impl Pointer {
    /// Connects to `$DISPLAY`.
    pub(super) fn open(screen: Rect) -> Result<Self, X11Error> {
        // enigo would let the server wait 12 ms with each press and each release.
        let settings = Settings { linux_delay: 0, ..Settings::default() };
        let enigo = Enigo::new(&settings).map_err(|e| X11Error::Pointer(e.to_string()))?;
        Ok(Self { enigo, screen })
    }

    /// Where it is.
    pub(super) fn location(&self) -> Result<Point, X11Error> {
        let (x, y) = self.enigo.location().map_err(failed)?;
        Ok(Point { x, y })
    }

    /// Moves to a pixel of the screen.
    pub(super) fn move_to(&mut self, at: Point) -> Result<(), X11Error> {
        if !self.screen.contains(at) {
            return Err(X11Error::Request(format!(
                "the point [{}, {}] is not on the screen of {}x{} pixels",
                at.x, at.y, self.screen.width, self.screen.height
            )));
        }
        self.enigo.move_mouse(at.x, at.y, Coordinate::Abs).map_err(failed)
    }

    /// Presses a button.
    pub(super) fn press(&mut self, button: Button) -> Result<(), X11Error> {
        self.enigo.button(of(button), enigo::Direction::Press).map_err(failed)
    }

    /// Releases a button.
    pub(super) fn release(&mut self, button: Button) -> Result<(), X11Error> {
        self.enigo.button(of(button), enigo::Direction::Release).map_err(failed)
    }

    /// Moves from where the pointer is through `path`, in steps a program takes for dragging.
    pub(super) fn glide(&mut self, path: &[Point]) -> Result<(), X11Error> {
        let mut from = self.location()?;
        for to in path {
            let (dx, dy) = (to.x - from.x, to.y - from.y);
            let steps = dx.unsigned_abs().max(dy.unsigned_abs()).div_ceil(DRAG_STEP).max(1);
            let steps = i32::try_from(steps).unwrap_or(i32::MAX);
            for step in 1..=steps {
                self.move_to(Point {
                    x: from.x + dx * step / steps,
                    y: from.y + dy * step / steps,
                })?;
            }
            from = *to;
        }
        Ok(())
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
        let codes = self.keyboard.codes(&modifiers, None)?;
        self.keyboard.press(&codes)?;
        let done = self.with_pointer(act, button);
        self.keyboard.release(&codes)?;
        done
    }

    fn with_pointer(&mut self, act: &PointerAct, button: Button) -> Result<(), X11Error> {
        let pointer = &mut self.pointer;
        match act {
            PointerAct::Move => Ok(()),
            PointerAct::Click { count } => (0..*count).try_for_each(|_| {
                pointer.press(button)?;
                pointer.release(button)
            }),
            PointerAct::Down => pointer.press(button),
            PointerAct::Up => pointer.release(button),
            PointerAct::Drag { path } => {
                pointer.press(button)?;
                let moved = pointer.glide(path);
                // A button that stays down would turn every later move into a drag.
                pointer.release(button)?;
                moved
            }
            PointerAct::Scroll { direction, ticks } => pointer.scroll(*direction, *ticks),
        }
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
