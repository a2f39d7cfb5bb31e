//! Finding a picture on the screen: the same pixels, but for a little noise.
//!
//! What a toolkit draws twice is drawn alike, so a picture is told from its look-alikes by how far
//! any part of a place differs from it, not by how much of it agrees: in a large button one changed
//! glyph changes next to nothing of a correlation. Two differences count, in every colour by itself:
//!
//! - the largest in the mean over 3 × 3 pixels, as a share of the picture's contrast: a changed
//!   stroke, a check mark, one pixel to the side;
//! - the largest in the mean over up to 15 × 15 pixels, five times as strict because the noise of a
//!   pixel evens out to a fifth of it: a button that is hovered over, pressed or greyed out.
//!
//! Likeness is one less the larger of them. Nothing is scaled. The box of the picture whose colour
//! is rarest on the screen is looked for first, which leaves few places to look at closer.

use std::collections::HashMap;

use karakuri_protocol::desktop::{Hit, Via};
use karakuri_protocol::geometry::Rect;
use karakuri_protocol::untrusted::Untrusted;

use super::boxes::{Boxes, PIXELS, Palette, SIDE, Sums};
use super::error::LocateError;
use super::find::Found;
use super::nearest::SHOWN;
use crate::frame::Frame;

/// Likeness from which a picture counts as found, unless the script says otherwise: noise of up to
/// four levels of a pixel passes, a shift of the colour by two does not.
pub const THRESHOLD: f32 = 0.97;
/// How far the best must lead, unless the script says otherwise.
pub const MARGIN: f32 = 0.02;
/// The least likeness that is told; a lower threshold means this one. At half, a plain place is
/// like anything.
const LEAST: f32 = 0.6;
/// Likeness from which something that is not found is shown as near.
const NEAR: f32 = 0.7;
/// Sides of a picture in pixels.
const SIDES: std::ops::RangeInclusive<u32> = 8..=512;
/// The most pixels of a picture.
const MAX_AREA: u32 = 22_000;
/// Contrast that a picture must have in its boxes, of 255.
const DETAIL: f64 = 16.0;
/// The contrast that a picture is taken to have at least, of 255: fainter ones need not be likelier.
const CONTRAST: f64 = 64.0;
/// Boxes a side of the larger areas that are compared.
const COARSE: usize = 5;

/// The pictures of a bundle by name.
#[derive(Debug, Default)]
pub struct Images {
    templates: HashMap<String, Template>,
}

/// A picture made ready to be looked for.
#[derive(Debug)]
pub struct Template {
    width: usize,
    height: usize,
    /// The range of its boxes' means in the channel where it is widest, of 255.
    contrast: f64,
    boxes: Vec<Part>,
}

/// A box of a template.
#[derive(Clone, Copy, Debug)]
struct Part {
    x: usize,
    y: usize,
    sums: Sums,
}

/// A place and how like it is.
#[derive(Clone, Copy, Debug)]
struct Match {
    x: usize,
    y: usize,
    likeness: f32,
}

impl Images {
    /// Adds the picture in `file` (PNG or WebP).
    ///
    /// # Errors
    /// [`LocateError::Picture`] or [`LocateError::PoorPicture`].
    pub fn add(&mut self, name: &str, file: &[u8]) -> Result<(), LocateError> {
        let shown = || Untrusted::new(name).escaped(60);
        let frame =
            Frame::decode(file).map_err(|source| LocateError::Picture { name: shown(), source })?;
        let template = Template::new(&frame).ok_or_else(|| LocateError::PoorPicture(shown()))?;
        self.templates.insert(name.to_owned(), template);
        Ok(())
    }

    /// The picture of that name.
    ///
    /// # Errors
    /// [`LocateError::NoPicture`].
    pub fn get(&self, name: &Untrusted) -> Result<&Template, LocateError> {
        let found = self.templates.get(name.danger_raw());
        found.ok_or_else(|| LocateError::NoPicture(name.escaped(60)))
    }
}

impl Template {
    /// Nothing when the picture is too small, too large or has no detail.
    #[must_use]
    pub fn new(picture: &Frame) -> Option<Self> {
        let (width, height) = (picture.width(), picture.height());
        if !SIDES.contains(&width) || !SIDES.contains(&height) || width * height > MAX_AREA {
            return None;
        }
        let boxes = Boxes::of(picture);
        let parts: Vec<Part> = boxes.all().map(|(x, y, sums)| Part { x, y, sums: *sums }).collect();
        let range = |c: usize| {
            let sums = || parts.iter().map(|part| part.sums[c]);
            Some(sums().max()? - sums().min()?)
        };
        let widest = (0..3).filter_map(range).max()?;
        let contrast = f64::from(widest) / f64::from(PIXELS);
        let (width, height) = (width as usize, height as usize);
        (contrast >= DETAIL).then_some(Self { width, height, contrast, boxes: parts })
    }

    /// Looks for the picture in all of `frame`, best first. When the best reaches `threshold`, what
    /// comes within `margin` of it is a hit too, so that the caller sees that the best is not
    /// clearly the one; what is further behind is another thing.
    #[must_use]
    pub fn find(&self, frame: &Frame, threshold: Option<f32>, margin: Option<f32>) -> Found {
        let threshold = threshold.unwrap_or(THRESHOLD).max(LEAST);
        let margin = margin.unwrap_or(MARGIN);
        let matches = self.matches(frame, NEAR.min(threshold - margin).max(LEAST));
        let best = matches.first().map_or(0.0, |best| best.likeness);
        let (hits, near): (Vec<Match>, Vec<Match>) = matches
            .into_iter()
            .partition(|m| best >= threshold && m.likeness >= best - margin.max(0.0));
        let hits: Vec<Hit> = hits.iter().map(|m| self.hit(m)).collect();
        let shown = if hits.is_empty() { SHOWN } else { 0 };
        let nearest = near.iter().take(shown).map(|m| self.hit(m)).collect();
        Found { hits, nearest, which: None }
    }

    /// The places that reach `least`, best first, none overlapping a better one by half.
    fn matches(&self, frame: &Frame, least: f32) -> Vec<Match> {
        let (columns, rows) = (frame.width() as usize, frame.height() as usize);
        if columns < self.width || rows < self.height {
            return Vec::new();
        }
        let search = Search::new(self, frame, least);
        let mut all: Vec<Match> = (0..=rows - self.height)
            .flat_map(|y| search.row(y, columns - self.width + 1))
            .collect();
        all.sort_by(|a, b| b.likeness.total_cmp(&a.likeness));
        let mut chosen: Vec<Match> = Vec::new();
        for candidate in all {
            if chosen.iter().all(|better| self.apart(better, &candidate)) {
                chosen.push(candidate);
            }
        }
        chosen
    }

    fn apart(&self, a: &Match, b: &Match) -> bool {
        2 * a.x.abs_diff(b.x) >= self.width || 2 * a.y.abs_diff(b.y) >= self.height
    }

    fn hit(&self, found: &Match) -> Hit {
        let pixel = |value: usize| i32::try_from(value).unwrap_or(i32::MAX);
        let size = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
        let rect = Rect::new(pixel(found.x), pixel(found.y), size(self.width), size(self.height));
        let confidence = found.likeness.clamp(0.0, 1.0);
        Hit { rect, at: rect.center(), text: None, confidence, via: Via::Image }
    }
}

/// One template on one frame.
struct Search<'a> {
    template: &'a Template,
    frame: Boxes,
    /// The template's boxes, those with the rarest colours first.
    parts: Vec<Part>,
    least: f64,
    /// The largest difference of a box's sum that still reaches the least.
    limit: u16,
    /// What a difference of a box's sum by one takes from the likeness.
    step: f64,
}

impl<'a> Search<'a> {
    fn new(template: &'a Template, frame: &Frame, least: f32) -> Self {
        let boxes = Boxes::of(frame);
        let palette = Palette::of(&boxes);
        let mut parts = template.boxes.clone();
        parts.sort_by_cached_key(|part| palette.commonness(&part.sums));
        let step = 1.0 / (f64::from(PIXELS) * template.contrast.max(CONTRAST));
        let least = f64::from(least);
        Self { template, frame: boxes, parts, least, limit: floor((1.0 - least) / step), step }
    }

    /// The places in row `y`, in columns below `count`, that reach the least.
    fn row(&self, y: usize, count: usize) -> impl Iterator<Item = Match> {
        let (first, rest) = self.parts.split_first().map_or((None, &[][..]), |(f, r)| (Some(f), r));
        let candidates = first.into_iter().flat_map(move |part| {
            let row = self.frame.row(part.x, y + part.y, count);
            let alike = row.iter().enumerate().filter(|(_, s)| apart(s, &part.sums) <= self.limit);
            alike.map(|(x, sums)| (x, apart(sums, &part.sums)))
        });
        candidates.filter_map(move |(x, first)| {
            let likeness = self.likeness(x, y, first, rest)?;
            Some(Match { x, y, likeness })
        })
    }

    /// The likeness at a place of which the first part differs by `first`, or nothing when it does
    /// not reach the least.
    fn likeness(&self, x: usize, y: usize, first: u16, rest: &[Part]) -> Option<f32> {
        let mut worst = first;
        for part in rest {
            let difference = apart(self.frame.at(x + part.x, y + part.y), &part.sums);
            if difference > self.limit {
                return None;
            }
            worst = worst.max(difference);
        }
        let likeness = 1.0 - (f64::from(worst) * self.step).max(self.coarse(x, y));
        (likeness >= self.least).then(|| narrowed(likeness))
    }

    /// The largest difference of the mean over an area of several boxes, as a share of all levels,
    /// times the factor by which noise evens out in it.
    fn coarse(&self, x: usize, y: usize) -> f64 {
        let Template { width, height, boxes, .. } = self.template;
        let (columns, rows) = (width / SIDE, height / SIDE);
        let (across, down) = (columns.min(COARSE), rows.min(COARSE));
        let own = |x: usize, y: usize| &boxes[y * (width + 1 - SIDE) + x].sums;
        let mut worst = 0;
        for (top, left) in
            (0..=rows - down).flat_map(|t| (0..=columns - across).map(move |l| (t, l)))
        {
            let mut sums = [0_i32; 3];
            for (row, column) in
                (top..top + down).flat_map(|r| (left..left + across).map(move |c| (r, c)))
            {
                let (dx, dy) = (column * SIDE, row * SIDE);
                let (here, there) = (own(dx, dy), self.frame.at(x + dx, y + dy));
                for c in 0..3 {
                    sums[c] += i32::from(there[c]) - i32::from(here[c]);
                }
            }
            worst = sums.into_iter().map(i32::abs).fold(worst, i32::max);
        }
        let pixels = f64::from(PIXELS) * (across * down) as f64;
        f64::from(worst) / pixels / 255.0 * ((across * down) as f64).sqrt()
    }
}

/// The largest difference of two boxes in any colour.
fn apart(a: &Sums, b: &Sums) -> u16 {
    a[0].abs_diff(b[0]).max(a[1].abs_diff(b[1])).max(a[2].abs_diff(b[2]))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a difference of sums is between 0 and 9 times 255"
)]
fn floor(difference: f64) -> u16 {
    // What reaches the least exactly does so in spite of rounding.
    (difference + 1e-6).floor() as u16
}

#[expect(clippy::cast_possible_truncation, reason = "a likeness needs no more than 24 bits")]
fn narrowed(likeness: f64) -> f32 {
    likeness as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{Rgb, RgbImage};

    /// Noise that is the same every time (a linear congruential generator).
    fn noise(width: u32, height: u32, mut seed: u32) -> RgbImage {
        let mut next = || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 24) as u8
        };
        RgbImage::from_fn(width, height, |_, _| Rgb([next(), next(), next()]))
    }

    fn frame(image: &RgbImage) -> Frame {
        Frame::from_rgb(image).unwrap()
    }

    fn template(image: &RgbImage) -> Template {
        Template::new(&frame(image)).unwrap()
    }

    fn places(found: &[Hit]) -> Vec<(i32, i32)> {
        found.iter().map(|hit| (hit.rect.left, hit.rect.top)).collect()
    }

    /// A button with a word of three glyphs, 5 × 7 pixels each.
    fn button(word: [[u8; 7]; 3], face: [u8; 3], ink: [u8; 3]) -> RgbImage {
        let mut image = RgbImage::from_pixel(60, 24, Rgb(face));
        for (x, y) in (0..60).flat_map(|x| (0..24).map(move |y| (x, y))) {
            if x == 0 || y == 0 || x == 59 || y == 23 {
                image.put_pixel(x, y, Rgb([140, 140, 140]));
            }
        }
        for (glyph, left) in word.iter().zip([20, 27, 34]) {
            for (row, y) in glyph.iter().zip(8..) {
                let set = (0..5).filter(|bit| row & (1 << (4 - bit)) != 0);
                set.for_each(|bit| image.put_pixel(left + bit, y, Rgb(ink)));
            }
        }
        image
    }

    const C: [u8; 7] = [0, 0, 0b01110, 0b10000, 0b10000, 0b10001, 0b01110];
    const E: [u8; 7] = [0, 0, 0b01110, 0b10001, 0b11111, 0b10000, 0b01110];
    const STOP: [u8; 7] = [0, 0, 0, 0, 0, 0b01100, 0b01100];
    const COMMA: [u8; 7] = [0, 0, 0, 0, 0, 0b01100, 0b01000];
    const FACE: [u8; 3] = [240, 240, 240];
    const INK: [u8; 3] = [30, 30, 30];

    fn on_screen(thing: &RgbImage) -> Frame {
        let mut screen = RgbImage::from_pixel(200, 100, Rgb([250, 250, 250]));
        image::imageops::overlay(&mut screen, thing, 71, 33);
        frame(&screen)
    }

    #[test]
    fn a_picture_is_found_where_it_is() {
        let screen = frame(&noise(120, 90, 1));
        let template = Template::new(&screen.crop(Rect::new(37, 51, 20, 13)).unwrap()).unwrap();
        let found = template.find(&screen, None, None);
        assert_eq!(places(&found.hits), [(37, 51)]);
        assert_eq!(found.hits[0].confidence, 1.0);
        let corner = Template::new(&screen.crop(Rect::new(100, 70, 20, 20)).unwrap()).unwrap();
        assert_eq!(places(&corner.find(&screen, None, None).hits), [(100, 70)]);
    }

    #[test]
    fn look_alikes_are_not_it() {
        let original = button([C, E, STOP], FACE, INK);
        let template = template(&original);
        assert_eq!(places(&template.find(&on_screen(&original), None, None).hits), [(71, 33)]);
        // The ink's luminance in the weights of ITU-R BT.709: a dark red for the dark grey.
        let red = button([C, E, STOP], FACE, [120, 6, 6]);
        let brighter = original.pixels().map(|p| p.0.map(|v| v.saturating_add(3)));
        let brighter = RgbImage::from_vec(60, 24, brighter.flatten().collect()).unwrap();
        let doubled =
            image::imageops::resize(&original, 120, 48, image::imageops::FilterType::Nearest);
        let mut shifted = button([[0; 7]; 3], FACE, INK);
        let word = image::imageops::crop_imm(&original, 18, 6, 24, 12).to_image();
        image::imageops::overlay(&mut shifted, &word, 19, 6);
        for (what, other) in [
            ("a changed glyph", button([C, C, STOP], FACE, INK)),
            ("a changed stop", button([C, E, COMMA], FACE, INK)),
            ("greyed out", button([C, E, STOP], FACE, [150, 150, 150])),
            ("pressed", button([C, E, STOP], [214, 214, 214], INK)),
            ("hovered over", brighter),
            ("another colour", red),
            ("inverted", button([C, E, STOP], INK, FACE)),
            ("a word shifted by a pixel", shifted),
            ("twice as large", doubled),
        ] {
            let found = template.find(&on_screen(&other), None, None);
            assert_eq!(found.hits, [], "{what}");
        }
    }

    #[test]
    fn a_little_noise_does_not_hide_it() {
        let original = button([C, E, STOP], FACE, INK);
        let mut noisy = original.clone();
        for (pixel, random) in noisy.pixels_mut().zip(noise(60, 24, 9).pixels()) {
            pixel.0 = std::array::from_fn(|c| pixel.0[c].saturating_add(random.0[c] / 43) - 3);
        }
        let found = template(&original).find(&on_screen(&noisy), None, None);
        assert_eq!(places(&found.hits), [(71, 33)]);
        assert!(found.hits[0].confidence < 1.0);
    }

    #[test]
    fn the_first_box_gives_up_nothing_that_reaches_the_least() {
        let (screen, icon) = (frame(&noise(60, 40, 3)), noise(12, 9, 4));
        let template = template(&icon);
        let all = Search::new(&template, &screen, 0.0);
        let some = Search::new(&template, &screen, 0.2);
        let of = |search: &Search<'_>| -> Vec<_> {
            let found = (0..=31).flat_map(|y| search.row(y, 49).collect::<Vec<_>>());
            found.filter(|m| m.likeness >= 0.2).map(|m| (m.x, m.y, m.likeness.to_bits())).collect()
        };
        assert_eq!(of(&some), of(&all));
        assert!(of(&some).len() > 10, "{}", of(&some).len());
    }

    #[test]
    fn two_alike_are_two_hits_and_a_close_second_too() {
        let (mut screen, icon) = (noise(120, 60, 5), noise(16, 16, 6));
        image::imageops::overlay(&mut screen, &icon, 10, 10);
        image::imageops::overlay(&mut screen, &icon, 70, 30);
        let template = template(&icon);
        assert_eq!(template.find(&frame(&screen), None, None).hits.len(), 2);

        for x in 70..74 {
            screen.put_pixel(x, 40, Rgb([0, 0, 0]));
        }
        let screen = frame(&screen);
        let second = template.find(&screen, Some(0.6), Some(1.0)).hits[1].confidence;
        assert!((0.6..0.95).contains(&second), "{second}");
        assert_eq!(places(&template.find(&screen, Some(0.6), None).hits), [(10, 10)]);
        assert_eq!(template.find(&screen, None, Some(1.01 - second)).hits.len(), 2);
    }

    #[test]
    fn below_the_threshold_it_is_only_near() {
        let original = button([C, E, STOP], FACE, INK);
        let other = on_screen(&button([C, E, COMMA], FACE, INK));
        let found = template(&original).find(&other, None, None);
        assert_eq!((found.hits.len(), places(&found.nearest)), (0, vec![(71, 33)]));
        let lenient = template(&original).find(&other, Some(0.75), None);
        assert_eq!(places(&lenient.hits), [(71, 33)]);
    }

    #[test]
    fn a_picture_without_detail_is_refused() {
        let plain = frame(&RgbImage::from_pixel(20, 20, Rgb([9, 9, 9])));
        assert!(Template::new(&plain).is_none());
        assert!(Template::new(&frame(&noise(7, 20, 9))).is_none());
        let mut images = Images::default();
        let error = images.add("ok.png", &plain.encode_png().unwrap()).unwrap_err();
        assert!(matches!(error, LocateError::PoorPicture(name) if name == "ok.png"));
    }
}
