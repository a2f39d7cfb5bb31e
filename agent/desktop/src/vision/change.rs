//! What has to be looked at again when a part of the picture changed.
//!
//! A caret blinks, a cell is filled, a menu opens: most of the screen is as it was. The changed
//! parts, grown to whole lines of text, are detected again; the other lines stay as they were read.

use karakuri_protocol::desktop::Line;
use karakuri_protocol::geometry::Rect;

use crate::frame::Frame;

/// Side of the squares that are compared, in pixels.
const TILE: u32 = 32;
/// Pixels around a change within which a line may belong to it: new characters join a line from
/// about its height away.
const REACH: u32 = 24;
/// Share of the picture from which looking at all of it anew is no more work.
const MOST: f64 = 0.5;

/// The areas of `after` to look at, none overlapping another, or nothing when it should be all of
/// it. `lines` were read in `before`, and are wholly inside or wholly outside each area.
pub(crate) fn areas(before: &Frame, after: &Frame, lines: &[Line]) -> Option<Vec<Rect>> {
    if before.bounds() != after.bounds() {
        return None;
    }
    let mut areas = Vec::new();
    for tile in tiles(after).filter(|tile| before.differs_in(after, *tile)) {
        join(&mut areas, tile);
    }
    let mut grown = Vec::new();
    for area in areas {
        let reach = around(&area, REACH);
        let touched =
            lines.iter().map(|line| line.rect).filter(|r| r.intersection(&reach).is_some());
        join(&mut grown, touched.fold(reach, |all, line| all.union(&line)));
    }
    // A line that reached into one area may have drawn it over further lines.
    while let Some((at, line)) = cut_line(&grown, lines) {
        let area = grown.swap_remove(at).union(&line);
        join(&mut grown, area);
    }
    let inside: Vec<Rect> =
        grown.iter().filter_map(|area| area.intersection(&after.bounds())).collect();
    let work: f64 = inside.iter().map(size).sum();
    (work <= MOST * size(&after.bounds())).then_some(inside)
}

/// `area` and what surrounds it by `reach` pixels.
pub(crate) fn around(area: &Rect, reach: u32) -> Rect {
    Rect::new(
        area.left.saturating_sub_unsigned(reach),
        area.top.saturating_sub_unsigned(reach),
        area.width + 2 * reach,
        area.height + 2 * reach,
    )
}

/// Whether the middle of `rect` lies in one of the areas.
pub(crate) fn holds(areas: &[Rect], rect: &Rect) -> bool {
    areas.iter().any(|area| area.contains(rect.center()))
}

/// An area whose edge cuts a line, and that line.
fn cut_line(areas: &[Rect], lines: &[Line]) -> Option<(usize, Rect)> {
    areas.iter().enumerate().find_map(|(at, area)| {
        let cut = |line: &&Line| {
            line.rect.intersection(area).is_some() && area.union(&line.rect) != *area
        };
        lines.iter().find(cut).map(|line| (at, line.rect))
    })
}

/// Adds an area, joined with all that it overlaps or touches.
fn join(areas: &mut Vec<Rect>, mut area: Rect) {
    while let Some(at) = areas.iter().position(|a| a.intersection(&around(&area, 1)).is_some()) {
        area = area.union(&areas.swap_remove(at));
    }
    areas.push(area);
}

fn tiles(frame: &Frame) -> impl Iterator<Item = Rect> {
    let starts = |side: u32| (0..side).step_by(TILE as usize);
    let place = |at: u32| i32::try_from(at).unwrap_or(i32::MAX);
    let (width, height) = (frame.width(), frame.height());
    starts(height).flat_map(move |top| {
        starts(width).map(move |left| Rect::new(place(left), place(top), TILE, TILE))
    })
}

fn size(rect: &Rect) -> f64 {
    f64::from(rect.width) * f64::from(rect.height)
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{Rgb, RgbImage};
    use karakuri_protocol::untrusted::Untrusted;

    /// 640 × 320 pixels with black dots.
    fn frame(dots: &[(u32, u32)]) -> Frame {
        let mut image = RgbImage::from_pixel(640, 320, Rgb([255; 3]));
        dots.iter().for_each(|(x, y)| image.put_pixel(*x, *y, Rgb([0; 3])));
        Frame::from_rgb(&image).unwrap()
    }

    fn line(rect: Rect) -> Line {
        Line { rect, text: Untrusted::new("x"), confidence: 1.0, words: Vec::new() }
    }

    #[test]
    fn a_change_grows_to_the_lines_it_touches() {
        let lines = [Rect::new(70, 100, 300, 20), Rect::new(10, 200, 600, 20)].map(line);
        let changed = areas(&frame(&[]), &frame(&[(100, 110)]), &lines);
        // The tile from (96, 96), 24 pixels around it, and the line it touches.
        assert_eq!(changed, Some(vec![Rect::new(70, 72, 300, 80)]));
    }

    #[test]
    fn a_line_over_two_changes_joins_them() {
        let lines = [line(Rect::new(20, 100, 600, 20))];
        let changed = areas(&frame(&[]), &frame(&[(40, 110), (600, 110)]), &lines).unwrap();
        assert_eq!(changed, [Rect::new(8, 72, 624, 80)]);
        let apart = areas(&frame(&[]), &frame(&[(40, 110), (600, 110)]), &[]).unwrap();
        assert_eq!(apart.len(), 2);
    }

    #[test]
    fn much_change_means_all() {
        let dots: Vec<(u32, u32)> =
            (0..640).step_by(32).flat_map(|x| [(x, 40), (x, 160), (x, 280)]).collect();
        assert_eq!(areas(&frame(&[]), &frame(&dots), &[]), None);
        assert_eq!(areas(&frame(&dots), &frame(&dots), &[]), Some(Vec::new()));
    }
}
