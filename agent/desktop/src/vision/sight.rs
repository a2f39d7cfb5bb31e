//! What stands in a part of a frame, by the models: detection finds boxes, a box is cut at rules and
//! wide gaps (table cells side by side), and each piece is read or taken from the cache.
//!
//! Boxes are in pixels of the whole frame.

use karakuri_protocol::desktop::{Line, Script};
use karakuri_protocol::geometry::Rect;

use super::cache::LineCache;
use super::change::{Change, Former, shifted};
use super::ctc::Glyph;
use super::detect::Detector;
use super::error::VisionError;
use super::ink::Ink;
use super::models::{Models, Recognition};
use super::recognise::Recogniser;
use super::runtime::Runtime;
use super::{doubt, pieces, place, words};
use crate::frame::Frame;

/// Mean confidence below which a line is no text but an icon or a texture (PaddleOCR `drop_score`).
const LEGIBLE: f32 = 0.5;

/// The models, and the lines that were read before.
#[derive(Debug)]
pub(crate) struct Sight {
    runtime: Runtime,
    detector: Detector,
    tiny: Recogniser,
    small_files: Recognition,
    small: Option<Recogniser>,
    cache: LineCache,
}

/// What stood where a line is read.
#[derive(Clone, Copy)]
enum Before<'a> {
    /// It was not read.
    Unknown,
    Read(&'a Line),
    /// The same line, of which a part is hidden now.
    More,
}

impl Sight {
    pub(crate) fn load(models: Models, threads: usize) -> Result<Self, VisionError> {
        let runtime = Runtime::load(models.runtime, threads)?;
        Ok(Self {
            detector: Detector::load(&runtime, &models.detection)?,
            tiny: Recogniser::load(&runtime, &models.tiny)?,
            small_files: models.small,
            small: None,
            runtime,
            cache: LineCache::new(),
        })
    }

    /// How many times a model ran.
    pub(crate) fn runs(&self) -> u64 {
        let small = self.small.as_ref().map_or(0, Recogniser::runs);
        self.detector.runs() + self.tiny.runs() + small
    }

    /// The lines in `region`, in no particular order.
    pub(crate) fn lines(
        &mut self,
        frame: &Frame,
        region: Rect,
        script: Script,
    ) -> Result<Vec<Line>, VisionError> {
        let mut lines = Vec::new();
        for place in self.places(frame, region)? {
            if let Some(place) = place::inside(place, region) {
                lines.extend(self.line(frame, place, script, &[])?);
            }
        }
        Ok(lines)
    }

    /// The lines in `region` after a change, in no particular order.
    pub(crate) fn update(
        &mut self,
        frame: &Frame,
        region: Rect,
        change: Change,
        script: Script,
    ) -> Result<Vec<Line>, VisionError> {
        let Change { areas, mut kept, rest, unchanged, former } = change;
        kept.extend(rest.iter().cloned());
        let mut found: Vec<Line> = Vec::new();
        for area in areas {
            for place in self.places(frame, area)? {
                let inside = place::inside(place, region);
                let Some(place) = inside.and_then(|place| place::beside(place, &kept)) else {
                    continue;
                };
                let again = found.iter().any(|line| place::is_twice(&line.rect, &place));
                if again || !area.contains(place.center()) {
                    continue;
                }
                match place::known(frame, place, &unchanged) {
                    Some(line) => found.push(line.clone()),
                    None => found.extend(self.line(frame, place, script, &former)?),
                }
            }
        }
        for part in &rest {
            self.rejoin(frame, part, &mut kept, &mut found, script)?;
        }
        kept.extend(found);
        Ok(kept)
    }

    /// Reads `part`, which is left of a line, and what now stands beside it as one, if nothing
    /// parts them.
    fn rejoin(
        &mut self,
        frame: &Frame,
        part: &Line,
        kept: &mut Vec<Line>,
        found: &mut [Line],
        script: Script,
    ) -> Result<(), VisionError> {
        let Some(at) = found.iter().position(|new| place::adjoins(&part.rect, &new.rect)) else {
            return Ok(());
        };
        let whole = part.rect.union(&found[at].rect);
        if let [place] = pieces::of(frame, place::roomy(whole, frame)).as_slice()
            && let Some(whole) = self.line(frame, *place, script, &[])?
        {
            kept.retain(|line| line != part);
            found[at] = whole;
        }
        Ok(())
    }

    /// Where the lines stand that the detector sees in and around `area`.
    fn places(&mut self, frame: &Frame, area: Rect) -> Result<Vec<Rect>, VisionError> {
        let found = self.detector.boxes(frame, area)?;
        Ok(found.into_iter().flat_map(|found| pieces::of(frame, found)).collect())
    }

    /// The text of the line at `place`, where one of `former` may have stood; nothing where none is
    /// legible.
    fn line(
        &mut self,
        frame: &Frame,
        place: Rect,
        script: Script,
        former: &[Former],
    ) -> Result<Option<Line>, VisionError> {
        let Some(cut) = frame.crop(place) else { return Ok(None) };
        let key = LineCache::key(script, &cut);
        let line = match self.cache.get(&key) {
            Some(line) => line,
            None => {
                let before = former.iter().find(|f| place::is_twice(&f.line.rect, &place));
                let before = before.map_or(Before::Unknown, |former| match former.is_cut(&place) {
                    true => Before::More,
                    false => Before::Read(&former.line),
                });
                let line = self.recognised(&cut, script, before)?;
                self.cache.put(key, line.clone());
                line
            }
        };
        Ok(line.map(|line| moved(line, place.left, place.top)))
    }

    /// The text of a cut-out line, boxes relative to it.
    fn recognised(
        &mut self,
        cut: &Frame,
        script: Script,
        before: Before<'_>,
    ) -> Result<Option<Line>, VisionError> {
        let ink = Ink::of(cut);
        let glyphs = match script {
            Script::Latin => self.latin(cut, &ink, before)?,
            Script::Japanese => self.small()?.glyphs(cut, script)?,
        };
        let line = words::line(&glyphs, &ink, cut.height());
        Ok(line.filter(|line| line.confidence >= LEGIBLE))
    }

    /// Latin is read by the tiny model, and the words it doubts by the small one, unless the line still
    /// reads as it did `before`: then that was a second opinion. Characters of which a part is hidden are
    /// not worth one.
    fn latin(
        &mut self,
        cut: &Frame,
        ink: &Ink,
        before: Before<'_>,
    ) -> Result<Vec<Glyph>, VisionError> {
        let mut glyphs = self.tiny.glyphs(cut, Script::Latin)?;
        let enough = match before {
            Before::Unknown => false,
            Before::Read(line) => line.text.danger_raw() == words::text(&glyphs).trim(),
            Before::More => true,
        };
        if enough || words::confidence(&glyphs) < LEGIBLE {
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

fn moved(mut line: Line, right: i32, down: i32) -> Line {
    line.rect = shifted(line.rect, right, down);
    line.words.iter_mut().for_each(|word| word.rect = shifted(word.rect, right, down));
    line
}
