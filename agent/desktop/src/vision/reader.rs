//! The reader: a frame and a region in, lines of text out.
//!
//! What was read in a region is remembered: where nothing changed since, nothing is done; where
//! something did, only that is looked at.

use std::sync::Arc;

use karakuri_protocol::desktop::{Line, Script};
use karakuri_protocol::geometry::{Point, Rect};

use super::error::VisionError;
use super::models::Models;
use super::sight::Sight;
use super::{change, order};
use crate::frame::Frame;

/// Regions whose last reading is kept.
const REMEMBERED: usize = 4;

/// Reads frames. One in the life of a process, because ONNX Runtime allows one environment.
#[derive(Debug)]
pub struct Reader {
    sight: Sight,
    last: Vec<Reading>,
}

/// What was read in a region, in pixels of the whole frame.
#[derive(Debug)]
struct Reading {
    region: Rect,
    script: Script,
    /// The frame itself where all of it was read, so that a picture that did not change is not compared.
    picture: Arc<Frame>,
    lines: Vec<Line>,
}

impl Reading {
    /// Whether `frame` still shows it.
    fn is_still(&self, frame: &Arc<Frame>) -> bool {
        let corner = Point { x: self.region.left, y: self.region.top };
        Arc::ptr_eq(&self.picture, frame)
            || self.picture.difference(self.picture.bounds(), frame, corner).is_none()
    }
}

impl Reader {
    /// Loads ONNX Runtime, the detector and the tiny recogniser; the small one is loaded when it is
    /// first needed. Detection runs in `threads` threads, recognition in one.
    ///
    /// # Errors
    /// [`VisionError::Load`] or [`VisionError::Run`].
    pub fn new(models: Models, threads: usize) -> Result<Self, VisionError> {
        Ok(Self { sight: Sight::load(models, threads)?, last: Vec::new() })
    }

    /// The lines in `region` of `frame` in reading order, with boxes in pixels of the whole frame.
    ///
    /// # Errors
    /// What ONNX Runtime says.
    pub fn read(
        &mut self,
        frame: &Arc<Frame>,
        region: Rect,
        script: Script,
    ) -> Result<Vec<Line>, VisionError> {
        let Some(region) = frame.bounds().intersection(&region) else { return Ok(Vec::new()) };
        let known = self.last.iter().position(|r| r.region == region && r.script == script);
        let before = known.map(|at| self.last.remove(at));
        let reading = match before {
            Some(same) if same.is_still(frame) => same,
            before => {
                let lines = self.look(before, frame, region, script)?;
                let Some(picture) = part(frame, region) else { return Ok(lines) };
                Reading { region, script, picture, lines }
            }
        };
        let lines = reading.lines.clone();
        if self.last.len() == REMEMBERED {
            self.last.remove(0);
        }
        self.last.push(reading);
        Ok(lines)
    }

    /// How many times a model ran since this reader was made: what its reading cost.
    #[must_use]
    pub fn runs(&self) -> u64 {
        self.sight.runs()
    }

    /// The lines in `region`, of which `before` may be known.
    fn look(
        &mut self,
        before: Option<Reading>,
        frame: &Frame,
        region: Rect,
        script: Script,
    ) -> Result<Vec<Line>, VisionError> {
        let change =
            before.and_then(|known| change::since(&known.picture, frame, region, &known.lines));
        let mut lines = match change {
            Some(change) => self.sight.update(frame, region, change, script)?,
            None => self.sight.lines(frame, region, script)?,
        };
        order::sort(&mut lines);
        Ok(lines)
    }
}

/// What `region` of `frame` shows, which is not copied where that is all of it.
fn part(frame: &Arc<Frame>, region: Rect) -> Option<Arc<Frame>> {
    if region == frame.bounds() {
        Some(Arc::clone(frame))
    } else {
        frame.crop(region).map(Arc::new)
    }
}
