//! Words in the window, drawn with the one font that a machine for runs has.

use ab_glyph::{Font, FontVec, PxScale, ScaleFont, point};
use karakuri_protocol::geometry::Point;

use crate::canvas::{Canvas, Colour};
use crate::error::WatchError;

/// Of the package fonts-dejavu-core, which packaging/apt/run.txt lists.
const FONT: &str = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf";

/// The font in one size.
pub(crate) struct Letters {
    font: FontVec,
    size: PxScale,
}

impl Letters {
    /// Reads the font; `height` is that of a line, in pixels.
    pub(crate) fn open(height: f32) -> Result<Self, WatchError> {
        let failed = |reason: String| WatchError::Font { path: FONT, reason };
        let file = std::fs::read(FONT).map_err(|e| failed(e.to_string()))?;
        let font = FontVec::try_from_vec(file).map_err(|e| failed(e.to_string()))?;
        Ok(Self { font, size: PxScale::from(height) })
    }

    /// How wide `text` is, in pixels.
    pub(crate) fn width(&self, text: &str) -> f32 {
        let font = self.font.as_scaled(self.size);
        text.chars().map(|c| font.h_advance(font.glyph_id(c))).sum()
    }

    /// Draws `text` from `left` on, its line in the middle of the height `middle`.
    pub(crate) fn draw(&self, canvas: &mut Canvas, text: &str, at: Point, colour: Colour) {
        let font = self.font.as_scaled(self.size);
        let (mut left, middle) = (coordinate(at.x), coordinate(at.y));
        let base = (middle + (font.ascent() + font.descent()) / 2.0).round();
        for character in text.chars() {
            let mut glyph = font.scaled_glyph(character);
            glyph.position = point(left, base);
            left += font.h_advance(glyph.id);
            let Some(outline) = font.outline_glyph(glyph) else { continue };
            let corner = outline.px_bounds().min;
            let (x0, y0) = (pixels(corner.x), pixels(corner.y));
            outline.draw(|x, y, share| {
                let place = (x0.saturating_add_unsigned(x), y0.saturating_add_unsigned(y));
                canvas.mix(place.0, place.1, colour, share);
            });
        }
    }
}

impl std::fmt::Debug for Letters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Letters").field("size", &self.size).finish_non_exhaustive()
    }
}

/// Exact for what a window measures.
fn coordinate(value: i32) -> f32 {
    i16::try_from(value).map_or(f32::from(i16::MAX), f32::from)
}

/// Rounded up.
#[expect(clippy::cast_possible_truncation, reason = "a place in a window; a float saturates")]
pub(crate) fn pixels(value: f32) -> i32 {
    value.ceil() as i32
}
