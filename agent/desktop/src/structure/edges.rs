//! Boxes: outlines or areas of another brightness with four straight sides, of the size of things
//! that are clicked. What a grid is made of is not found: its lines go on beyond the corners.

use karakuri_protocol::geometry::Rect;

use super::grey::Grey;
use crate::frame::Frame;

/// The least step of brightness, of 255, at an edge.
const STEP: i16 = 10;
/// The shortest side, in pixels: a check box.
const SHORTEST: usize = 10;
/// The tallest box, in pixels: a large button at double scale.
const TALLEST: usize = 96;
/// How far opposite edges may be out of line, in pixels; twice the radius of a corner.
const SLACK: usize = 5;
/// The share of a side that must be an edge.
const SOLID: f64 = 0.55;
/// Pixels that may be missing in an edge.
const HOLE: usize = 2;

/// An edge along a row: above `at` it is brighter or darker than below.
#[derive(Clone, Copy, Debug)]
struct Edge {
    at: usize,
    from: usize,
    to: usize,
}

/// The boxes in `region`, from the top, in pixels of the frame.
pub(super) fn boxes(frame: &Frame, region: Rect) -> Vec<Rect> {
    let grey = Grey::of(frame, region);
    let edges = horizontal(&grey);
    let turned = grey.turned();
    let mut found: Vec<Rect> = Vec::new();
    for (place, top) in edges.iter().enumerate() {
        let below = edges[place + 1..].iter().take_while(|edge| edge.at <= top.at + TALLEST);
        let matching = below.filter(|edge| {
            edge.at >= top.at + SHORTEST
                && edge.from.abs_diff(top.from) <= SLACK
                && edge.to.abs_diff(top.to) <= SLACK
        });
        for bottom in matching {
            let (left, right) = (top.from.min(bottom.from), top.to.max(bottom.to));
            if side(&turned, left, top.at..bottom.at) && side(&turned, right, top.at..bottom.at) {
                keep(&mut found, rect(left, top.at, right, bottom.at, region));
                break;
            }
        }
    }
    found
}

fn rect(left: usize, top: usize, right: usize, bottom: usize, region: Rect) -> Rect {
    let pixels = |value: usize| i32::try_from(value).unwrap_or(i32::MAX / 2);
    let length = |from: usize, to: usize| u32::try_from(to - from).unwrap_or(u32::MAX);
    Rect::new(
        region.left + pixels(left),
        region.top + pixels(top),
        length(left, right),
        length(top, bottom),
    )
}

/// The outer and the inner edge of a border make the same box.
fn keep(found: &mut Vec<Rect>, new: Rect) {
    let near = |a: i32, b: i32| a.abs_diff(b) <= 4;
    let same = |old: &&mut Rect| {
        near(old.left, new.left)
            && near(old.top, new.top)
            && near(old.right(), new.right())
            && near(old.bottom(), new.bottom())
    };
    match found.iter_mut().rev().find(same) {
        Some(old) => *old = old.union(&new),
        None => found.push(new),
    }
}

/// Whether there is an edge along column `at` of what `turned` was turned from, in most of `rows`.
fn side(turned: &Grey, at: usize, rows: std::ops::Range<usize>) -> bool {
    let columns = at.saturating_sub(SLACK)..(at + SLACK + 1).min(turned.height);
    let length = rows.len() as f64;
    columns.into_iter().filter(|y| *y > 0).any(|y| {
        let edge = rows.clone().filter(|x| step(turned, *x, y).is_some()).count();
        edge as f64 >= length * SOLID
    })
}

/// Brighter or darker, where pixel `x` of row `y` differs enough from the one above.
fn step(grey: &Grey, x: usize, y: usize) -> Option<bool> {
    let difference = grey.values[y * grey.width + x] - grey.values[(y - 1) * grey.width + x];
    (difference.abs() >= STEP).then_some(difference > 0)
}

/// Edges along rows, from the top.
fn horizontal(grey: &Grey) -> Vec<Edge> {
    let mut edges = Vec::new();
    for y in 1..grey.height {
        let mut run: Option<(bool, Edge)> = None;
        let mut end = |run: Option<(bool, Edge)>| {
            edges.extend(run.map(|(_, edge)| edge).filter(|edge| edge.to - edge.from >= SHORTEST));
        };
        for x in 0..grey.width {
            let Some(kind) = step(grey, x, y) else { continue };
            match &mut run {
                Some((same, edge)) if *same == kind && x <= edge.to + HOLE => edge.to = x + 1,
                _ => end(run.replace((kind, Edge { at: y, from: x, to: x + 1 }))),
            }
        }
        end(run);
    }
    edges
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(draw: impl Fn(u32, u32) -> u8) -> Frame {
        Frame::from_rgb(&image::RgbImage::from_fn(200, 100, |x, y| image::Rgb([draw(x, y); 3])))
            .unwrap()
    }

    fn close(found: &[Rect], wanted: Rect) -> bool {
        found.len() == 1
            && found[0].left.abs_diff(wanted.left) <= 2
            && found[0].top.abs_diff(wanted.top) <= 2
            && found[0].right().abs_diff(wanted.right()) <= 2
            && found[0].bottom().abs_diff(wanted.bottom()) <= 2
    }

    #[test]
    fn an_outline_and_a_filled_area_are_one_box_each() {
        let wanted = Rect::new(30, 20, 80, 30);
        let inside = |x: u32, y: u32| (30..110).contains(&x) && (20..50).contains(&y);
        let filled = frame(|x, y| if inside(x, y) { 90 } else { 240 });
        assert!(close(&boxes(&filled, filled.bounds()), wanted));
        let border =
            |x: u32, y: u32| inside(x, y) && !((31..109).contains(&x) && (21..49).contains(&y));
        let outline = frame(|x, y| if border(x, y) { 150 } else { 240 });
        let found = boxes(&outline, outline.bounds());
        assert!(close(&found, wanted), "{found:?}");
    }

    #[test]
    fn the_cells_of_a_grid_and_a_line_are_no_boxes() {
        let grid = frame(|x, y| if x % 50 == 10 || y % 30 == 10 { 180 } else { 255 });
        assert_eq!(boxes(&grid, grid.bounds()), []);
        let line = frame(|_, y| if y == 40 { 100 } else { 255 });
        assert_eq!(boxes(&line, line.bounds()), []);
    }
}
