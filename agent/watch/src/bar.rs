//! The bar above the picture: who acts, and the button that takes over and hands back.

use karakuri_protocol::geometry::{Point, Rect};
use karakuri_protocol::watch::State;

use crate::canvas::{Canvas, Colour};
use crate::error::WatchError;
use crate::letters::{Letters, pixels};

/// Height of the bar at 96 dots an inch.
const HEIGHT: f32 = 36.0;
/// Of a line of letters in it.
const LETTERS: f32 = 16.0;
/// Between things that stand beside each other.
const GAP: f32 = 12.0;

const GROUND: Colour = [0x30, 0x24, 0x1c];
const TAKEN: Colour = [0x26, 0x1e, 0xb3];
const WHITE: Colour = [0xff, 0xff, 0xff];
const INK: Colour = [0x30, 0x24, 0x1c];
const GREEN: Colour = [0x60, 0xc8, 0x40];
const AMBER: Colour = [0x20, 0xa8, 0xf0];
const GREY: Colour = [0x90, 0x90, 0x90];

/// What the bar says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shows {
    /// There is no desktop yet.
    Preparing,
    /// There is, and this one acts.
    Acting(State),
}

/// The bar.
#[derive(Debug)]
pub(crate) struct Bar {
    letters: Letters,
    height: u32,
    gap: i32,
    take_over: bool,
}

impl Bar {
    /// For a display of so many dots an inch.
    pub(crate) fn new(dots: f32) -> Result<Self, WatchError> {
        let scale = (dots / 96.0).clamp(1.0, 4.0);
        let height = pixels(HEIGHT * scale).unsigned_abs();
        let (letters, gap) = (Letters::open(LETTERS * scale)?, pixels(GAP * scale));
        Ok(Self { letters, height, gap, take_over: false })
    }

    /// Whether there is a button.
    pub(crate) fn let_take_over(&mut self, allowed: bool) {
        self.take_over = allowed;
    }

    /// Its height in pixels.
    pub(crate) fn height(&self) -> u32 {
        self.height
    }

    /// The button in a window of a width; none before there is something to take over.
    pub(crate) fn button(&self, shows: Shows, width: u32) -> Option<Rect> {
        let word = button_word(shows).filter(|_| self.take_over)?;
        let inset = self.gap / 2;
        let wide = (pixels(self.letters.width(word)) + 2 * self.gap).unsigned_abs();
        let left = i32::try_from(width).ok()? - self.gap - i32::try_from(wide).ok()?;
        Some(Rect::new(left, inset, wide, self.height.saturating_sub(inset.unsigned_abs() * 2)))
    }

    /// Draws it over the top of the window; where it was drawn.
    pub(crate) fn draw(&self, window: &mut Canvas, shows: Shows) -> Rect {
        let area = Rect::new(0, 0, window.bounds().width, self.height);
        let (ground, dot, words) = match shows {
            Shows::Preparing => (GROUND, GREY, "Preparing the run"),
            Shows::Acting(State::Running) => (GROUND, GREEN, "Running – you are watching"),
            Shows::Acting(State::Paused) => (GROUND, AMBER, "Paused – you are watching"),
            Shows::Acting(State::TakenOver) => {
                (TAKEN, WHITE, "You act – your mouse and keys go to the run")
            }
        };
        window.fill(area, ground);
        let middle = area.center().y;
        let radius = self.gap / 2;
        disc(window, Point { x: self.gap + radius, y: middle }, radius, dot);
        let at = Point { x: 2 * self.gap + 2 * radius, y: middle };
        self.letters.draw(window, words, at, WHITE);
        if let (Some(button), Some(word)) = (self.button(shows, area.width), button_word(shows)) {
            // What is too long for the window goes under the button.
            let behind =
                Rect::new(button.left - self.gap, 0, button.width + self.height, self.height);
            window.fill(behind, ground);
            window.fill(button, WHITE);
            let at = Point { x: button.left + self.gap, y: middle };
            self.letters.draw(window, word, at, INK);
        }
        area
    }
}

fn button_word(shows: Shows) -> Option<&'static str> {
    match shows {
        Shows::Preparing => None,
        Shows::Acting(State::TakenOver) => Some("Hand back"),
        Shows::Acting(State::Running | State::Paused) => Some("Take over"),
    }
}

fn disc(window: &mut Canvas, middle: Point, radius: i32, colour: Colour) {
    for y in -radius..=radius {
        for x in -radius..=radius {
            if x * x + y * y <= radius * radius {
                window.mix(middle.x + x, middle.y + y, colour, 1.0);
            }
        }
    }
}
