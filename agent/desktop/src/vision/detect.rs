//! Finding where text stands.
//!
//! A screen is looked at in strips, as the model's memory grows with the picture. A large screen is
//! looked at at half its size first: where a display is scaled, that is all that is needed.

use karakuri_protocol::geometry::Rect;

use super::change::{around, shifted};
use super::components::Map;
use super::error::VisionError;
use super::runtime::{Model, Runtime};
use super::verified::Verified;
use super::{place, strips, tensor};
use crate::frame::Frame;

/// Pixels around an area that the model sees too, so that nothing looks cut off to it.
const CONTEXT: u32 = 32;
/// Pixels around a strip within which the middle of a line may lie: two strips see a line between
/// them a little differently, and it must not get lost.
const SEAM: u32 = 4;
/// Height in pixels from which the box of a line is large enough to be found at half its size:
/// then it is as high as one of the smallest print that is read well.
const LARGE: u32 = 30;

/// A text detector.
#[derive(Debug)]
pub(crate) struct Detector {
    model: Model,
}

impl Detector {
    pub(crate) fn load(runtime: &Runtime, file: &Verified) -> Result<Self, VisionError> {
        Ok(Self { model: runtime.model(file)? })
    }

    /// How many times it ran.
    pub(crate) fn runs(&self) -> u64 {
        self.model.runs()
    }

    /// The boxes of text in `area` of `frame` and what surrounds it, in no particular order.
    pub(crate) fn boxes(&mut self, frame: &Frame, area: Rect) -> Result<Vec<Rect>, VisionError> {
        if area.width * area.height > 2 * strips::PIXELS {
            let halved = self.boxes_in_strips(frame, area, 2)?;
            let small = halved.iter().filter(|found| found.height < LARGE).count();
            if small * 10 <= halved.len() {
                return Ok(halved);
            }
        }
        self.boxes_in_strips(frame, area, 1)
    }

    /// The same, looking at a picture `scale` times smaller, which is 1 or 2.
    fn boxes_in_strips(
        &mut self,
        frame: &Frame,
        area: Rect,
        scale: u32,
    ) -> Result<Vec<Rect>, VisionError> {
        let mut boxes: Vec<Rect> = Vec::new();
        let strips = strips::of(frame, area, strips::PIXELS * scale * scale);
        for strip in &strips {
            let seen = around(strip, CONTEXT * scale).intersection(&frame.bounds());
            let Some((seen, part)) = seen.and_then(|r| Some((r, frame.crop(r)?))) else { continue };
            let part = if scale == 2 { part.halved() } else { Some(part) };
            let found = part.map_or(Ok(Vec::new()), |part| self.detected(&part))?;
            for found in found.into_iter().map(|f| shifted(enlarged(f, scale), seen.left, seen.top))
            {
                // What the surroundings of a strip cut is whole in the next.
                let inside = strips.len() == 1 || around(strip, SEAM).contains(found.center());
                if inside && !boxes.iter().any(|other| place::is_twice(other, &found)) {
                    boxes.push(found);
                }
            }
        }
        Ok(boxes)
    }

    /// The boxes of text in `frame`, cut at its edges.
    fn detected(&mut self, frame: &Frame) -> Result<Vec<Rect>, VisionError> {
        let picture = tensor::for_detection(frame);
        let boxes = self.model.run(&picture, |shape, values| {
            let area = picture.width * picture.height;
            let fits = shape.len() == 4 && values.len() == area;
            fits.then(|| Map { width: picture.width, values }.boxes())
        })?;
        Ok(boxes.iter().filter_map(|found| found.intersection(&frame.bounds())).collect())
    }
}

/// A box in a picture that is `scale` times as large.
fn enlarged(found: Rect, scale: u32) -> Rect {
    let place = |at: i32| at.saturating_mul(i32::try_from(scale).unwrap_or(1));
    Rect::new(place(found.left), place(found.top), found.width * scale, found.height * scale)
}
