//! Whether a text looks as if it could be clicked: what a toolkit greys out stands out less from its
//! background than text may that is to be read (WCAG 2.2, success criterion 1.4.3, large text).

use karakuri_protocol::desktop::{Hit, Via};

use crate::frame::{Frame, pixels_of};

/// Contrast below which text is greyed out.
const LEGIBLE: f64 = 3.0;

/// Whether the one thing that was found is text, and greyed out.
pub(super) fn is_greyed(frame: &Frame, hits: &[Hit]) -> bool {
    let [Hit { via: Via::Text, rect, .. }] = hits else { return false };
    let mut brightness: Vec<f64> = frame.rows(*rect).flat_map(pixels_of).map(luminance).collect();
    brightness.sort_unstable_by(f64::total_cmp);
    let (Some(darkest), Some(lightest)) = (brightness.first(), brightness.last()) else {
        return false;
    };
    // Most of the box of a text is background.
    let background = brightness[brightness.len() / 2];
    contrast(background, *darkest).max(contrast(background, *lightest)) < LEGIBLE
}

/// WCAG 2.2, "relative luminance", of blue, green, red.
fn luminance(pixel: [u8; 3]) -> f64 {
    let linear = |value: u8| {
        let value = f64::from(value) / 255.0;
        if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    let [blue, green, red] = pixel.map(linear);
    0.2126 * red + 0.7152 * green + 0.0722 * blue
}

/// WCAG 2.2, "contrast ratio".
fn contrast(one: f64, other: f64) -> f64 {
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

#[cfg(test)]
mod tests {
    use karakuri_protocol::geometry::Rect;

    use super::*;

    fn greyed(text: u8, background: u8) -> bool {
        let picture = image::RgbImage::from_fn(40, 16, |x, y| {
            let stroke = x % 7 == 0 && (3..13).contains(&y);
            image::Rgb([if stroke { text } else { background }; 3])
        });
        let frame = Frame::from_rgb(&picture).unwrap();
        let rect = Rect::new(0, 0, 40, 16);
        let hit = Hit { rect, at: rect.center(), text: None, confidence: 1.0, via: Via::Text };
        is_greyed(&frame, &[hit])
    }

    #[test]
    fn the_colours_of_toolkits_are_told_apart() {
        // Adwaita, insensitive and sensitive; its dark variant; black on white.
        assert!(greyed(0x92, 0xf5) && !greyed(0x31, 0xf5));
        assert!(greyed(0x5a, 0x35) && !greyed(0xee, 0x35));
        assert!(!greyed(0, 255) && !greyed(0x70, 255));
    }
}
