//! Finding a picture on the screen.
//!
//! Similarity is the zero-mean normalised cross-correlation over all three colours. All positions
//! are looked at, but most are given up after a few rows, as soon as the Cauchy-Schwarz bound on
//! what the rest can add shows that they cannot reach the threshold (bounded partial correlation;
//! Di Stefano, Mattoccia and Tombari, Pattern Recognition Letters 26, 2005); the rows with most
//! detail go first. Correlation alone is blind to contrast, so a place must also have a contrast
//! like the picture's: a greyed-out button is not the button. Nothing is scaled.

use std::collections::HashMap;

use karakuri_protocol::desktop::{Hit, Via};
use karakuri_protocol::geometry::Rect;
use karakuri_protocol::untrusted::Untrusted;

use super::error::LocateError;
use super::find::Found;
use super::nearest::SHOWN;
use super::sums::{MAX_AREA, Sum, Sums};
use crate::frame::{Frame, pixels_of};

/// Similarity from which a picture counts as found, unless the script says otherwise.
pub const THRESHOLD: f32 = 0.97;
/// How far the best must lead, unless the script says otherwise.
pub const MARGIN: f32 = 0.02;
/// Similarity from which something that is not found is shown as near.
const NEAR: f32 = 0.85;
/// Sides of a picture in pixels.
const SIDES: std::ops::RangeInclusive<u32> = 8..=512;
/// Mean square difference from its mean colours that a picture must have.
const DETAIL: f64 = 30.0;
/// Allowance for rounding in the bound.
const ROUNDING: f64 = 1e-9;
/// Factor by which the energy (square of the contrast) of a place may differ from the picture's.
const CONTRAST: f64 = 2.0;

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
    means: [f64; 3],
    energy: f64,
    /// Those with most energy first.
    rows: Vec<Row>,
}

/// A row of a template.
#[derive(Debug)]
struct Row {
    y: usize,
    /// Blue, green, red of each pixel.
    values: Vec<i16>,
    colours: [f64; 3],
    energy: f64,
}

/// A place and how similar it is.
#[derive(Clone, Copy, Debug)]
struct Match {
    x: usize,
    y: usize,
    similarity: f32,
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
        let (width, height) = (picture.width() as usize, picture.height() as usize);
        let sides = SIDES.contains(&picture.width()) && SIDES.contains(&picture.height());
        if !sides || width * height > MAX_AREA {
            return None;
        }
        let sums = Sums::of(picture);
        let count = (width * height) as f64;
        let whole = sums.over(0, 0, width, height);
        let means = whole.colours.map(|sum| sum / count);
        let energy = whole.energy(means, count);
        let rows = picture.rows(picture.bounds()).enumerate().map(|(y, row)| {
            let sum = sums.over(0, y, width, 1);
            let values = pixels_of(row).flatten().map(i16::from).collect();
            Row { y, values, colours: sum.colours, energy: sum.energy(means, width as f64) }
        });
        let mut rows: Vec<Row> = rows.collect();
        rows.sort_by(|a, b| b.energy.total_cmp(&a.energy));
        (energy / count >= DETAIL).then_some(Self { width, height, means, energy, rows })
    }

    /// Looks for the picture in all of `frame`, best first. Besides what reaches `threshold`, places
    /// that come within `margin` of the best are hits too: the caller then sees that the best is not
    /// clearly the one.
    #[must_use]
    pub fn find(&self, frame: &Frame, threshold: Option<f32>, margin: Option<f32>) -> Found {
        let (threshold, margin) = (threshold.unwrap_or(THRESHOLD), margin.unwrap_or(MARGIN));
        let matches = self.matches(frame, NEAR.min(threshold - margin));
        let best = matches.first().map_or(0.0, |best| best.similarity);
        let (hits, near): (Vec<Match>, Vec<Match>) = matches.into_iter().partition(|m| {
            m.similarity >= threshold || (best >= threshold && m.similarity > best - margin)
        });
        let hits: Vec<Hit> = hits.iter().map(|m| self.hit(m)).collect();
        let shown = if hits.is_empty() { SHOWN } else { 0 };
        let nearest = near.iter().take(shown).map(|m| self.hit(m)).collect();
        Found { hits, nearest, which: None }
    }

    /// The places that reach `least`, best first, none overlapping a better one by half.
    fn matches(&self, frame: &Frame, least: f32) -> Vec<Match> {
        let (columns, rows) = (frame.width() as usize, frame.height() as usize);
        let (Some(last_x), Some(last_y)) =
            (columns.checked_sub(self.width), rows.checked_sub(self.height))
        else {
            return Vec::new();
        };
        let search = Search::new(self, frame, f64::from(least));
        let mut all: Vec<Match> = (0..=last_y)
            .flat_map(|y| (0..=last_x).map(move |x| (x, y)))
            .filter_map(|(x, y)| {
                search.similarity(x, y).map(|similarity| Match { x, y, similarity })
            })
            .collect();
        all.sort_by(|a, b| b.similarity.total_cmp(&a.similarity));
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
        let confidence = found.similarity.clamp(0.0, 1.0);
        Hit { rect, at: rect.center(), text: None, confidence, via: Via::Image }
    }
}

/// One template on one frame.
struct Search<'a> {
    template: &'a Template,
    /// Blue, green, red of each pixel.
    values: Vec<i16>,
    stride: usize,
    sums: Sums,
    least: f64,
}

impl<'a> Search<'a> {
    fn new(template: &'a Template, frame: &Frame, least: f64) -> Self {
        let values = pixels_of(frame.pixels()).flatten().map(i16::from).collect();
        let stride = 3 * frame.width() as usize;
        Self { template, values, stride, sums: Sums::of(frame), least }
    }

    /// The similarity at a place, or nothing when it cannot reach the least.
    fn similarity(&self, x: usize, y: usize) -> Option<f32> {
        let Template { width, height, energy: own_energy, rows, .. } = self.template;
        let count = (width * height) as f64;
        let window = self.sums.over(x, y, *width, *height);
        let means = window.colours.map(|sum| sum / count);
        let energy = window.energy(means, count);
        if energy * CONTRAST < *own_energy || energy > own_energy * CONTRAST {
            return None;
        }
        let whole = (energy * own_energy).sqrt();
        let (mut own_rest, mut rest, mut covariance) = (*own_energy, energy, 0.0);
        for row in rows {
            let sum = self.sums.over(x, y + row.y, *width, 1);
            covariance += self.covariance(x, y, row, &sum, means);
            own_rest -= row.energy;
            rest -= sum.energy(means, *width as f64);
            let reachable = (own_rest.max(0.0) * rest.max(0.0)).sqrt();
            if covariance + reachable < (self.least - ROUNDING) * whole {
                return None;
            }
        }
        let similarity = covariance / whole;
        (similarity >= self.least).then(|| narrowed(similarity))
    }

    /// What a row adds to the covariance; `sum` is that of the frame below it.
    fn covariance(&self, x: usize, y: usize, row: &Row, sum: &Sum, means: [f64; 3]) -> f64 {
        let start = (y + row.y) * self.stride + 3 * x;
        let products = dot(&row.values, &self.values[start..start + row.values.len()]);
        let count = self.template.width as f64;
        (0..3).fold(f64::from(products), |all, c| {
            let (own, other) = (self.template.means[c], means[c]);
            all - own * sum.colours[c] - other * row.colours[c] + count * own * other
        })
    }
}

/// The sum of the products; at most 3 * 512 of them, each below 2^16, so it fits.
fn dot(a: &[i16], b: &[i16]) -> i32 {
    a.iter().zip(b).map(|(a, b)| i32::from(*a) * i32::from(*b)).sum()
}

#[expect(clippy::cast_possible_truncation, reason = "a similarity needs no more than 24 bits")]
fn narrowed(similarity: f64) -> f32 {
    similarity as f32
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

    fn places(found: &[Hit]) -> Vec<(i32, i32)> {
        found.iter().map(|hit| (hit.rect.left, hit.rect.top)).collect()
    }

    #[test]
    fn a_picture_is_found_where_it_is() {
        let screen = frame(&noise(120, 90, 1));
        let template = Template::new(&screen.crop(Rect::new(37, 51, 20, 13)).unwrap()).unwrap();
        let found = template.find(&screen, None, None);
        assert_eq!(places(&found.hits), [(37, 51)]);
        assert!(found.hits[0].confidence > 0.9999);
    }

    #[test]
    fn the_bound_gives_up_nothing_that_reaches_the_threshold() {
        let (screen, icon) = (frame(&noise(60, 40, 3)), frame(&noise(12, 9, 4)));
        let template = Template::new(&icon).unwrap();
        let all = Search::new(&template, &screen, -2.0);
        let bounded = Search::new(&template, &screen, 0.1);
        let places = || (0..=31).flat_map(|y| (0..=48).map(move |x| (x, y)));
        let expected: Vec<_> = places()
            .filter_map(|(x, y)| all.similarity(x, y).filter(|found| f64::from(*found) >= 0.1))
            .collect();
        let found: Vec<_> = places().filter_map(|(x, y)| bounded.similarity(x, y)).collect();
        assert_eq!(found, expected);
        assert!(found.len() > 10, "{}", found.len());
    }

    #[test]
    fn a_greyed_out_copy_is_not_it() {
        let icon = noise(16, 16, 12);
        let mut screen = noise(100, 60, 11);
        let mut grey = icon.clone();
        grey.pixels_mut().for_each(|p| p.0 = p.0.map(|value| 160 + value / 4));
        image::imageops::overlay(&mut screen, &grey, 40, 20);
        let template = Template::new(&frame(&icon)).unwrap();
        assert_eq!(template.find(&frame(&screen), None, None), Found::default());
    }

    #[test]
    fn two_alike_are_two_hits_and_a_close_second_too() {
        let (mut screen, icon) = (noise(120, 60, 5), noise(16, 16, 6));
        image::imageops::overlay(&mut screen, &icon, 10, 10);
        image::imageops::overlay(&mut screen, &icon, 70, 30);
        let template = Template::new(&frame(&icon)).unwrap();
        assert_eq!(template.find(&frame(&screen), None, None).hits.len(), 2);

        for x in 70..73 {
            screen.put_pixel(x, 40, Rgb([0, 0, 0]));
        }
        let screen = frame(&screen);
        assert_eq!(places(&template.find(&screen, Some(0.999), Some(0.001)).hits), [(10, 10)]);
        assert_eq!(template.find(&screen, Some(0.999), Some(0.05)).hits.len(), 2);
    }

    #[test]
    fn below_the_threshold_it_is_only_near() {
        let (mut screen, icon) = (noise(100, 60, 7), noise(16, 16, 8));
        image::imageops::overlay(&mut screen, &icon, 40, 20);
        for x in 40..42 {
            (20..36).for_each(|y| screen.put_pixel(x, y, Rgb([128, 128, 128])));
        }
        let found = Template::new(&frame(&icon)).unwrap().find(&frame(&screen), None, None);
        assert_eq!((found.hits.len(), places(&found.nearest)), (0, vec![(40, 20)]));
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
