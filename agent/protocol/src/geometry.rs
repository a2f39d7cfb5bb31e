//! Places on the screen, in physical pixels, origin at the top left. Nothing is ever rescaled.

use serde::{Deserialize, Serialize};

/// One pixel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "[i32; 2]", into = "[i32; 2]")]
pub struct Point {
    /// Pixels from the left edge.
    pub x: i32,
    /// Pixels from the top edge.
    pub y: i32,
}

/// A rectangle; on the wire `[left, top, width, height]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "(i32, i32, u32, u32)", into = "(i32, i32, u32, u32)")]
pub struct Rect {
    /// Pixels from the left edge of the screen.
    pub left: i32,
    /// Pixels from the top edge of the screen.
    pub top: i32,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
}

impl Rect {
    /// A rectangle from its top left corner and its size.
    #[must_use]
    pub fn new(left: i32, top: i32, width: u32, height: u32) -> Self {
        Self { left, top, width, height }
    }

    /// One past the last column.
    #[must_use]
    pub fn right(&self) -> i32 {
        self.left.saturating_add_unsigned(self.width)
    }

    /// One past the last row.
    #[must_use]
    pub fn bottom(&self) -> i32 {
        self.top.saturating_add_unsigned(self.height)
    }

    /// The middle pixel.
    #[must_use]
    pub fn center(&self) -> Point {
        Point {
            x: self.left.saturating_add_unsigned(self.width / 2),
            y: self.top.saturating_add_unsigned(self.height / 2),
        }
    }

    /// Whether `point` lies inside.
    #[must_use]
    pub fn contains(&self, point: Point) -> bool {
        (self.left..self.right()).contains(&point.x) && (self.top..self.bottom()).contains(&point.y)
    }

    /// The part that both rectangles share, if any.
    #[must_use]
    pub fn intersection(&self, other: &Rect) -> Option<Rect> {
        let left = self.left.max(other.left);
        let top = self.top.max(other.top);
        let width = u32::try_from(self.right().min(other.right()).saturating_sub(left)).ok()?;
        let height = u32::try_from(self.bottom().min(other.bottom()).saturating_sub(top)).ok()?;
        (width > 0 && height > 0).then_some(Rect { left, top, width, height })
    }

    /// The smallest rectangle that holds both.
    #[must_use]
    pub fn union(&self, other: &Rect) -> Rect {
        let left = self.left.min(other.left);
        let top = self.top.min(other.top);
        Rect {
            left,
            top,
            width: self.right().max(other.right()).abs_diff(left),
            height: self.bottom().max(other.bottom()).abs_diff(top),
        }
    }
}

impl From<[i32; 2]> for Point {
    fn from([x, y]: [i32; 2]) -> Self {
        Self { x, y }
    }
}

impl From<Point> for [i32; 2] {
    fn from(point: Point) -> Self {
        [point.x, point.y]
    }
}

impl From<(i32, i32, u32, u32)> for Rect {
    fn from((left, top, width, height): (i32, i32, u32, u32)) -> Self {
        Self { left, top, width, height }
    }
}

impl From<Rect> for (i32, i32, u32, u32) {
    fn from(rect: Rect) -> Self {
        (rect.left, rect.top, rect.width, rect.height)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rectangles_meet_and_join() {
        let a = Rect::new(0, 0, 10, 10);
        let b = Rect::new(5, -5, 10, 10);
        assert_eq!(a.intersection(&b), Some(Rect::new(5, 0, 5, 5)));
        assert_eq!(a.union(&b), Rect::new(0, -5, 15, 15));
        assert_eq!(a.intersection(&Rect::new(10, 0, 5, 5)), None);
    }

    #[test]
    fn an_edge_belongs_to_one_side() {
        let a = Rect::new(0, 0, 10, 10);
        assert!(a.contains(Point { x: 0, y: 9 }));
        assert!(!a.contains(Point { x: 10, y: 9 }));
    }
}
