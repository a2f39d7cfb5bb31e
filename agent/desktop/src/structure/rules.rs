//! Ruled lines: straight, thin, of one brightness and unlike what lies on both sides of them.

use karakuri_protocol::geometry::Rect;

use super::grey::Grey;
use crate::frame::Frame;

/// The least difference of brightness, of 255, between a line and both its sides: the grid of a
/// spreadsheet is faint.
const CONTRAST: i16 = 8;
/// The widest line, in pixels.
const THICK: usize = 3;
/// The shortest line, in pixels: longer than the strokes of a letter.
const SHORTEST: usize = 24;
/// Pixels that may be missing in a line, where another crosses it or text touches it.
const HOLE: usize = 4;

/// A line along one axis: at `at` on the other axis, from `from` to `to` along it, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rule {
    pub(super) at: usize,
    pub(super) from: usize,
    pub(super) to: usize,
}

/// The lines of a part of a frame, positions relative to the part.
#[derive(Debug)]
pub(super) struct Rules {
    pub(super) vertical: Vec<Rule>,
    pub(super) horizontal: Vec<Rule>,
}

impl Grey {
    /// Lines from left to right.
    fn lines(&self) -> Vec<Rule> {
        let mut found: Vec<Rule> = Vec::new();
        for y in 0..self.height {
            for line in self.runs(y) {
                // The second and third row of a thick line.
                let again = found.iter().rev().take_while(|l| l.at + THICK > y);
                if !again.clone().any(|l| l.from < line.to && line.from < l.to) {
                    found.push(line);
                }
            }
        }
        found
    }

    /// Runs of row `y` that stand out from the rows above and below.
    fn runs(&self, y: usize) -> Vec<Rule> {
        let mut runs = Vec::new();
        let mut run: Option<Rule> = None;
        for x in 0..self.width {
            if self.stands_out(x, y) {
                match &mut run {
                    Some(run) if x <= run.to + HOLE => run.to = x + 1,
                    _ => runs.extend(run.replace(Rule { at: y, from: x, to: x + 1 })),
                }
            }
        }
        runs.extend(run);
        runs.retain(|run| run.to - run.from >= SHORTEST);
        runs
    }

    fn stands_out(&self, x: usize, y: usize) -> bool {
        let value = |y: usize| self.values[y * self.width + x];
        let (here, Some(above)) = (value(y), y.checked_sub(1).map(value)) else { return false };
        let below = (y + 1..self.height.min(y + 1 + THICK)).map(value);
        let first = here - above;
        first.abs() >= CONTRAST
            && below
                .map(|below| here - below)
                .any(|other| other.abs() >= CONTRAST && other.signum() == first.signum())
    }
}

impl Rules {
    /// Finds the lines in `region`.
    pub(super) fn of(frame: &Frame, region: Rect) -> Self {
        let grey = Grey::of(frame, region);
        Self { horizontal: grey.lines(), vertical: grey.turned().lines() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A white frame with grey rectangles.
    fn drawn(width: u32, height: u32, marks: &[Rect]) -> Frame {
        let mut picture = image::RgbImage::from_pixel(width, height, image::Rgb([255; 3]));
        for mark in marks {
            for y in mark.top..mark.bottom() {
                for x in mark.left..mark.right() {
                    let (x, y) = (u32::try_from(x).unwrap(), u32::try_from(y).unwrap());
                    picture.put_pixel(x, y, image::Rgb([200; 3]));
                }
            }
        }
        Frame::from_rgb(&picture).unwrap()
    }

    #[test]
    fn thin_lines_are_found_once_and_blocks_are_not() {
        let marks = [
            Rect::new(5, 10, 80, 1),
            Rect::new(5, 40, 80, 2),
            Rect::new(20, 5, 1, 60),
            Rect::new(50, 50, 40, 12),
        ];
        let frame = drawn(100, 80, &marks);
        let rules = Rules::of(&frame, frame.bounds());
        assert_eq!(rules.horizontal.iter().map(|r| r.at).collect::<Vec<_>>(), [10, 40]);
        assert_eq!(rules.vertical, [Rule { at: 20, from: 5, to: 65 }]);
    }

    #[test]
    fn what_is_as_short_as_a_stroke_is_no_line() {
        let frame = drawn(100, 80, &[Rect::new(5, 10, 12, 1), Rect::new(20, 5, 1, 20)]);
        let rules = Rules::of(&frame, frame.bounds());
        assert!(rules.horizontal.is_empty() && rules.vertical.is_empty());
    }
}
