//! Where two frames differ, as far as it means anything.

use karakuri_protocol::geometry::{Point, Rect};

use crate::frame::Frame;

/// The widest text cursor, in pixels. A change of nothing else is its blinking.
const CURSOR_WIDTH: u32 = 3;
/// The lowest text cursor, in pixels; what is as narrow and lower is taken for a change.
const CURSOR_HEIGHT: u32 = 6;

/// Where two frames differ, as tight boxes.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// What means something.
    pub(super) areas: Vec<Rect>,
    /// What may be a text cursor that blinks or moves.
    pub(super) cursors: Vec<Rect>,
}

/// What differs within each of `drawn`.
pub(super) fn changes(before: &Frame, after: &Frame, drawn: &[Rect]) -> Changes {
    let boxes = drawn.iter().filter_map(|region| tight(before, after, *region));
    let (cursors, areas) = boxes.partition(is_text_cursor);
    Changes { areas, cursors }
}

fn is_text_cursor(changed: &Rect) -> bool {
    changed.width <= CURSOR_WIDTH && changed.height >= CURSOR_HEIGHT
}

/// The smallest rectangle within `region` that holds every pixel that differs.
fn tight(before: &Frame, after: &Frame, region: Rect) -> Option<Rect> {
    if before.bounds() != after.bounds() {
        return Some(after.bounds());
    }
    let region = after.bounds().intersection(&region)?;
    before.difference(region, after, Point { x: 0, y: 0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCREEN: Rect = Rect { left: 0, top: 0, width: 40, height: 30 };

    fn painted(marks: &[Rect]) -> Frame {
        let mut pixels = vec![0; 40 * 30 * 4];
        for mark in marks {
            for y in mark.top..mark.bottom() {
                for x in mark.left..mark.right() {
                    pixels[usize::try_from(y * 40 + x).unwrap() * 4] = 200;
                }
            }
        }
        Frame::new(40, 30, pixels).unwrap()
    }

    #[test]
    fn the_box_is_tight() {
        let mark = Rect::new(5, 7, 9, 2);
        assert_eq!(changes(&painted(&[]), &painted(&[mark]), &[SCREEN]).areas, [mark]);
        let pixel = Rect::new(39, 29, 1, 1);
        assert_eq!(changes(&painted(&[pixel]), &painted(&[]), &[SCREEN]).areas, [pixel]);
    }

    #[test]
    fn only_what_was_drawn_is_compared() {
        let mark = Rect::new(5, 7, 9, 2);
        let elsewhere = Rect::new(20, 20, 10, 10);
        assert_eq!(changes(&painted(&[]), &painted(&[mark]), &[elsewhere]).areas, []);
    }

    #[test]
    fn a_blinking_text_cursor_is_no_change_but_a_letter_beside_it_is() {
        let cursor = Rect::new(10, 4, 2, 16);
        let blink = changes(&painted(&[]), &painted(&[cursor]), &[SCREEN]);
        assert_eq!((blink.areas, blink.cursors), (vec![], vec![cursor]));
        let letter = Rect::new(13, 8, 1, 10);
        let both = changes(&painted(&[]), &painted(&[cursor, letter]), &[SCREEN]);
        assert_eq!(both.areas, [Rect::new(10, 4, 4, 16)]);
    }
}
