//! The reader: a frame and a region in, lines of text out.
//!
//! Detection finds boxes, a box is cut at rules and wide gaps (table cells side by side), each piece
//! is read or taken from the cache, and all are put into reading order. Of a region that was read
//! before, only what changed since is looked at.

use karakuri_protocol::desktop::{Line, Script};
use karakuri_protocol::geometry::{Point, Rect};

use super::cache::LineCache;
use super::ctc::Glyph;
use super::detect::Detector;
use super::error::VisionError;
use super::ink::Ink;
use super::models::{Models, Recognition};
use super::recognise::Recogniser;
use super::runtime::Runtime;
use super::{change, doubt, order, pieces, words};
use crate::frame::Frame;

/// Mean confidence below which a line is no text but an icon or a texture (PaddleOCR `drop_score`).
const LEGIBLE: f32 = 0.5;
/// Regions whose last reading is kept.
const REMEMBERED: usize = 4;
/// Pixels around a changed area that the detector sees too, so that nothing looks cut off to it.
const CONTEXT: u32 = 32;

/// Reads frames. One in the life of a process, because ONNX Runtime allows one environment.
#[derive(Debug)]
pub struct Reader {
    runtime: Runtime,
    detector: Detector,
    tiny: Recogniser,
    small_files: Recognition,
    small: Option<Recogniser>,
    lines: LineCache,
    last: Vec<Reading>,
}

/// What was read in a region, boxes relative to it.
#[derive(Debug)]
struct Reading {
    region: Rect,
    script: Script,
    picture: Frame,
    lines: Vec<Line>,
}

impl Reading {
    /// Whether `frame` still shows it.
    fn is_still(&self, frame: &Frame) -> bool {
        let corner = Point { x: self.region.left, y: self.region.top };
        self.picture.difference(self.picture.bounds(), frame, corner).is_none()
    }
}

impl Reader {
    /// Loads ONNX Runtime, the detector and the tiny recogniser; the small one is loaded when it is
    /// first needed. Models run in `threads` threads.
    ///
    /// # Errors
    /// [`VisionError::Load`] or [`VisionError::Run`].
    pub fn new(models: Models, threads: usize) -> Result<Self, VisionError> {
        let runtime = Runtime::load(models.runtime, threads)?;
        Ok(Self {
            detector: Detector::load(&runtime, &models.detection)?,
            tiny: Recogniser::load(&runtime, &models.tiny)?,
            small_files: models.small,
            small: None,
            runtime,
            lines: LineCache::new(),
            last: Vec::new(),
        })
    }

    /// The lines in `region` of `frame` in reading order, with boxes in pixels of the whole frame.
    ///
    /// # Errors
    /// What ONNX Runtime says.
    pub fn read(
        &mut self,
        frame: &Frame,
        region: Rect,
        script: Script,
    ) -> Result<Vec<Line>, VisionError> {
        let Some(region) = frame.bounds().intersection(&region) else { return Ok(Vec::new()) };
        let (left, top) = (region.left, region.top);
        let known = self.last.iter().position(|r| r.region == region && r.script == script);
        let before = known.map(|at| self.last.remove(at));
        let reading = match before {
            Some(same) if same.is_still(frame) => same,
            before => {
                let Some(picture) = frame.crop(region) else { return Ok(Vec::new()) };
                let lines = self.lines(before, &picture, script)?;
                Reading { region, script, picture, lines }
            }
        };
        let moved = reading.lines.iter().map(|line| moved(line, left, top)).collect();
        if self.last.len() == REMEMBERED {
            self.last.remove(0);
        }
        self.last.push(reading);
        Ok(moved)
    }

    /// How many times a model ran since this reader was made: what its reading cost.
    #[must_use]
    pub fn runs(&self) -> u64 {
        let small = self.small.as_ref().map_or(0, Recogniser::runs);
        self.detector.runs() + self.tiny.runs() + small
    }

    /// The lines of `picture`, of which `before` may be known.
    fn lines(
        &mut self,
        before: Option<Reading>,
        picture: &Frame,
        script: Script,
    ) -> Result<Vec<Line>, VisionError> {
        let known = before.and_then(|reading| {
            let areas = change::areas(&reading.picture, picture, &reading.lines)?;
            Some((areas, reading.lines))
        });
        let Some((areas, mut lines)) = known else {
            return self.look(picture, &[picture.bounds()], script);
        };
        if areas.is_empty() {
            return Ok(lines);
        }
        lines.retain(|line| !change::holds(&areas, &line.rect));
        lines.extend(self.look(picture, &areas, script)?);
        order::sort(&mut lines);
        Ok(lines)
    }

    /// The lines whose middles lie in one of the areas.
    fn look(
        &mut self,
        picture: &Frame,
        areas: &[Rect],
        script: Script,
    ) -> Result<Vec<Line>, VisionError> {
        let mut lines = Vec::new();
        for area in areas {
            let seen = change::around(area, CONTEXT).intersection(&picture.bounds());
            let Some((seen, part)) = seen.and_then(|r| Some((r, picture.crop(r)?))) else {
                continue;
            };
            for found in self.detector.boxes(&part)? {
                for piece in pieces::of(&part, found) {
                    let place = shifted(piece, seen.left, seen.top);
                    if !area.contains(place.center()) {
                        continue;
                    }
                    let Some(cut) = picture.crop(place) else { continue };
                    let line = self.line(&cut, script)?;
                    lines.extend(line.map(|line| moved(&line, place.left, place.top)));
                }
            }
        }
        order::sort(&mut lines);
        Ok(lines)
    }

    /// The text of a cut-out line, boxes relative to it; nothing where none is legible.
    fn line(&mut self, cut: &Frame, script: Script) -> Result<Option<Line>, VisionError> {
        let key = LineCache::key(script, cut);
        if let Some(line) = self.lines.get(&key) {
            return Ok(line);
        }
        let ink = Ink::of(cut);
        let glyphs = match script {
            Script::Latin => self.latin(cut, &ink)?,
            Script::Japanese => self.small()?.glyphs(cut, script)?,
        };
        let line = words::line(&glyphs, &ink, cut.height());
        let line = line.filter(|line| line.confidence >= LEGIBLE);
        self.lines.put(key, line.clone());
        Ok(line)
    }

    /// Latin is read by the tiny model, and the words it doubts by the small one.
    fn latin(&mut self, cut: &Frame, ink: &Ink) -> Result<Vec<Glyph>, VisionError> {
        let mut glyphs = self.tiny.glyphs(cut, Script::Latin)?;
        if words::confidence(&glyphs) < LEGIBLE {
            return Ok(glyphs);
        }
        for doubt in doubt::doubts(&glyphs, ink).into_iter().rev() {
            let Some(part) = cut.columns(doubt.columns.clone()) else { continue };
            let again = self.small()?.glyphs(&part, Script::Latin)?;
            doubt::settle(&mut glyphs, doubt, again, ink);
        }
        Ok(glyphs)
    }

    fn small(&mut self) -> Result<&mut Recogniser, VisionError> {
        let loaded = match self.small.take() {
            Some(loaded) => loaded,
            None => Recogniser::load(&self.runtime, &self.small_files)?,
        };
        Ok(self.small.insert(loaded))
    }
}

fn moved(line: &Line, right: i32, down: i32) -> Line {
    let mut line = line.clone();
    line.rect = shifted(line.rect, right, down);
    line.words.iter_mut().for_each(|word| word.rect = shifted(word.rect, right, down));
    line
}

fn shifted(rect: Rect, right: i32, down: i32) -> Rect {
    Rect { left: rect.left + right, top: rect.top + down, ..rect }
}
