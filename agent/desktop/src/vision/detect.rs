//! Finding where text stands.

use karakuri_protocol::geometry::Rect;

use super::components::Map;
use super::error::VisionError;
use super::runtime::{Model, Runtime};
use super::tensor;
use super::verified::Verified;
use crate::frame::Frame;

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

    /// The boxes of text in `frame`, cut at its edges, in no particular order.
    pub(crate) fn boxes(&mut self, frame: &Frame) -> Result<Vec<Rect>, VisionError> {
        let picture = tensor::for_detection(frame);
        let boxes = self.model.run(&picture, |shape, values| {
            let area = picture.width * picture.height;
            let fits = shape.len() == 4 && values.len() == area;
            fits.then(|| Map { width: picture.width, values }.boxes())
        })?;
        Ok(boxes.iter().filter_map(|found| found.intersection(&frame.bounds())).collect())
    }
}
