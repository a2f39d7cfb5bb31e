//! Screens of real applications, and what stands on them.
//!
//! The pictures were taken once from Gnumeric, MuPDF, Mousepad and xterm on an X server of 1280x800
//! pixels, fonts DejaVu and IPA Gothic. Their texts were written down from what the applications
//! were given; a box is the extent of the ink, measured without any recognition. Japanese, which has
//! no words on paper, is written down by cells and lines. Cells that Gnumeric cut off are left out.

use std::path::PathBuf;
use std::sync::Arc;

use karakuri_desktop::frame::Frame;
use karakuri_desktop::vision::Reader;
use karakuri_protocol::desktop::{Line, Script};
use karakuri_protocol::geometry::Rect;
use serde::Deserialize;

/// A screen.
pub(crate) struct Fixture {
    pub(crate) frame: Arc<Frame>,
    pub(crate) truth: Truth,
}

/// What stands on it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Truth {
    pub(crate) script: Script,
    pub(crate) words: Vec<(String, Rect)>,
}

impl Fixture {
    pub(crate) fn load(name: &str) -> Self {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
        let frame = Frame::decode(&std::fs::read(path.with_extension("png")).unwrap()).unwrap();
        let truth = std::fs::read(path.with_extension("json")).unwrap();
        Self { frame: Arc::new(frame), truth: serde_json::from_slice(&truth).unwrap() }
    }

    /// Puts a part of another picture over this one.
    pub(crate) fn paste(&mut self, part: &Frame, left: usize, top: usize) {
        let mut pixels = self.frame.pixels().to_vec();
        let stride = self.frame.width() as usize * 4;
        for (y, row) in (top..).zip(part.rows(part.bounds())) {
            let start = y * stride + left * 4;
            pixels[start..start + row.len()].copy_from_slice(row);
        }
        let pasted = Frame::new(self.frame.width(), self.frame.height(), pixels);
        self.frame = Arc::new(pasted.unwrap());
    }

    pub(crate) fn read(&self, reader: &mut Reader) -> Vec<Line> {
        reader.read(&self.frame, self.frame.bounds(), self.truth.script).unwrap()
    }
}
