//! The picture of the run's pointer: captures have none.

use karakuri_protocol::geometry::{Point, Rect};

use crate::canvas::{Canvas, Colour};

/// The arrow, its tip at the top left: `#` is its edge, `.` its inside.
const ARROW: [&str; 17] = [
    "#",
    "##",
    "#.#",
    "#..#",
    "#...#",
    "#....#",
    "#.....#",
    "#......#",
    "#.......#",
    "#........#",
    "#.........#",
    "#......#####",
    "#...#..#",
    "#..##..#",
    "#.#  #..#",
    "##   #..#",
    "#     ##",
];
const EDGE: Colour = [0xff, 0xff, 0xff];
const INSIDE: Colour = [0, 0, 0];

/// Where the arrow is drawn whose tip is at `tip`.
pub(crate) fn area(tip: Point) -> Rect {
    let width = ARROW.iter().map(|row| row.len()).max().unwrap_or_default();
    let side = |length: usize| u32::try_from(length).unwrap_or_default();
    Rect::new(tip.x, tip.y, side(width), side(ARROW.len()))
}

/// Draws the arrow.
pub(crate) fn draw(canvas: &mut Canvas, tip: Point) {
    for (y, row) in (tip.y..).zip(ARROW) {
        for (x, mark) in (tip.x..).zip(row.chars()) {
            match mark {
                '#' => canvas.mix(x, y, EDGE, 1.0),
                '.' => canvas.mix(x, y, INSIDE, 1.0),
                _ => {}
            }
        }
    }
}
