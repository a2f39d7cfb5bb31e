//! The text cursor: where it was last seen, and whether an act has moved it.
//!
//! A cursor that blinks where it was says nothing about an act. A cursor that shows somewhere else
//! is what a click into a text is for, and often all that changes on the screen.

use karakuri_protocol::geometry::{Point, Rect};

/// How far from a click its text cursor may stand where it is not known from where it came, in
/// physical pixels: about a line.
const NEAR: i32 = 24;

/// Where the text cursor was last seen.
#[derive(Debug, Default)]
pub(super) struct Caret(Option<Rect>);

impl Caret {
    /// Whether a cursor shows where none was known, given the narrow changes `seen` of an act with
    /// the pointer at `point`.
    pub(super) fn moved(&self, seen: &[Rect], point: Point) -> bool {
        seen.iter().any(|cursor| match self.0 {
            Some(known) => known.intersection(cursor).is_none(),
            None => grown(cursor).contains(point),
        })
    }

    /// Remembers what an act has shown, of the pointer if there is a `point`.
    pub(super) fn note(&mut self, seen: &[Rect], point: Option<Point>) {
        // Where a cursor moved, it was taken away in one place and drawn in the other: at the click.
        let beside = |cursor: &&Rect| point.is_some_and(|point| grown(cursor).contains(point));
        let elsewhere =
            |cursor: &&Rect| self.0.is_none_or(|known| known.intersection(cursor).is_none());
        let now = seen.iter().rfind(beside).or_else(|| seen.iter().rfind(elsewhere));
        self.0 = now.copied().or(self.0);
    }
}

fn grown(cursor: &Rect) -> Rect {
    let twice = 2 * NEAR.unsigned_abs();
    let (width, height) = (cursor.width + twice, cursor.height + twice);
    Rect::new(cursor.left - NEAR, cursor.top - NEAR, width, height)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Rect = Rect { left: 50, top: 40, width: 1, height: 16 };
    const THERE: Rect = Rect { left: 90, top: 40, width: 1, height: 16 };

    #[test]
    fn blinking_is_no_move() {
        let mut caret = Caret::default();
        caret.note(&[HERE], None);
        assert!(!caret.moved(&[HERE, HERE], Point { x: 50, y: 45 }));
        assert!(!caret.moved(&[], Point { x: 50, y: 45 }));
    }

    #[test]
    fn a_cursor_elsewhere_is_a_move_and_is_remembered() {
        let mut caret = Caret::default();
        caret.note(&[HERE], None);
        let both = [THERE, HERE];
        assert!(caret.moved(&both, Point { x: 200, y: 45 }));
        caret.note(&both, None);
        assert!(!caret.moved(&[THERE], Point { x: 90, y: 45 }));
        assert!(caret.moved(&[HERE], Point { x: 50, y: 45 }));
    }

    #[test]
    fn after_a_click_the_cursor_is_where_it_was_clicked() {
        let mut caret = Caret::default();
        caret.note(&[HERE, THERE], Some(HERE.center()));
        assert!(caret.moved(&[THERE], THERE.center()) && !caret.moved(&[HERE], HERE.center()));
    }

    #[test]
    fn an_unknown_cursor_counts_only_beside_the_click() {
        let caret = Caret::default();
        assert!(caret.moved(&[HERE], Point { x: 60, y: 45 }));
        assert!(!caret.moved(&[HERE], Point { x: 200, y: 45 }));
    }
}
