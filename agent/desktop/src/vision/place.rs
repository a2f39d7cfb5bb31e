//! Where a line that was found stands, in relation to a region and to lines that are known.

use karakuri_protocol::desktop::Line;
use karakuri_protocol::geometry::Rect;

use super::change::around;
use super::ink::Ink;
use super::pieces::GAP;
use crate::frame::Frame;

/// Beside a known line, what is narrower than this share of its height is the room around that line.
const LEAST: f64 = 0.4;
/// How far, in pixels, the ends of a known line may lie from those of one that is found.
const SLACK: u32 = 2;

/// The part of `place` in `region`: a line whose middle row is outside is not in it.
pub(crate) fn inside(place: Rect, region: Rect) -> Option<Rect> {
    let rows = Rect { left: region.left, width: region.width, ..place };
    let middle = place.center().y;
    (region.top..region.bottom()).contains(&middle).then(|| place.intersection(&rows))?
}

/// The part of `place` beside the lines of `kept` that stand on the same row; none where that is
/// only the room around them.
pub(crate) fn beside(place: Rect, kept: &[Line]) -> Option<Rect> {
    kept.iter().filter(|line| is_on_row(&line.rect, &place)).try_fold(place, |place, line| {
        let Some(both) = place.intersection(&line.rect) else { return Some(place) };
        let (before, behind) =
            (both.left.abs_diff(place.left), place.right().abs_diff(both.right()));
        let (left, width) =
            if before >= behind { (place.left, before) } else { (both.right(), behind) };
        let least = f64::from(place.height) * LEAST;
        (f64::from(width) >= least).then_some(Rect { left, width, ..place })
    })
}

/// The line of `known` that stands at `place` from end to end.
pub(crate) fn known<'a>(frame: &Frame, place: Rect, known: &'a [Line]) -> Option<&'a Line> {
    let ink = Ink::of(&frame.crop(place)?);
    let inked = ink.tight(0..ink.width())?;
    let column = |at: usize| Some(place.left + i32::try_from(at).ok()?);
    let (left, right) = (column(inked.start)?, column(inked.end)?);
    known.iter().find(|line| {
        is_on_row(&line.rect, &place)
            && line.rect.left.abs_diff(left) <= SLACK
            && line.rect.right().abs_diff(right) <= SLACK
    })
}

/// Whether a line that was read already stands at `place`: the same one, seen from two areas.
pub(crate) fn is_twice(line: &Rect, place: &Rect) -> bool {
    line.contains(place.center()) && place.contains(line.center())
}

/// Whether two lines on one row are so close that they may be one.
pub(crate) fn adjoins(a: &Rect, b: &Rect) -> bool {
    let gap = a.left.max(b.left).saturating_sub(a.right().min(b.right()));
    is_on_row(a, b) && f64::from(gap) < f64::from(a.height.min(b.height)) * GAP
}

/// `line` and the room that recognition needs around it.
pub(crate) fn roomy(line: Rect, frame: &Frame) -> Rect {
    let room = around(&line, line.height / 3);
    let rows = Rect { top: line.top, height: line.height, ..room };
    rows.intersection(&frame.bounds()).unwrap_or(line)
}

/// Whether each holds the other's middle row.
fn is_on_row(a: &Rect, b: &Rect) -> bool {
    (a.top..a.bottom()).contains(&b.center().y) && (b.top..b.bottom()).contains(&a.center().y)
}

#[cfg(test)]
mod tests {
    use super::*;
    use karakuri_protocol::untrusted::Untrusted;

    fn line(rect: Rect) -> Line {
        Line { rect, text: Untrusted::new("x"), confidence: 1.0, words: Vec::new() }
    }

    #[test]
    fn a_line_is_in_a_region_by_its_middle_row() {
        let region = Rect::new(100, 100, 50, 20);
        assert_eq!(inside(Rect::new(90, 95, 80, 20), region), Some(Rect::new(100, 95, 50, 20)));
        assert_eq!(inside(Rect::new(90, 85, 80, 20), region), None);
        assert_eq!(inside(Rect::new(10, 100, 80, 20), region), None);
    }

    #[test]
    fn what_stands_beside_a_known_line_is_left_of_a_place() {
        let kept = [line(Rect::new(100, 50, 60, 20)), line(Rect::new(100, 75, 60, 20))];
        let place = |left, width| beside(Rect::new(left, 49, width, 22), &kept);
        assert_eq!(place(93, 74), None);
        assert_eq!(place(93, 100), Some(Rect::new(160, 49, 33, 22)));
        assert_eq!(place(60, 105), Some(Rect::new(60, 49, 40, 22)));
        assert_eq!(place(170, 40), Some(Rect::new(170, 49, 40, 22)));
    }

    #[test]
    fn lines_a_few_characters_apart_adjoin() {
        let line = Rect::new(100, 50, 60, 20);
        assert!(adjoins(&line, &Rect::new(170, 52, 30, 20)));
        assert!(adjoins(&Rect::new(60, 52, 30, 20), &line));
        assert!(!adjoins(&line, &Rect::new(190, 52, 30, 20)));
        assert!(!adjoins(&line, &Rect::new(170, 70, 30, 20)));
    }
}
