//! Sums over 3 × 3 pixels, by which pictures are compared: noise evens out in them, the stroke of a
//! glyph does not.

use crate::frame::{BYTES_PER_PIXEL, Frame};

/// Side of a box in pixels.
pub(crate) const SIDE: usize = 3;
/// Pixels of a box.
pub(crate) const PIXELS: u16 = 9;
/// Levels of a channel's sum that fall into one class of a [`Palette`], as a power of two.
const CLASS_BITS: u16 = 8;
/// Classes of a channel: 9 × 255 is less than 9 × 256.
const CLASSES: usize = 9;
/// Every so many columns and rows a box is counted in a [`Palette`].
const SAMPLED: usize = 4;

/// The sums of blue, green and red over a box; the fourth is of padding.
pub(crate) type Sums = [u16; BYTES_PER_PIXEL];

/// The boxes of a frame, each at its top left pixel.
pub(crate) struct Boxes {
    width: usize,
    sums: Vec<Sums>,
}

impl Boxes {
    /// Of all of `frame`; it has none when a side is shorter than a box.
    pub(crate) fn of(frame: &Frame) -> Self {
        let stride = frame.width() as usize * BYTES_PER_PIXEL;
        let width = (frame.width() as usize + 1).saturating_sub(SIDE);
        let mut sums = Vec::with_capacity(width * frame.height() as usize);
        let mut columns = vec![0_u16; stride];
        for three in frame.pixels().windows(SIDE * stride).step_by(stride) {
            let (first, rest) = three.split_at(stride);
            let (second, third) = rest.split_at(stride);
            for (sum, ((a, b), c)) in columns.iter_mut().zip(first.iter().zip(second).zip(third)) {
                *sum = u16::from(*a) + u16::from(*b) + u16::from(*c);
            }
            let (pixels, _) = columns.as_chunks::<BYTES_PER_PIXEL>();
            sums.extend(pixels.windows(SIDE).map(|three| -> Sums {
                std::array::from_fn(|c| three[0][c] + three[1][c] + three[2][c])
            }));
        }
        Self { width, sums }
    }

    /// The box at column `x` and row `y`.
    pub(crate) fn at(&self, x: usize, y: usize) -> &Sums {
        &self.sums[y * self.width + x]
    }

    /// `count` boxes of row `y` from column `x`.
    pub(crate) fn row(&self, x: usize, y: usize, count: usize) -> &[Sums] {
        &self.sums[y * self.width + x..][..count]
    }

    /// All boxes with their columns and rows.
    pub(crate) fn all(&self) -> impl Iterator<Item = (usize, usize, &Sums)> {
        let width = self.width.max(1);
        self.sums.iter().enumerate().map(move |(i, sums)| (i % width, i / width, sums))
    }
}

/// How often colours occur in a frame, roughly.
pub(crate) struct Palette {
    counts: Vec<u32>,
}

impl Palette {
    pub(crate) fn of(boxes: &Boxes) -> Self {
        let mut counts = vec![0; CLASSES.pow(3)];
        for row in boxes.sums.chunks(boxes.width.max(1)).step_by(SAMPLED) {
            for sums in row.iter().step_by(SAMPLED) {
                counts[class(sums.map(|sum| usize::from(sum >> CLASS_BITS)))] += 1;
            }
        }
        Self { counts }
    }

    /// How often boxes like this one occur: with every channel at most one class away.
    pub(crate) fn commonness(&self, sums: &Sums) -> u32 {
        let near = |c: usize| {
            let class = usize::from(sums[c] >> CLASS_BITS);
            class.saturating_sub(1)..(class + 2).min(CLASSES)
        };
        let all =
            near(0).flat_map(|b| near(1).flat_map(move |g| near(2).map(move |r| [b, g, r, 0])));
        all.map(|classes| self.counts[class(classes)]).sum()
    }
}

fn class([b, g, r, _]: [usize; BYTES_PER_PIXEL]) -> usize {
    (b * CLASSES + g) * CLASSES + r
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{Rgb, RgbImage};

    #[test]
    fn a_box_is_the_sum_of_nine_pixels() {
        let byte = |value: u32| u8::try_from(value).unwrap();
        let image = RgbImage::from_fn(5, 4, |x, y| Rgb([byte(x), byte(y), 255]));
        let boxes = Boxes::of(&Frame::from_rgb(&image).unwrap());
        assert_eq!(boxes.all().count(), 3 * 2);
        assert_eq!(boxes.at(2, 1)[..3], [9 * 255, 9 * 2, 9 * 3]);
        assert_eq!(boxes.row(1, 1, 2)[1], *boxes.at(2, 1));
        let narrow = Frame::from_rgb(&RgbImage::new(2, 9)).unwrap();
        assert_eq!(Boxes::of(&narrow).all().count(), 0);
    }

    #[test]
    fn what_is_seldom_is_told_from_what_is_common() {
        let mut image = RgbImage::from_pixel(40, 40, Rgb([240, 240, 240]));
        (16..24).for_each(|x| (16..24).for_each(|y| image.put_pixel(x, y, Rgb([200, 0, 0]))));
        let boxes = Boxes::of(&Frame::from_rgb(&image).unwrap());
        let palette = Palette::of(&boxes);
        let (plain, red) = (boxes.at(0, 0), boxes.at(18, 18));
        assert_eq!(palette.commonness(red), 4);
        assert!(palette.commonness(plain) > 80);
    }
}
