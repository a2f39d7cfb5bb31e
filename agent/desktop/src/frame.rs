//! One picture of the screen, and what may be asked of its pixels.
//!
//! Invariant: `pixels` holds exactly `width * height` pixels of four bytes, blue, green, red and a
//! padding byte that is never looked at (X servers leave anything there). Captured by the X side,
//! read by vision and locate; nothing here knows where a frame came from.

mod pixels;

use std::io::Cursor;
use std::ops::Range;

use image::{DynamicImage, ExtendedColorType, ImageEncoder, ImageFormat, ImageReader, RgbImage};
use karakuri_protocol::geometry::{Point, Rect};
use thiserror::Error;

use self::pixels::Pixels;
use crate::mapping::Mapping;

/// Bytes of one pixel.
pub const BYTES_PER_PIXEL: usize = 4;

/// The largest side of a frame or a template, in pixels: two 8K displays side by side.
pub const MAX_SIDE: u32 = 16_384;

/// Side of the squares that have one colour where the screen was not read, in pixels.
pub(crate) const CELL: u32 = 64;
/// The bits that are left of a colour's brightness in them, and what stands for those that are not.
const SHADES: u8 = 0xf0;
const MIDDLE: u8 = 0x08;

/// Why there is no frame, or no file of it.
#[derive(Debug, Error)]
pub enum FrameError {
    /// The buffer does not fit the size it is said to have.
    #[error(
        "a {width}x{height} frame needs {expected} bytes of BGRX, not {found}: capture it again"
    )]
    Size {
        /// Claimed width in pixels.
        width: u32,
        /// Claimed height in pixels.
        height: u32,
        /// Bytes that such a frame has.
        expected: u64,
        /// Bytes that were given.
        found: usize,
    },
    /// A side is zero or beyond [`MAX_SIDE`].
    #[error("a {width}x{height} frame is not between 1 and {MAX_SIDE} pixels a side")]
    Side {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
    },
    /// The picture could not be coded or decoded.
    #[error("the picture is not usable: {0}")]
    Codec(#[from] image::ImageError),
    /// The file could not be recognised.
    #[error("the picture could not be read: {0}")]
    Read(#[from] std::io::Error),
}

/// A picture of the screen or a part of it: width × height pixels, BGRX, row-major, no padding
/// between rows.
#[derive(Clone)]
pub struct Frame {
    width: u32,
    height: u32,
    pixels: Pixels,
}

impl Frame {
    /// A frame from captured bytes (BGRX, row-major, no padding).
    ///
    /// # Errors
    /// [`FrameError::Side`] or [`FrameError::Size`].
    pub fn new(width: u32, height: u32, pixels: Vec<u8>) -> Result<Self, FrameError> {
        Self::of(width, height, Pixels::Own(pixels))
    }

    /// A frame whose pixels, as in [`Frame::new`], are in memory shared with the server.
    ///
    /// # Errors
    /// As [`Frame::new`].
    pub(crate) fn shared(width: u32, height: u32, pixels: Mapping) -> Result<Self, FrameError> {
        Self::of(width, height, Pixels::Shared(pixels))
    }

    /// The memory that is shared with the server, if the pixels are there.
    pub(crate) fn mapping(&self) -> Option<&Mapping> {
        match &self.pixels {
            Pixels::Own(_) => None,
            Pixels::Shared(mapping) => Some(mapping),
        }
    }

    fn of(width: u32, height: u32, pixels: Pixels) -> Result<Self, FrameError> {
        if !(1..=MAX_SIDE).contains(&width) || !(1..=MAX_SIDE).contains(&height) {
            return Err(FrameError::Side { width, height });
        }
        let expected = u64::from(width) * u64::from(height) * BYTES_PER_PIXEL as u64;
        if pixels.len() as u64 != expected {
            return Err(FrameError::Size { width, height, expected, found: pixels.len() });
        }
        Ok(Self { width, height, pixels })
    }

    /// A black frame.
    ///
    /// # Errors
    /// [`FrameError::Side`].
    pub(crate) fn black(width: u32, height: u32) -> Result<Self, FrameError> {
        let bytes = u64::from(width) * u64::from(height) * BYTES_PER_PIXEL as u64;
        Self::new(width, height, vec![0; usize::try_from(bytes).unwrap_or(0)])
    }

    /// A frame from an RGB picture.
    ///
    /// # Errors
    /// [`FrameError::Side`].
    pub fn from_rgb(image: &RgbImage) -> Result<Self, FrameError> {
        let pixels = image.pixels().flat_map(|p| [p.0[2], p.0[1], p.0[0], u8::MAX]).collect();
        Self::new(image.width(), image.height(), pixels)
    }

    /// A frame from the bytes of a PNG or WebP file. Transparency is dropped.
    ///
    /// # Errors
    /// [`FrameError::Codec`] when the bytes are no such picture or one beyond [`MAX_SIDE`].
    pub fn decode(file: &[u8]) -> Result<Self, FrameError> {
        let mut reader = ImageReader::new(Cursor::new(file)).with_guessed_format()?;
        let mut limits = image::Limits::default();
        limits.max_image_width = Some(MAX_SIDE);
        limits.max_image_height = Some(MAX_SIDE);
        reader.limits(limits);
        Self::from_rgb(&reader.decode()?.into_rgb8())
    }

    /// Width in pixels.
    #[must_use]
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Height in pixels.
    #[must_use]
    pub fn height(&self) -> u32 {
        self.height
    }

    /// The bytes: BGRX, row-major, no padding.
    #[must_use]
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// The whole frame as a rectangle, origin at its own top left.
    #[must_use]
    pub fn bounds(&self) -> Rect {
        Rect::new(0, 0, self.width, self.height)
    }

    /// The rows of `region` from the top, each `width * 4` bytes. What lies outside is left out.
    pub fn rows(&self, region: Rect) -> impl Iterator<Item = &[u8]> {
        let inside = self.bounds().intersection(&region).unwrap_or(Rect::new(0, 0, 0, 0));
        let column = |x: i32| usize::try_from(x).unwrap_or(0) * BYTES_PER_PIXEL;
        let (from, to) = (column(inside.left), column(inside.right()));
        let stride = self.width as usize * BYTES_PER_PIXEL;
        let first = usize::try_from(inside.top).unwrap_or(0);
        self.pixels
            .chunks_exact(stride)
            .skip(first)
            .take(inside.height as usize)
            .map(move |row| &row[from..to])
    }

    /// The part of the frame inside `region`, or nothing when they do not meet.
    #[must_use]
    pub fn crop(&self, region: Rect) -> Option<Self> {
        let inside = self.bounds().intersection(&region)?;
        let mut pixels =
            Vec::with_capacity(inside.width as usize * inside.height as usize * BYTES_PER_PIXEL);
        self.rows(inside).for_each(|row| pixels.extend_from_slice(row));
        Some(Self { width: inside.width, height: inside.height, pixels: Pixels::Own(pixels) })
    }

    /// The rows of `region`, as [`Frame::rows`] has them, to be written.
    pub(crate) fn rows_mut(&mut self, region: Rect) -> impl Iterator<Item = &mut [u8]> {
        let inside = self.bounds().intersection(&region).unwrap_or(Rect::new(0, 0, 0, 0));
        let column = |x: i32| usize::try_from(x).unwrap_or(0) * BYTES_PER_PIXEL;
        let (from, to) = (column(inside.left), column(inside.right()));
        let stride = self.width as usize * BYTES_PER_PIXEL;
        let first = usize::try_from(inside.top).unwrap_or(0);
        self.pixels
            .chunks_exact_mut(stride)
            .skip(first)
            .take(inside.height as usize)
            .map(move |row| &mut row[from..to])
    }

    /// Makes `region`, which lies within the frame, show `pixels`: BGRX, row-major, no padding.
    pub(crate) fn put(&mut self, region: Rect, pixels: &[u8]) {
        let rows = pixels.chunks_exact(region.width as usize * BYTES_PER_PIXEL);
        self.rows_mut(region).zip(rows).for_each(|(to, from)| to.copy_from_slice(from));
    }

    /// Makes `region` show what `other`, a picture of the same size, shows there.
    pub(crate) fn copy_from(&mut self, other: &Self, region: Rect) {
        if self.bounds() == other.bounds() {
            self.rows_mut(region)
                .zip(other.rows(region))
                .for_each(|(to, from)| to.copy_from_slice(from));
        }
    }

    /// Gives every pixel of `region` one colour: blue, green, red.
    pub(crate) fn fill(&mut self, region: Rect, [blue, green, red]: [u8; 3]) {
        for row in self.rows_mut(region) {
            row.as_chunks_mut::<BYTES_PER_PIXEL>().0.fill([blue, green, red, u8::MAX]);
        }
    }

    /// The picture with one colour for each square of [`CELL`] pixels, in which no text can be told.
    pub(crate) fn coarse(&self) -> Self {
        let mut coarse = self.clone();
        let starts =
            |side: u32| (0..i32::try_from(side).unwrap_or(i32::MAX)).step_by(CELL as usize);
        for top in starts(self.height) {
            for left in starts(self.width) {
                let cell = Rect::new(left, top, CELL, CELL);
                coarse.fill(cell, shade(self.rows(cell)));
            }
        }
        coarse
    }

    /// The part of the frame between two columns, in its full height.
    pub(crate) fn columns(&self, columns: Range<usize>) -> Option<Self> {
        let left = i32::try_from(columns.start).ok()?;
        let width = u32::try_from(columns.len()).ok()?;
        self.crop(Rect::new(left, 0, width, self.height))
    }

    /// The picture at half its size, each pixel the mean of four; the last row or column of an odd
    /// number is left out. Nothing when a side is a single pixel.
    pub(crate) fn halved(&self) -> Option<Self> {
        let stride = self.width as usize * BYTES_PER_PIXEL;
        let (width, height) = (self.width / 2, self.height / 2);
        let mut pixels = Vec::with_capacity(self.pixels.len() / 4);
        for rows in self.pixels.chunks_exact(2 * stride) {
            let (upper, lower) = rows.split_at(stride);
            let pairs = upper.chunks_exact(8).zip(lower.chunks_exact(8));
            pixels.extend(pairs.flat_map(|(a, b)| {
                let mean = |c: usize| {
                    let sum = u16::from(a[c])
                        + u16::from(a[c + 4])
                        + u16::from(b[c])
                        + u16::from(b[c + 4]);
                    u8::try_from((sum + 2) / 4).unwrap_or(u8::MAX)
                };
                [mean(0), mean(1), mean(2), u8::MAX]
            }));
        }
        Self::new(width, height, pixels).ok()
    }

    /// Whether any pixel of `region` differs. Frames of different sizes differ.
    #[must_use]
    pub fn differs_in(&self, other: &Self, region: Rect) -> bool {
        self.bounds() != other.bounds()
            || self.rows(region).zip(other.rows(region)).any(|(a, b)| row_differs(a, b))
    }

    /// The smallest rectangle around what differs between `part` of this picture and `frame`, which
    /// shows this picture with its top left corner at `corner`. In pixels of this picture.
    pub(crate) fn difference(&self, part: Rect, frame: &Self, corner: Point) -> Option<Rect> {
        let place = Rect { left: part.left + corner.x, top: part.top + corner.y, ..part };
        if frame.bounds().intersection(&place) != Some(place) {
            return Some(part);
        }
        let (mut left, mut right, mut rows) = (u32::MAX, 0, None);
        let pairs = (0_u32..).zip(self.rows(part).zip(frame.rows(place)));
        for (y, (first, last)) in pairs.filter_map(|(y, (a, b))| Some((y, ends(a, b)?))) {
            (left, right) = (left.min(first), right.max(last + 1));
            rows = Some((rows.map_or(y, |(top, _)| top), y + 1));
        }
        let (top, bottom) = rows?;
        Some(Rect::new(
            part.left.saturating_add_unsigned(left),
            part.top.saturating_add_unsigned(top),
            right - left,
            bottom - top,
        ))
    }

    /// The share of the pixels of `region` that differ, 0 to 1. Frames of different sizes differ
    /// everywhere.
    #[must_use]
    pub fn changed_fraction(&self, other: &Self, region: Rect) -> f64 {
        if self.bounds() != other.bounds() {
            return 1.0;
        }
        let (mut changed, mut all) = (0_u32, 0_u32);
        for (a, b) in self.rows(region).zip(other.rows(region)) {
            for (p, q) in pixels_of(a).zip(pixels_of(b)) {
                changed += u32::from(p != q);
                all += 1;
            }
        }
        f64::from(changed) / f64::from(all.max(1))
    }

    /// The frame as a PNG file.
    ///
    /// # Errors
    /// [`FrameError::Codec`].
    pub fn encode_png(&self) -> Result<Vec<u8>, FrameError> {
        let mut file = Cursor::new(Vec::new());
        DynamicImage::ImageRgb8(self.to_rgb()).write_to(&mut file, ImageFormat::Png)?;
        Ok(file.into_inner())
    }

    /// The frame as a lossless WebP file.
    ///
    /// # Errors
    /// [`FrameError::Codec`].
    pub fn encode_webp(&self) -> Result<Vec<u8>, FrameError> {
        let mut file = Vec::new();
        image::codecs::webp::WebPEncoder::new_lossless(&mut file).write_image(
            self.to_rgb().as_raw(),
            self.width,
            self.height,
            ExtendedColorType::Rgb8,
        )?;
        Ok(file)
    }

    fn to_rgb(&self) -> RgbImage {
        let mut rgb = RgbImage::new(self.width, self.height);
        for (to, from) in rgb.pixels_mut().zip(pixels_of(&self.pixels)) {
            to.0 = [from[2], from[1], from[0]];
        }
        rgb
    }
}

/// Shows the size and no pixels: a frame may hold personal data.
impl std::fmt::Debug for Frame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Frame({}x{})", self.width, self.height)
    }
}

/// The mean colour of some rows, in 16 levels a channel: one character more or less does not change it.
pub(crate) fn shade<'a>(rows: impl Iterator<Item = &'a [u8]>) -> [u8; 3] {
    let (mut sums, mut count) = ([0_u32; 3], 0);
    for pixel in rows.flat_map(pixels_of) {
        sums.iter_mut().zip(pixel).for_each(|(sum, value)| *sum += u32::from(value));
        count += 1;
    }
    sums.map(|sum| u8::try_from(sum / count.max(1)).unwrap_or(u8::MAX) & SHADES | MIDDLE)
}

/// The colours of a row: blue, green, red.
pub(crate) fn pixels_of(
    row: &[u8],
) -> impl DoubleEndedIterator<Item = [u8; 3]> + ExactSizeIterator {
    row.chunks_exact(BYTES_PER_PIXEL).map(|p| [p[0], p[1], p[2]])
}

fn row_differs(a: &[u8], b: &[u8]) -> bool {
    // Equal bytes are the usual case and compare at memory speed; only then is padding looked at.
    a != b && pixels_of(a).ne(pixels_of(b))
}

/// The first and the last pixel of two rows whose colours differ. Equal blocks are passed over at the
/// speed of memory.
fn ends(a: &[u8], b: &[u8]) -> Option<(u32, u32)> {
    const BLOCK: usize = 64 * BYTES_PER_PIXEL;
    let (blocks_a, blocks_b) = (a.chunks(BLOCK), b.chunks(BLOCK));
    let mut differing = (0_u32..)
        .step_by(BLOCK / BYTES_PER_PIXEL)
        .zip(blocks_a.zip(blocks_b))
        .filter(|(_, (p, q))| p != q)
        .filter_map(|(at, (p, q))| Some((at, differing_in(p, q)?)));
    let (at, (first, last)) = differing.next()?;
    let last = differing.last().map_or(at + last, |(at, (_, last))| at + last);
    Some((at + first, last))
}

/// The same of two blocks.
fn differing_in(a: &[u8], b: &[u8]) -> Option<(u32, u32)> {
    let mut pairs = (0_u32..).zip(pixels_of(a).zip(pixels_of(b))).filter(|(_, (p, q))| p != q);
    let first = pairs.next()?.0;
    Some((first, pairs.last().map_or(first, |(last, _)| last)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gradient() -> Frame {
        let byte = |value: u32| u8::try_from(value).unwrap();
        let image = RgbImage::from_fn(8, 4, |x, y| image::Rgb([byte(x), byte(y), 7]));
        Frame::from_rgb(&image).unwrap()
    }

    #[test]
    fn a_wrong_buffer_is_refused() {
        let error = Frame::new(2, 2, vec![0; 15]).unwrap_err();
        assert!(matches!(error, FrameError::Size { expected: 16, found: 15, .. }), "{error}");
        assert!(matches!(Frame::new(0, 2, Vec::new()), Err(FrameError::Side { .. })));
    }

    #[test]
    fn a_crop_keeps_its_pixels_and_is_cut_at_the_edge() {
        let part = gradient().crop(Rect::new(6, 2, 10, 10)).unwrap();
        assert_eq!((part.width(), part.height()), (2, 2));
        assert_eq!(&part.pixels()[..4], &[7, 2, 6, 255]);
        assert!(gradient().crop(Rect::new(8, 0, 1, 1)).is_none());
    }

    #[test]
    fn padding_is_no_difference_and_colour_is() {
        let (a, mut b) = (gradient(), gradient());
        b.pixels[3] = 0;
        assert!(!a.differs_in(&b, a.bounds()));
        b.pixels[0] ^= 1;
        assert!(a.differs_in(&b, a.bounds()));
        assert!(!a.differs_in(&b, Rect::new(1, 0, 7, 4)));
        assert_eq!(a.changed_fraction(&b, a.bounds()), 1.0 / 32.0);
    }

    #[test]
    fn a_difference_is_tight() {
        let (all, mut part) = (gradient(), gradient().crop(Rect::new(2, 1, 4, 3)).unwrap());
        let differs = |part: &Frame, x, y| part.difference(part.bounds(), &all, Point { x, y });
        assert_eq!(differs(&part, 2, 1), None);
        assert_eq!(differs(&part, 3, 1), Some(part.bounds()));
        assert_eq!(differs(&part, 5, 1), Some(part.bounds()), "beyond the edge");
        part.pixels[4 * 5] ^= 1;
        part.pixels[4 * 10 + 3] ^= 1;
        assert_eq!(differs(&part, 2, 1), Some(Rect::new(1, 1, 1, 1)));
    }

    #[test]
    fn the_ends_of_a_difference_are_found_in_any_block() {
        let row = vec![0; 200 * 4];
        let differs = |pixels: &[usize]| {
            let mut other = row.clone();
            pixels.iter().for_each(|pixel| other[pixel * 4 + 1] = 1);
            // Padding, which is none.
            other[60 * 4 + 3] = 9;
            ends(&row, &other)
        };
        assert_eq!(differs(&[]), None);
        assert_eq!(differs(&[63]), Some((63, 63)));
        assert_eq!(differs(&[64, 70]), Some((64, 70)));
        assert_eq!(differs(&[5, 199]), Some((5, 199)));
    }

    #[test]
    fn half_a_picture_is_its_means() {
        let half = gradient().halved().unwrap();
        assert_eq!((half.width(), half.height()), (4, 2));
        // Blue is constant; rows 2 and 3, and columns 6 and 7, have means of 2.5 and 6.5.
        assert_eq!(half.pixels()[4 * 7..], [7, 3, 7, 255]);
        assert!(gradient().crop(Rect::new(0, 0, 8, 1)).unwrap().halved().is_none());
    }

    #[test]
    fn both_files_give_the_pixels_back() {
        let frame = gradient();
        for file in [frame.encode_png().unwrap(), frame.encode_webp().unwrap()] {
            assert_eq!(Frame::decode(&file).unwrap().pixels(), frame.pixels());
        }
    }
}
