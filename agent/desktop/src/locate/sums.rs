//! Sums over any small rectangle of a frame in constant time (summed-area tables; Crow, SIGGRAPH
//! 1984).
//!
//! The tables wrap around at 2^32, which is harmless as long as the sum over the rectangle that is
//! asked for does not: at most [`MAX_AREA`] pixels.

use crate::frame::{Frame, pixels_of};

/// The most pixels a rectangle may have: the squares of three colours then stay below 2^32.
pub(crate) const MAX_AREA: usize = (u32::MAX / (3 * 255 * 255)) as usize;

/// Tables of the sums of the three colours and of the squares of all of them.
pub(crate) struct Sums {
    stride: usize,
    /// For each corner, blue, green, red, and squares.
    table: Vec<[u32; 4]>,
}

/// The sums over one rectangle.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Sum {
    pub(crate) colours: [f64; 3],
    pub(crate) squares: f64,
}

impl Sums {
    pub(crate) fn of(frame: &Frame) -> Self {
        let stride = frame.width() as usize + 1;
        let mut table = vec![[0_u32; 4]; stride * (frame.height() as usize + 1)];
        for (y, row) in frame.rows(frame.bounds()).enumerate() {
            let (above, below) = table[y * stride..].split_at_mut(stride);
            let mut along = [0_u32; 4];
            for ((up, sum), pixel) in above[1..].iter().zip(&mut below[1..]).zip(pixels_of(row)) {
                let [b, g, r] = pixel.map(u32::from);
                let added = [b, g, r, b * b + g * g + r * r];
                along = std::array::from_fn(|i| along[i].wrapping_add(added[i]));
                *sum = std::array::from_fn(|i| up[i].wrapping_add(along[i]));
            }
        }
        Self { stride, table }
    }

    /// The sums over `width` × `height` pixels, at most [`MAX_AREA`], from column `x` and row `y`.
    pub(crate) fn over(&self, x: usize, y: usize, width: usize, height: usize) -> Sum {
        let (top, bottom) = (y * self.stride + x, (y + height) * self.stride + x);
        let (a, b) = (self.table[top], self.table[top + width]);
        let (c, d) = (self.table[bottom], self.table[bottom + width]);
        let sum =
            |i: usize| f64::from(d[i].wrapping_add(a[i]).wrapping_sub(b[i]).wrapping_sub(c[i]));
        Sum { colours: [sum(0), sum(1), sum(2)], squares: sum(3) }
    }
}

impl Sum {
    /// The sum of the squares of the differences from `means`, over `count` pixels.
    pub(crate) fn energy(&self, means: [f64; 3], count: f64) -> f64 {
        let crossed: f64 = self.colours.iter().zip(means).map(|(sum, mean)| sum * mean).sum();
        let squared: f64 = means.iter().map(|mean| mean * mean).sum();
        (self.squares - 2.0 * crossed + count * squared).max(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{Rgb, RgbImage};

    #[test]
    fn any_rectangle_sums_up() {
        let byte = |value: u32| u8::try_from(value).unwrap();
        let image = RgbImage::from_fn(4, 3, |x, y| Rgb([byte(x), byte(y), 2]));
        let sums = Sums::of(&Frame::from_rgb(&image).unwrap());
        let sum = sums.over(1, 1, 2, 2);
        assert_eq!(sum.colours, [8.0, 6.0, 6.0]);
        assert_eq!(sum.squares, 16.0 + 10.0 + 10.0);
        assert_eq!(sum.energy([2.0, 1.5, 1.5], 4.0), 2.0);
    }

    #[test]
    fn the_largest_rectangle_sums_up_after_the_table_wrapped() {
        let white = Frame::from_rgb(&RgbImage::from_pixel(400, 200, Rgb([255; 3]))).unwrap();
        let sum = Sums::of(&white).over(180, 90, MAX_AREA / 100, 100);
        let pixels = (MAX_AREA / 100 * 100) as f64;
        assert_eq!(sum.squares, pixels * 3.0 * 255.0 * 255.0);
    }
}
