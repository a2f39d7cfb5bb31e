//! Pixels: of the run's display as it was last told, and of the window. BGRX, rows from the top.

use karakuri_protocol::geometry::{Point, Rect};

use crate::fit::Fit;

/// Bytes of a pixel.
pub(crate) const BYTES: usize = 4;
/// A colour: blue, green, red.
pub(crate) type Colour = [u8; 3];
/// The weights of an average add up to this.
const WHOLE: u64 = 1 << 16;

/// A picture.
#[derive(Debug)]
pub(crate) struct Canvas {
    bounds: Rect,
    pixels: Vec<u8>,
}

/// Pixels of a source that one pixel of its scaled picture shows, and the share of each.
struct Span {
    first: usize,
    weights: Vec<u64>,
}

impl Canvas {
    /// An empty picture of a size.
    pub(crate) fn new(width: u32, height: u32) -> Self {
        let bounds = Rect::new(0, 0, width, height);
        Self { bounds, pixels: vec![0; width as usize * height as usize * BYTES] }
    }

    /// `[0, 0, width, height]`.
    pub(crate) fn bounds(&self) -> Rect {
        self.bounds
    }

    fn at(&self, x: i32, y: i32) -> Option<usize> {
        let inside = self.bounds.contains(Point { x, y });
        let (x, y) = (usize::try_from(x).ok()?, usize::try_from(y).ok()?);
        inside.then(|| (y * self.bounds.width as usize + x) * BYTES)
    }

    /// Mixes `colour` into a pixel; `share` is from 0 to 1. Off the picture nothing is done.
    pub(crate) fn mix(&mut self, x: i32, y: i32, colour: Colour, share: f32) {
        let Some(pixel) = self.at(x, y).and_then(|at| self.pixels.get_mut(at..at + 3)) else {
            return;
        };
        let share = of_255(share);
        for (old, new) in pixel.iter_mut().zip(colour) {
            let mixed = u16::from(new) * share + u16::from(*old) * (255 - share);
            *old = u8::try_from(mixed / 255).unwrap_or(u8::MAX);
        }
    }

    /// Paints a rectangle.
    pub(crate) fn fill(&mut self, area: Rect, colour: Colour) {
        let Some(area) = area.intersection(&self.bounds) else { return };
        for y in area.top..area.bottom() {
            let Some(at) = self.at(area.left, y) else { continue };
            let row = self.pixels.get_mut(at..at + area.width as usize * BYTES).unwrap_or_default();
            row.chunks_exact_mut(BYTES).for_each(|pixel| pixel[..3].copy_from_slice(&colour));
        }
    }

    /// Replaces a part that lies within by `pixels`; false when they are not those of the part.
    pub(crate) fn replace(&mut self, part: Rect, pixels: &[u8]) -> bool {
        let stride = part.width as usize * BYTES;
        if part.intersection(&self.bounds) != Some(part)
            || pixels.len() != stride * part.height as usize
        {
            return false;
        }
        for (y, row) in (part.top..).zip(pixels.chunks_exact(stride)) {
            if let Some(at) = self.at(part.left, y) {
                self.pixels[at..at + stride].copy_from_slice(row);
            }
        }
        true
    }

    /// A copy of the part of `area` that lies within; none where nothing does.
    pub(crate) fn cut(&self, area: Rect) -> Option<(Rect, Canvas)> {
        let area = area.intersection(&self.bounds)?;
        let mut cut = Self::new(area.width, area.height);
        let stride = area.width as usize * BYTES;
        for (y, row) in (area.top..).zip(cut.pixels.chunks_exact_mut(stride)) {
            if let Some(at) = self.at(area.left, y) {
                row.copy_from_slice(&self.pixels[at..at + stride]);
            }
        }
        Some((area, cut))
    }

    /// All of it.
    pub(crate) fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// Draws what `area` of the window shows of `screen`: each pixel is the average of what it covers.
    pub(crate) fn draw(&mut self, screen: &Canvas, fit: &Fit, area: Rect) {
        let shown = fit.shown();
        let Some(area) = area.intersection(&shown).and_then(|a| a.intersection(&self.bounds))
        else {
            return;
        };
        let columns = spans(area.left..area.right(), shown.left, shown.width, screen.bounds.width);
        let rows = spans(area.top..area.bottom(), shown.top, shown.height, screen.bounds.height);
        for (y, row) in (area.top..).zip(&rows) {
            let Some(at) = self.at(area.left, y) else { continue };
            let line = self.pixels.get_mut(at..at + columns.len() * BYTES).unwrap_or_default();
            for (pixel, column) in line.chunks_exact_mut(BYTES).zip(&columns) {
                pixel[..3].copy_from_slice(&screen.average(row, column));
            }
        }
    }

    fn average(&self, rows: &Span, columns: &Span) -> Colour {
        let width = self.bounds.width as usize;
        let mut sums = [0u64; 3];
        for (y, down) in (rows.first..).zip(&rows.weights) {
            for (x, across) in (columns.first..).zip(&columns.weights) {
                let at = (y * width + x) * BYTES;
                let Some(pixel) = self.pixels.get(at..at + 3) else { continue };
                for (sum, value) in sums.iter_mut().zip(pixel) {
                    *sum += u64::from(*value) * down * across;
                }
            }
        }
        sums.map(|sum| u8::try_from((sum + WHOLE * WHOLE / 2) / (WHOLE * WHOLE)).unwrap_or(u8::MAX))
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "from 0 to 255 by the clamp"
)]
fn of_255(share: f32) -> u16 {
    (share.clamp(0.0, 1.0) * 255.0).round() as u16
}

/// For each place of `places`, what it shows of `size` pixels that are shown as `shown` from `start` on.
fn spans(places: std::ops::Range<i32>, start: i32, shown: u32, size: u32) -> Vec<Span> {
    let (shown, size) = (u64::from(shown), u64::from(size));
    let span = |place: i32| {
        let place = u64::from(place.abs_diff(start));
        // In units of 1/shown of a pixel.
        let (from, to) = (place * size, (place + 1) * size);
        let (first, last) = (from / shown, (to - 1) / shown);
        let mut weights: Vec<u64> = (first..=last)
            .map(|pixel| {
                let part = to.min((pixel + 1) * shown) - from.max(pixel * shown);
                part * WHOLE / size
            })
            .collect();
        // What rounding left over.
        let rest = WHOLE - weights.iter().sum::<u64>();
        weights.iter_mut().take(1).for_each(|weight| *weight += rest);
        Span { first: usize::try_from(first).unwrap_or(usize::MAX), weights }
    };
    places.map(span).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RED: Colour = [0, 0, 255];
    const BLUE: Colour = [255, 0, 0];

    fn colour(canvas: &Canvas, x: i32, y: i32) -> Colour {
        let at = canvas.at(x, y).unwrap();
        canvas.pixels[at..at + 3].try_into().unwrap()
    }

    fn drawn(screen: &Canvas, width: u32, height: u32) -> Canvas {
        let mut window = Canvas::new(width, height);
        let fit = Fit::new(screen.bounds(), window.bounds()).unwrap();
        window.draw(screen, &fit, fit.shown());
        window
    }

    #[test]
    fn unscaled_is_the_same_and_halved_is_the_average() {
        let mut screen = Canvas::new(4, 2);
        screen.fill(Rect::new(0, 0, 1, 2), RED);
        screen.fill(Rect::new(2, 0, 2, 2), BLUE);
        let whole = drawn(&screen, 4, 2);
        assert_eq!(whole.pixels, screen.pixels);
        let half = drawn(&screen, 2, 1);
        assert_eq!([colour(&half, 0, 0), colour(&half, 1, 0)], [[0, 0, 128], BLUE]);
    }

    #[test]
    fn one_colour_stays_that_colour_at_any_size() {
        let mut screen = Canvas::new(97, 61);
        screen.fill(screen.bounds(), [10, 200, 255]);
        for width in [30, 55, 96, 97, 150] {
            let window = drawn(&screen, width, 200);
            let fit = Fit::new(screen.bounds(), window.bounds()).unwrap().shown();
            for x in fit.left..fit.right() {
                assert_eq!(colour(&window, x, fit.center().y), [10, 200, 255], "{width} {x}");
            }
        }
    }

    #[test]
    fn a_part_must_have_its_pixels_and_lie_within() {
        let mut screen = Canvas::new(4, 4);
        assert!(screen.replace(Rect::new(1, 1, 2, 1), &[1, 2, 3, 0, 4, 5, 6, 0]));
        assert_eq!(colour(&screen, 2, 1), [4, 5, 6]);
        assert!(!screen.replace(Rect::new(1, 1, 2, 1), &[0; 7]));
        assert!(!screen.replace(Rect::new(3, 1, 2, 1), &[0; 8]));
    }

    #[test]
    fn mixing_goes_from_nothing_to_all() {
        let mut canvas = Canvas::new(1, 1);
        canvas.mix(0, 0, RED, 1.0);
        assert_eq!(colour(&canvas, 0, 0), RED);
        canvas.mix(0, 0, BLUE, 0.0);
        canvas.mix(7, 7, BLUE, 1.0);
        assert_eq!(colour(&canvas, 0, 0), RED);
    }
}
