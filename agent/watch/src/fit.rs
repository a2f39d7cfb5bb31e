//! How the run's display lies in the window: as large as it fits below the bar, its ratio kept. Places in
//! the window and pixels of the display are converted here and nowhere else.

use karakuri_protocol::geometry::{Point, Rect};

/// The display in the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fit {
    /// The display, from 0, 0.
    screen: Rect,
    /// Where it is shown.
    shown: Rect,
}

impl Fit {
    /// Fits `screen` into `room`; none where there is no room or no screen.
    pub(crate) fn new(screen: Rect, room: Rect) -> Option<Self> {
        let (sw, sh) = (u64::from(screen.width), u64::from(screen.height));
        let (rw, rh) = (u64::from(room.width), u64::from(room.height));
        if [sw, sh, rw, rh].contains(&0) {
            return None;
        }
        let (width, height) =
            if rw * sh <= rh * sw { (rw, rw * sh / sw) } else { (rh * sw / sh, rh) };
        let width = u32::try_from(width.max(1)).ok()?;
        let height = u32::try_from(height.max(1)).ok()?;
        let middle = |outer: u32, inner: u32| i32::try_from((outer.saturating_sub(inner)) / 2).ok();
        let left = room.left + middle(room.width, width)?;
        let top = room.top + middle(room.height, height)?;
        Some(Self { screen, shown: Rect::new(left, top, width, height) })
    }

    /// Where the display is shown in the window.
    pub(crate) fn shown(&self) -> Rect {
        self.shown
    }

    /// The pixel of the display that is shown at a place in the window; the nearest, where none is.
    pub(crate) fn pixel(&self, place: Point) -> Point {
        let along = |at: i32, start: i32, shown: u32, size: u32| {
            let middle = 2 * i64::from(at - start) + 1;
            let pixel = (middle * i64::from(size)).div_euclid(2 * i64::from(shown));
            i32::try_from(pixel.clamp(0, i64::from(size) - 1)).unwrap_or_default()
        };
        Point {
            x: along(place.x, self.shown.left, self.shown.width, self.screen.width),
            y: along(place.y, self.shown.top, self.shown.height, self.screen.height),
        }
    }

    /// Where a pixel of the display begins in the window.
    pub(crate) fn place(&self, pixel: Point) -> Point {
        let along = |at: i32, start: i32, shown: u32, size: u32| {
            let at = i64::from(at) * i64::from(shown) / i64::from(size);
            start + i32::try_from(at).unwrap_or_default()
        };
        Point {
            x: along(pixel.x, self.shown.left, self.shown.width, self.screen.width),
            y: along(pixel.y, self.shown.top, self.shown.height, self.screen.height),
        }
    }

    /// What of the window shows any of `part` of the display.
    pub(crate) fn covers(&self, part: Rect) -> Option<Rect> {
        let first = self.place(Point { x: part.left, y: part.top });
        let last = self.place(Point { x: part.right(), y: part.bottom() });
        let (width, height) = (last.x.abs_diff(first.x) + 1, last.y.abs_diff(first.y) + 1);
        Rect::new(first.x, first.y, width, height).intersection(&self.shown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCREEN: Rect = Rect { left: 0, top: 0, width: 1280, height: 800 };

    fn fit(width: u32, height: u32) -> Fit {
        Fit::new(SCREEN, Rect::new(0, 30, width, height)).unwrap()
    }

    #[test]
    fn the_ratio_is_kept_and_the_rest_is_on_both_sides() {
        assert_eq!(fit(1280, 800).shown(), Rect::new(0, 30, 1280, 800));
        assert_eq!(fit(840, 400).shown(), Rect::new(100, 30, 640, 400));
        assert_eq!(fit(640, 500).shown(), Rect::new(0, 80, 640, 400));
        assert_eq!(Fit::new(SCREEN, Rect::new(0, 30, 640, 0)), None);
    }

    #[test]
    fn a_place_is_a_pixel_and_back() {
        let (whole, half, odd) = (fit(1280, 800), fit(640, 400), fit(1000, 625));
        assert_eq!(whole.pixel(Point { x: 17, y: 47 }), Point { x: 17, y: 17 });
        assert_eq!(half.pixel(Point { x: 100, y: 130 }), Point { x: 201, y: 201 });
        for x in [0, 1, 499, 998, 999] {
            let there = Point { x, y: 30 + x * 625 / 1000 };
            let back = odd.place(odd.pixel(there));
            assert!(
                back.x.abs_diff(there.x) <= 1 && back.y.abs_diff(there.y) <= 1,
                "{there:?} {back:?}"
            );
        }
        assert_eq!(whole.pixel(Point { x: -5, y: 5000 }), Point { x: 0, y: 799 });
    }

    #[test]
    fn what_changed_is_covered_to_its_last_pixel() {
        let covered = fit(1000, 625).covers(Rect::new(3, 3, 1, 1)).unwrap();
        assert_eq!((covered.left, covered.top), (2, 32));
        assert!(covered.right() >= 4 && covered.bottom() >= 34, "{covered:?}");
        assert_eq!(fit(640, 400).covers(SCREEN).unwrap(), Rect::new(0, 30, 640, 400));
    }
}
