//! From pixels to the numbers the models were trained on.
//!
//! PP-OCR was trained on OpenCV pictures, so channel 0 is blue: the order of a frame already.

use image::imageops::{self, FilterType};
use image::{Rgb, RgbImage};

use super::runtime::Picture;
use crate::frame::{Frame, pixels_of};

/// Sides that the detector takes are multiples of this.
const STRIDE: usize = 32;

/// Mean and deviation of each channel (PaddleOCR `NormalizeImage`), for values from 0 to 1.
const MEAN: [f32; 3] = [0.485, 0.456, 0.406];
const DEVIATION: [f32; 3] = [0.229, 0.224, 0.225];

/// Height of the lines that recognition takes.
pub(crate) const LINE_HEIGHT: u32 = 48;

/// A whole frame for detection: never scaled, the last column and row repeated up to a multiple of
/// 32.
pub(crate) fn for_detection(frame: &Frame) -> Picture {
    let (columns, rows) = (frame.width() as usize, frame.height() as usize);
    let (width, height) = (columns.next_multiple_of(STRIDE), rows.next_multiple_of(STRIDE));
    let tables = [0, 1, 2].map(|c| normalised(MEAN[c], DEVIATION[c]));
    let mut values = vec![0.0; 3 * width * height];
    for (channel, plane) in values.chunks_exact_mut(width * height).enumerate() {
        for (row, to) in frame.rows(frame.bounds()).zip(plane.chunks_exact_mut(width)) {
            for (value, pixel) in to.iter_mut().zip(pixels_of(row)) {
                *value = tables[channel][usize::from(pixel[channel])];
            }
            let edge = to[columns - 1];
            to[columns..].fill(edge);
        }
        for row in rows..height {
            plane.copy_within((rows - 1) * width..rows * width, row * width);
        }
    }
    Picture { width, height, values }
}

/// A cut-out line for recognition: 48 pixels high, as wide as its shape asks, values from -1 to 1.
pub(crate) fn for_recognition(line: &Frame) -> Picture {
    let width = (line.width() * LINE_HEIGHT).div_ceil(line.height()).max(LINE_HEIGHT / 4);
    let mut bgr = RgbImage::new(line.width(), line.height());
    for (to, from) in bgr.pixels_mut().zip(pixels_of(line.pixels())) {
        *to = Rgb(from);
    }
    let scaled = imageops::resize(&bgr, width, LINE_HEIGHT, FilterType::Triangle);
    let table = normalised(0.5, 0.5);
    let mut values = Vec::with_capacity(3 * scaled.len());
    for channel in 0..3 {
        values.extend(scaled.pixels().map(|pixel| table[usize::from(pixel.0[channel])]));
    }
    Picture { width: width as usize, height: LINE_HEIGHT as usize, values }
}

fn normalised(mean: f32, deviation: f32) -> [f32; 256] {
    let mut table = [0.0; 256];
    for (byte, value) in (0_u8..=255).zip(&mut table) {
        *value = (f32::from(byte) / 255.0 - mean) / deviation;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(width: u32, height: u32) -> Frame {
        Frame::from_rgb(&RgbImage::from_pixel(width, height, Rgb([255, 0, 128]))).unwrap()
    }

    #[test]
    fn detection_pads_to_its_stride_and_keeps_the_channels() {
        let picture = for_detection(&frame(33, 31));
        assert_eq!((picture.width, picture.height), (64, 32));
        let plane = 64 * 32;
        let blue = (128.0 / 255.0 - MEAN[0]) / DEVIATION[0];
        let red = (1.0 - MEAN[2]) / DEVIATION[2];
        assert!(picture.values[..plane].iter().all(|v| *v == blue));
        assert!(picture.values[2 * plane..].iter().all(|v| *v == red));
    }

    #[test]
    fn a_line_keeps_its_shape() {
        let picture = for_recognition(&frame(200, 24));
        assert_eq!((picture.width, picture.height), (400, 48));
        assert_eq!(picture.values.len(), 3 * 400 * 48);
    }
}
