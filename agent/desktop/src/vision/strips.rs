//! Cutting what the detector looks at into strips, because its memory grows with the picture.
//!
//! A line at the seam of two strips is seen from both, as each is seen with what surrounds it.

use karakuri_protocol::geometry::Rect;

use crate::frame::{Frame, pixels_of};

/// The most pixels that the detector should be given at once: half a screen of 1920 × 1080.
pub(crate) const PIXELS: u32 = 1_200_000;
/// How far from where an even share ends a strip may end, in pixels.
const LEEWAY: u32 = 48;

/// Strips of `area` of at most about `most` pixels, from the top to the bottom; they end where the
/// least is drawn.
pub(crate) fn of(frame: &Frame, area: Rect, most: u32) -> Vec<Rect> {
    let Some(area) = area.intersection(&frame.bounds()) else { return Vec::new() };
    let count = (area.width * area.height).div_ceil(most).min(area.height);
    let mut strips = Vec::new();
    let mut rest = area;
    for left in (1..=count).rev() {
        let height = if left == 1 { rest.height } else { calmest(frame, rest, rest.height / left) };
        strips.push(Rect { height, ..rest });
        rest.top = rest.top.saturating_add_unsigned(height);
        rest.height -= height;
    }
    strips.retain(|strip| strip.height > 0);
    strips
}

/// The row of `area` near `target` at which the fewest neighbouring pixels differ.
fn calmest(frame: &Frame, area: Rect, target: u32) -> u32 {
    let rows = target.saturating_sub(LEEWAY).max(1)..(target + LEEWAY).min(area.height);
    let edges = |row: &u32| {
        let top = area.top.saturating_add_unsigned(*row);
        let pixels = frame.rows(Rect { top, height: 1, ..area }).flat_map(pixels_of);
        let behind = frame.rows(Rect { top, height: 1, ..area }).flat_map(pixels_of).skip(1);
        pixels.zip(behind).filter(|(one, next)| one != next).count()
    };
    rows.min_by_key(|row| (edges(row), row.abs_diff(target))).unwrap_or(target)
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{Rgb, RgbImage};

    /// Stripes of text, 14 rows in 20.
    fn frame(width: u32, height: u32) -> Frame {
        let text = |x: u32, y: u32| y % 20 < 14 && x.is_multiple_of(3);
        let image = RgbImage::from_fn(width, height, |x, y| Rgb([u8::from(text(x, y)); 3]));
        Frame::from_rgb(&image).unwrap()
    }

    #[test]
    fn a_small_picture_is_one_strip() {
        let area = Rect::new(10, 10, 1000, 900);
        assert_eq!(of(&frame(1280, 950), area, PIXELS), [area]);
        assert_eq!(of(&frame(40, 40), Rect::new(40, 0, 10, 10), PIXELS), []);
    }

    #[test]
    fn strips_end_between_the_lines_and_cover_all() {
        let frame = frame(1920, 1400);
        let strips = of(&frame, frame.bounds(), PIXELS);
        assert_eq!(
            strips.iter().map(|s| (s.top, s.height)).collect::<Vec<_>>(),
            [(0, 459), (459, 475), (934, 466)]
        );
    }
}
