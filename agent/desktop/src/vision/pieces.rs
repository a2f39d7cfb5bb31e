//! Cutting a detected box into what is read apart: cells of a table that stand side by side, parted
//! by a ruled line or by a wide gap.

use std::ops::Range;

use karakuri_protocol::geometry::Rect;

use super::ink::{self, Ink};
use crate::frame::Frame;

/// A gap of this many line heights parts two pieces. A space is a third of the height of a line,
/// and Japanese leaves one full character between words.
pub(super) const GAP: f64 = 1.3;
/// Room left around a piece, in line heights: recognition reads cramped ends badly.
const ROOM: f64 = 0.3;
/// How far a ruled line must reach over the box, above and below, in line heights: a text cursor
/// and the bar of a letter do not.
const REACH: f64 = 0.25;

/// The pieces of the box `found` in `picture`, from left to right.
pub(crate) fn of(picture: &Frame, found: Rect) -> Vec<Rect> {
    let Some(line) = picture.crop(found) else { return Vec::new() };
    let ink = Ink::of(&line);
    let columns = between_rules(picture, found).into_iter().flat_map(|cell| {
        let inked = between_gaps(&ink, cell.clone(), f64::from(found.height) * GAP);
        let room = share(found.height, ROOM);
        inked.into_iter().map(move |part| {
            part.start.saturating_sub(room).max(cell.start)..(part.end + room).min(cell.end)
        })
    });
    columns.filter_map(|columns| part_of(found, &columns)).collect()
}

/// The ranges of columns between vertical lines that run through the box.
fn between_rules(picture: &Frame, found: Rect) -> Vec<Range<usize>> {
    let width = found.width as usize;
    let reach = share(found.height, REACH);
    let tall = i32::try_from(reach).map(|reach| {
        Rect::new(found.left, found.top - reach, found.width, found.height).union(&Rect::new(
            found.left,
            found.top + reach,
            found.width,
            found.height,
        ))
    });
    let rules = tall.ok().and_then(|tall| picture.crop(tall)).map(|tall| ink::rules(&tall));
    let mut cells = Vec::new();
    let mut from = 0;
    for rule in rules.unwrap_or_default() {
        cells.push(from..rule);
        from = rule + 1;
    }
    cells.push(from..width);
    cells.retain(|cell| !cell.is_empty());
    cells
}

/// The inked ranges of `cell`, parted where a gap is at least `widest` columns wide.
fn between_gaps(ink: &Ink, cell: Range<usize>, widest: f64) -> Vec<Range<usize>> {
    let Some(inked) = ink.tight(cell) else { return Vec::new() };
    let mut parts = Vec::new();
    let mut from = inked.start;
    for gap in ink.gaps(inked.clone()) {
        if gap.len() as f64 >= widest {
            parts.push(from..gap.start);
            from = gap.end;
        }
    }
    parts.push(from..inked.end);
    parts
}

fn part_of(found: Rect, columns: &Range<usize>) -> Option<Rect> {
    let left = found.left + i32::try_from(columns.start).ok()?;
    Some(Rect::new(left, found.top, u32::try_from(columns.len()).ok()?, found.height))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share of a height is a small positive number of pixels"
)]
fn share(height: u32, share: f64) -> usize {
    (f64::from(height) * share).round() as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{Rgb, RgbImage};

    /// 30 pixels high, the line in the middle 20. `#` is a stroke, `|` a line over the full height,
    /// `i` a text cursor over the line.
    fn pieces(columns: &str) -> Vec<(i32, u32)> {
        let kinds = columns.as_bytes();
        let width = u32::try_from(kinds.len()).unwrap();
        let image = RgbImage::from_fn(width, 30, |x, y| {
            let dark = match kinds[x as usize] {
                b'#' => y == 15,
                b'|' => true,
                b'i' => (5..25).contains(&y),
                _ => false,
            };
            Rgb([if dark { 80 } else { 250 }; 3])
        });
        let frame = Frame::from_rgb(&image).unwrap();
        let found = Rect::new(0, 5, width, 20);
        of(&frame, found).iter().map(|piece| (piece.left, piece.width)).collect()
    }

    #[test]
    fn a_rule_parts_and_is_in_neither_piece() {
        assert_eq!(pieces("..##...|..##.."), [(0, 7), (8, 6)]);
        assert_eq!(pieces("..##.|.......|"), [(0, 5)]);
    }

    #[test]
    fn a_wide_gap_parts_and_a_narrow_one_does_not() {
        let wide = format!("##{}##", ".".repeat(26));
        assert_eq!(pieces(&wide), [(0, 8), (22, 8)]);
        let narrow = format!("##{}##", ".".repeat(25));
        assert_eq!(pieces(&narrow), [(0, 29)]);
    }

    #[test]
    fn a_text_cursor_does_not_part() {
        assert_eq!(pieces("..##.i.##.."), [(0, 11)]);
    }
}
