//! What has to be looked at again when a part of the picture changed.
//!
//! A caret blinks, a cell is filled, a menu opens: most of the screen is as it was. Only where it
//! changed, grown to the lines of text there, is text looked for again; the other lines stay as they
//! were read. A line that something taller now covers in part keeps the words it still shows.

use karakuri_protocol::desktop::Line;
use karakuri_protocol::geometry::{Point, Rect};
use karakuri_protocol::untrusted::Untrusted;

use crate::frame::Frame;

/// Side of the squares that are compared, in pixels: changes that are further apart stay apart.
const TILE: u32 = 32;
/// Pixels beside a change, and above and below it, within which it may reach: a word has gaps, and a
/// line has accents and underlines.
const BESIDE: u32 = 24;
const EDGE: u32 = 4;
/// How far beside a line new characters join it, in heights of the line: a wider gap parts lines.
const REACH: f64 = 1.3;
/// What a covered line shows less than so much away from the cover, in heights of the line, is read
/// anew: characters that are cut or whose neighbour is gone.
const CUT: f64 = 0.5;
/// Share of the region from which looking at all of it anew is no more work.
const MOST: f64 = 0.5;

/// What is to be done about a change.
#[derive(Debug, PartialEq)]
pub(crate) struct Change {
    /// Where to look, none overlapping another.
    pub(crate) areas: Vec<Rect>,
    /// The lines that stay as they were read.
    pub(crate) kept: Vec<Line>,
    /// What is left of lines that are covered in part.
    pub(crate) rest: Vec<Line>,
    /// Lines in the areas whose own pixels are as they were.
    pub(crate) unchanged: Vec<Line>,
    /// Lines in the areas that are read anew, as they were read.
    pub(crate) former: Vec<Former>,
}

/// A line as it was read before its pixels changed.
#[derive(Debug, PartialEq)]
pub(crate) struct Former {
    pub(crate) line: Line,
    /// Whether the edge of something that came or went runs through its characters.
    pub(crate) is_crossed: bool,
}

impl Former {
    /// Whether of this line only a part is left at `place`, its characters cut above or below.
    pub(crate) fn is_cut(&self, place: &Rect) -> bool {
        self.is_crossed && place.height <= self.line.rect.height
    }
}

/// What changed in `region` of `frame` since it looked like `before`, or nothing when all of it
/// should be looked at. `lines` were read in `before`; all but `before` is in pixels of `frame`.
pub(crate) fn since(before: &Frame, frame: &Frame, region: Rect, lines: &[Line]) -> Option<Change> {
    let places = places(before, frame, region);
    let (mut areas, mut kept, mut rest) = (vec![], vec![], vec![]);
    let (mut unchanged, mut former) = (vec![], vec![]);
    for line in lines {
        let near: Vec<&Rect> = places.iter().filter(|place| touches(line, place)).collect();
        if near.is_empty() {
            kept.push(line.clone());
        } else if near.iter().all(|place| covers(place, &line.rect)) {
            let (shown, gone) = uncovered(line, &near);
            rest.extend(shown);
            gone.into_iter().for_each(|words| join(&mut areas, words));
        } else {
            join(&mut areas, line.rect);
            if near.iter().all(|place| place.intersection(&line.rect).is_none()) {
                unchanged.push(line.clone());
            } else {
                let is_crossed = near.iter().any(|place| crosses(place, &line.rect));
                former.push(Former { line: line.clone(), is_crossed });
            }
        }
    }
    places.iter().for_each(|place| join(&mut areas, grown(place, BESIDE, EDGE)));
    let areas: Vec<Rect> = areas.iter().filter_map(|area| area.intersection(&region)).collect();
    let work: f64 = areas.iter().map(size).sum();
    (work <= MOST * size(&region)).then_some(Change { areas, kept, rest, unchanged, former })
}

/// Tight boxes around what differs.
fn places(before: &Frame, frame: &Frame, region: Rect) -> Vec<Rect> {
    let corner = Point { x: region.left, y: region.top };
    let mut squares = Vec::new();
    for band in tiles(before.bounds(), before.width(), TILE) {
        // Whole rows are compared fastest, and most are equal.
        let Some(differing) = before.difference(band, frame, corner) else { continue };
        for tile in tiles(band, TILE, TILE).filter(|tile| tile.intersection(&differing).is_some()) {
            if before.difference(tile, frame, corner).is_some() {
                join(&mut squares, tile);
            }
        }
    }
    let tight = squares.iter().filter_map(|square| before.difference(*square, frame, corner));
    tight.map(|place| shifted(place, corner.x, corner.y)).collect()
}

/// Whether a line may read otherwise because of a change at `place`.
fn touches(line: &Line, place: &Rect) -> bool {
    let beside = of_height(&line.rect, REACH);
    grown(&line.rect, beside, EDGE).intersection(place).is_some()
}

/// Whether `place` reaches over a line, above and below, so that it is no part of its text.
fn covers(place: &Rect, line: &Rect) -> bool {
    place.top + 2 < line.top && place.bottom() > line.bottom() + 2
}

/// Whether `place`, which reaches far over `line` on one side, ends in its middle half on the other, and
/// is as wide.
fn crosses(place: &Rect, line: &Rect) -> bool {
    let quarter = line.height / 4;
    let middle =
        line.top.saturating_add_unsigned(quarter)..line.bottom().saturating_sub_unsigned(quarter);
    let far = grown(line, 0, line.height);
    let above = place.top < far.top && middle.contains(&place.bottom());
    let below = far.bottom() < place.bottom() && middle.contains(&place.top);
    place.left <= line.left && line.right() <= place.right() && (above || below)
}

/// What `line` still shows beside the places, as lines, and the words that have to be looked at.
fn uncovered(line: &Line, places: &[&Rect]) -> (Vec<Line>, Vec<Rect>) {
    let margin = of_height(&line.rect, CUT);
    let is_free =
        |word: &Rect| !places.iter().any(|p| around(p, margin).intersection(word).is_some());
    let runs = line.words.chunk_by(|a, b| is_free(&a.rect) == is_free(&b.rect));
    let mut rest = Vec::new();
    let mut gone = Vec::new();
    let mut text = line.text.danger_raw();
    for run in runs {
        let Some(rect) = run.iter().map(|word| word.rect).reduce(|a, b| a.union(&b)) else {
            continue;
        };
        let (own, behind) = text.split_at(length_of(run.iter().map(|w| w.text.danger_raw()), text));
        text = behind;
        if is_free(&run[0].rect) {
            let (text, words) = (Untrusted::new(own.trim()), run.to_vec());
            rest.push(Line { rect, text, confidence: line.confidence, words });
        } else {
            gone.push(rect);
        }
    }
    (rest, gone)
}

/// How many bytes of `text` hold these words, which follow each other in it.
fn length_of<'a>(mut words: impl Iterator<Item = &'a str>, text: &str) -> usize {
    let end = words.try_fold(0, |from, word| Some(from + text[from..].find(word)? + word.len()));
    end.unwrap_or(text.len())
}

/// `area` and what surrounds it by `reach` pixels.
pub(crate) fn around(area: &Rect, reach: u32) -> Rect {
    grown(area, reach, reach)
}

fn grown(area: &Rect, beside: u32, over: u32) -> Rect {
    Rect::new(
        area.left.saturating_sub_unsigned(beside),
        area.top.saturating_sub_unsigned(over),
        area.width + 2 * beside,
        area.height + 2 * over,
    )
}

/// Adds an area, joined with all that it overlaps or touches.
fn join(areas: &mut Vec<Rect>, mut area: Rect) {
    while let Some(at) = areas.iter().position(|a| a.intersection(&around(&area, 1)).is_some()) {
        area = area.union(&areas.swap_remove(at));
    }
    areas.push(area);
}

/// Rectangles of `width` × `height` pixels that cover `area`, cut at its right and lower edge.
fn tiles(area: Rect, width: u32, height: u32) -> impl Iterator<Item = Rect> {
    let starts = |side: u32, step: u32| (0..side).step_by(step.max(1) as usize);
    starts(area.height, height).flat_map(move |down| {
        starts(area.width, width).map(move |along| {
            Rect::new(
                area.left.saturating_add_unsigned(along),
                area.top.saturating_add_unsigned(down),
                width.min(area.width - along),
                height.min(area.height - down),
            )
        })
    })
}

/// `rect` further to the right and further down.
pub(crate) fn shifted(rect: Rect, right: i32, down: i32) -> Rect {
    Rect { left: rect.left + right, top: rect.top + down, ..rect }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share of a height is a small positive number of pixels"
)]
fn of_height(rect: &Rect, share: f64) -> u32 {
    (f64::from(rect.height) * share).round() as u32
}

fn size(rect: &Rect) -> f64 {
    f64::from(rect.width) * f64::from(rect.height)
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{Rgb, RgbImage};
    use karakuri_protocol::desktop::Word;

    const SCREEN: Rect = Rect { left: 0, top: 0, width: 640, height: 320 };

    /// 640 × 320 pixels with black marks.
    fn frame(marks: &[Rect]) -> Frame {
        let image = RgbImage::from_fn(640, 320, |x, y| {
            let at = Point { x: i32::try_from(x).unwrap(), y: i32::try_from(y).unwrap() };
            Rgb([if marks.iter().any(|mark| mark.contains(at)) { 0 } else { 255 }; 3])
        });
        Frame::from_rgb(&image).unwrap()
    }

    /// A line 20 pixels high whose words stand at these columns.
    fn line(top: i32, words: &[(&str, i32, u32)]) -> Line {
        let words: Vec<Word> = words
            .iter()
            .map(|(text, left, width)| Word {
                rect: Rect::new(*left, top, *width, 20),
                text: Untrusted::new(*text),
                confidence: 1.0,
            })
            .collect();
        let rect = words.iter().map(|word| word.rect).reduce(|a, b| a.union(&b)).unwrap();
        let texts: Vec<&str> = words.iter().map(|word| word.text.danger_raw()).collect();
        Line { rect, text: Untrusted::new(texts.join(" ")), confidence: 1.0, words }
    }

    fn change(marks: &[Rect], lines: &[Line]) -> Change {
        since(&frame(&[]), &frame(marks), SCREEN, lines).unwrap()
    }

    #[test]
    fn changes_that_are_apart_stay_apart() {
        let changed = change(&[Rect::new(100, 110, 3, 2), Rect::new(300, 110, 1, 1)], &[]);
        assert_eq!(changed.areas, [Rect::new(76, 106, 51, 10), Rect::new(276, 106, 49, 9)]);
    }

    #[test]
    fn a_change_takes_the_lines_it_may_belong_to_and_no_others() {
        let typed = Rect::new(120, 105, 8, 10);
        let (near, over, under) = (
            line(100, &[("a", 70, 30)]),
            line(75, &[("b", 70, 300)]),
            line(120, &[("c", 70, 300)]),
        );
        let changed = change(&[typed], &[near.clone(), over.clone(), under.clone()]);
        assert_eq!(changed.areas, [Rect::new(70, 100, 82, 20)]);
        assert_eq!((changed.kept, changed.unchanged), (vec![over, under], vec![near]));
    }

    #[test]
    fn a_line_over_two_changes_joins_them() {
        let lines = [line(100, &[("a", 20, 600)])];
        let changed = change(&[Rect::new(40, 110, 1, 1), Rect::new(600, 110, 1, 1)], &lines);
        assert_eq!(changed.areas, [Rect::new(16, 100, 609, 20)]);
        assert_eq!((changed.kept.len(), changed.unchanged.len()), (0, 0));
    }

    #[test]
    fn a_covered_line_keeps_the_words_it_shows() {
        let lines =
            [line(100, &[("on", 20, 40), ("the", 70, 60), ("left", 140, 70), ("x", 500, 9)])];
        let cover = Rect::new(200, 60, 200, 100);
        let changed = change(&[cover], &lines);
        assert_eq!(changed.areas, [Rect::new(140, 56, 284, 108)]);
        let texts: Vec<&str> = changed.rest.iter().map(|line| line.text.danger_raw()).collect();
        assert_eq!(texts, ["on the", "x"]);
        assert_eq!(changed.rest[0].rect, Rect::new(20, 100, 110, 20));
    }

    #[test]
    fn a_line_is_cut_by_an_edge_through_its_middle() {
        let lines = [line(100, &[("half", 220, 40)]), line(250, &[("whole", 220, 40)])];
        let changed = change(&[Rect::new(200, 20, 200, 90), Rect::new(210, 252, 60, 16)], &lines);
        let crossed: Vec<bool> = changed.former.iter().map(|former| former.is_crossed).collect();
        assert_eq!(crossed, [true, false]);
        let half = &changed.former[0];
        let left = Rect::new(218, 104, 44, 18);
        assert!(half.is_cut(&left));
        assert!(!half.is_cut(&Rect::new(218, 98, 44, 24)), "what came off it shows it whole");
    }

    #[test]
    fn much_change_means_all() {
        let all = [Rect::new(0, 0, 640, 200)];
        assert_eq!(since(&frame(&[]), &frame(&all), SCREEN, &[]), None);
        assert_eq!(change(&[], &[]).areas, []);
    }
}
