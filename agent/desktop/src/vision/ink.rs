//! Which columns of a cut-out line carry strokes, which tells words and table cells apart better
//! than the recogniser's time steps do.

use std::ops::Range;

use crate::frame::{Frame, pixels_of};

/// Difference of brightness, of 255, that makes a stroke.
const CONTRAST: u8 = 40;
/// Difference of brightness, of 255, between a ruled line and the background: grid lines are faint.
const RULE: i16 = 12;

/// The columns of a line.
pub(crate) struct Ink {
    columns: Vec<bool>,
}

impl Ink {
    /// Looks at the middle of the line's height only: grid lines, borders and underlines run along
    /// the edges of a box and would make every column look written on.
    pub(crate) fn of(line: &Frame) -> Self {
        let height = line.height() as usize;
        let edge = height / 5;
        let width = line.width() as usize;
        let (mut darkest, mut lightest) = (vec![u8::MAX; width], vec![0; width]);
        for row in line.rows(line.bounds()).skip(edge).take(height - 2 * edge) {
            for (x, pixel) in pixels_of(row).enumerate() {
                let brightness = brightness(pixel);
                darkest[x] = darkest[x].min(brightness);
                lightest[x] = lightest[x].max(brightness);
            }
        }
        // A column of a background that changes from top to bottom is plain; the stem of a large letter, which
        // fills the middle rows, is not.
        let background = commonest(line);
        let columns = darkest.into_iter().zip(lightest).map(|(darkest, lightest)| {
            lightest.saturating_sub(darkest) >= CONTRAST
                || darkest.saturating_sub(background) >= CONTRAST
                || background.saturating_sub(lightest) >= CONTRAST
        });
        Self { columns: columns.collect() }
    }

    /// Runs of plain columns between two runs of ink, from left to right.
    pub(crate) fn gaps(&self, within: Range<usize>) -> Vec<Range<usize>> {
        let mut gaps = Vec::new();
        let Some(inked) = self.tight(within) else { return gaps };
        let mut from = inked.start;
        while let Some(plain) = self.columns[from..inked.end].iter().position(|ink| !ink) {
            let start = from + plain;
            let length = self.columns[start..inked.end].iter().position(|ink| *ink);
            let end = length.map_or(inked.end, |length| start + length);
            gaps.push(start..end);
            from = end;
        }
        gaps
    }

    /// The smallest range inside `within` that holds all its ink.
    pub(crate) fn tight(&self, within: Range<usize>) -> Option<Range<usize>> {
        let part = self.columns.get(within.clone())?;
        let first = part.iter().position(|ink| *ink)?;
        let last = part.iter().rposition(|ink| *ink)?;
        Some(within.start + first..within.start + last + 1)
    }

    /// Number of columns.
    pub(crate) fn width(&self) -> usize {
        self.columns.len()
    }
}

/// The columns of `tall`, a picture that reaches over a line of text, in which something other than
/// the background runs from the top to the bottom.
pub(crate) fn rules(tall: &Frame) -> Vec<usize> {
    let background = i16::from(commonest(tall));
    let mut ruled = vec![true; tall.width() as usize];
    for row in tall.rows(tall.bounds()) {
        for (ruled, pixel) in ruled.iter_mut().zip(pixels_of(row)) {
            *ruled &= (i16::from(brightness(pixel)) - background).abs() >= RULE;
        }
    }
    ruled.iter().enumerate().filter(|(_, ruled)| **ruled).map(|(column, _)| column).collect()
}

/// The brightness that most pixels have.
fn commonest(frame: &Frame) -> u8 {
    let mut counts = [0_u32; 256];
    for pixel in pixels_of(frame.pixels()) {
        counts[usize::from(brightness(pixel))] += 1;
    }
    (0..=u8::MAX).max_by_key(|level| counts[usize::from(*level)]).unwrap_or(0)
}

/// Brightness with weights near those of ITU-R BT.601.
fn brightness([blue, green, red]: [u8; 3]) -> u8 {
    let sum = u16::from(blue) + 5 * u16::from(green) + 2 * u16::from(red);
    u8::try_from(sum / 8).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{Rgb, RgbImage};

    /// Ten pixels high; `#` is a stroke in the middle rows, the top and bottom rows are ruled.
    fn ink(columns: &str) -> Ink {
        let columns = columns.as_bytes();
        let width = u32::try_from(columns.len()).unwrap();
        let image = RgbImage::from_fn(width, 10, |x, y| {
            let dark = match columns[x as usize] {
                b'#' => y == 5,
                b'I' => true,
                _ => y == 0 || y == 9,
            };
            Rgb([if dark { 0 } else { 255 }; 3])
        });
        Ink::of(&Frame::from_rgb(&image).unwrap())
    }

    #[test]
    fn rules_along_the_edges_are_not_ink() {
        assert_eq!(ink("..##..#...").tight(0..10), Some(2..7));
        assert_eq!(ink("..........").tight(0..10), None);
    }

    #[test]
    fn a_stem_that_fills_the_height_is_ink() {
        assert_eq!(ink("..II.#....").tight(0..10), Some(2..6));
    }

    #[test]
    fn gaps_lie_between_ink() {
        assert_eq!(ink(".#..##...#.").gaps(0..11), [2..4, 6..9]);
        assert_eq!(ink(".#..##...#.").gaps(0..9), ink(".#..##").gaps(0..6));
    }
}
