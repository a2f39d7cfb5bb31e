//! The picture of the screen as it is now, and those before it that someone still looks at.
//!
//! Invariant: outside its `stale` places a spare picture shows what the present one shows. So a picture
//! that nobody looks at any more becomes the next one by copying those places and not the screen: a
//! buffer of the size of a screen is costly, as the kernel has to clear every page of a new one.

use std::sync::Arc;

use karakuri_protocol::geometry::Rect;

use crate::frame::{Frame, FrameError};

/// More places than this are remembered as one around them.
const MOST_PLACES: usize = 16;

/// See the module's documentation.
#[derive(Debug, Default)]
pub(super) struct Pictures {
    now: Option<Arc<Frame>>,
    before: Vec<Spare>,
}

#[derive(Debug)]
struct Spare {
    picture: Arc<Frame>,
    /// Where it may show something else than the present picture.
    stale: Vec<Rect>,
}

impl Pictures {
    /// The present picture, if there is one.
    pub(super) fn now(&self) -> Option<&Arc<Frame>> {
        self.now.as_ref()
    }

    /// A picture that nobody else has: the present one, to be brought up to date in `drawn`. None when
    /// there is none to begin with.
    pub(super) fn edit(&mut self, drawn: &[Rect]) -> Option<Frame> {
        let now = self.now.take()?;
        let owned = match Arc::try_unwrap(now) {
            Ok(mine) => mine,
            Err(held) => {
                let copy = self.copy_of(&held);
                self.before.push(Spare { picture: held, stale: Vec::new() });
                copy
            }
        };
        self.before.iter_mut().for_each(|spare| spare.expect(drawn));
        Some(owned)
    }

    /// A picture of this size that nobody else has, whatever it shows.
    ///
    /// # Errors
    /// When a screen cannot be of this size.
    pub(super) fn any(&mut self, screen: Rect) -> Result<Frame, FrameError> {
        self.before.extend(self.now.take().map(|picture| Spare { picture, stale: Vec::new() }));
        self.before.iter_mut().for_each(|spare| spare.stale = vec![screen]);
        self.before.retain(|spare| spare.picture.bounds() == screen);
        match self.free() {
            Some((free, _)) => Ok(free),
            None => Frame::black(screen.width, screen.height),
        }
    }

    /// Makes `picture` the present one.
    pub(super) fn put(&mut self, picture: Frame) -> Arc<Frame> {
        // One spare is enough for who looks at the picture before and the one after.
        let mut free = 0;
        self.before.retain(|spare| {
            free += usize::from(spare.is_free());
            !spare.is_free() || free == 1
        });
        Arc::clone(self.now.insert(Arc::new(picture)))
    }

    /// Forgets all: the screen is another.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// A picture that shows what `now` shows.
    fn copy_of(&mut self, now: &Frame) -> Frame {
        let Some((mut free, stale)) = self.free() else { return now.clone() };
        stale.into_iter().for_each(|place| free.copy_from(now, place));
        free
    }

    /// A picture that nobody looks at any more, and where it is stale.
    fn free(&mut self) -> Option<(Frame, Vec<Rect>)> {
        let at = self.before.iter().position(Spare::is_free)?;
        let Spare { picture, stale } = self.before.swap_remove(at);
        Some((Arc::into_inner(picture)?, stale))
    }
}

impl Spare {
    fn is_free(&self) -> bool {
        Arc::strong_count(&self.picture) == 1
    }

    /// The present picture is to change in `drawn`.
    fn expect(&mut self, drawn: &[Rect]) {
        self.stale.extend(drawn);
        if self.stale.len() > MOST_PLACES {
            let all = self.stale.drain(..).reduce(|all, one| all.union(&one));
            self.stale.extend(all);
        }
    }
}

#[cfg(test)]
mod tests {
    use karakuri_protocol::geometry::Point;

    use super::*;

    const SCREEN: Rect = Rect { left: 0, top: 0, width: 40, height: 30 };
    const CORNER: Point = Point { x: 0, y: 0 };

    /// Draws a mark, as the screen would show it.
    fn draw(pictures: &mut Pictures, mark: Rect, colour: [u8; 3]) -> Arc<Frame> {
        let mut picture = pictures.edit(&[mark]).unwrap();
        picture.fill(mark, colour);
        pictures.put(picture)
    }

    fn begun() -> (Pictures, Arc<Frame>) {
        let mut pictures = Pictures::default();
        assert!(pictures.edit(&[SCREEN]).is_none());
        let mut first = pictures.any(SCREEN).unwrap();
        first.fill(SCREEN, [9, 9, 9]);
        let first = pictures.put(first);
        (pictures, first)
    }

    #[test]
    fn a_picture_that_is_looked_at_never_changes() {
        let (mut pictures, first) = begun();
        let (a, b) = (Rect::new(1, 1, 5, 5), Rect::new(20, 20, 5, 5));
        let second = draw(&mut pictures, a, [1, 2, 3]);
        let third = draw(&mut pictures, b, [4, 5, 6]);
        assert!(first.rows(SCREEN).all(|row| row.chunks(4).all(|pixel| pixel[..3] == [9, 9, 9])));
        assert_eq!(first.difference(SCREEN, &second, CORNER), Some(a));
        assert_eq!(second.difference(SCREEN, &third, CORNER), Some(b));
    }

    #[test]
    fn a_picture_that_nobody_looks_at_is_used_again_and_shows_the_present() {
        let (mut pictures, first) = begun();
        let buffer = first.pixels().as_ptr();
        let second = draw(&mut pictures, Rect::new(1, 1, 5, 5), [1, 2, 3]);
        let third = draw(&mut pictures, Rect::new(20, 20, 5, 5), [4, 5, 6]);
        drop((first, second));
        let fourth = draw(&mut pictures, Rect::new(30, 2, 5, 5), [7, 8, 9]);
        assert_eq!(fourth.pixels().as_ptr(), buffer);
        let expected = Rect::new(30, 2, 5, 5);
        assert_eq!(third.difference(SCREEN, &fourth, CORNER), Some(expected));
    }

    #[test]
    fn many_changes_while_a_picture_is_looked_at_are_not_lost() {
        let (mut pictures, first) = begun();
        let second = draw(&mut pictures, Rect::new(0, 0, 1, 1), [1, 1, 1]);
        for x in 1..39 {
            draw(&mut pictures, Rect::new(x, x / 2, 1, 1), [1, 1, 1]);
        }
        drop(first);
        let held = draw(&mut pictures, Rect::new(39, 0, 1, 1), [1, 1, 1]);
        let last = draw(&mut pictures, Rect::new(39, 1, 1, 1), [1, 1, 1]);
        let changed = held.difference(SCREEN, &last, CORNER);
        assert_eq!(changed, Some(Rect::new(39, 1, 1, 1)));
        assert!(second.differs_in(&last, Rect::new(20, 10, 1, 1)));
    }

    #[test]
    fn only_one_that_nobody_looks_at_is_kept() {
        let (mut pictures, first) = begun();
        let second = draw(&mut pictures, Rect::new(0, 0, 1, 1), [1, 1, 1]);
        let third = draw(&mut pictures, Rect::new(0, 1, 1, 1), [1, 1, 1]);
        drop((first, second, third));
        draw(&mut pictures, Rect::new(0, 2, 1, 1), [1, 1, 1]);
        assert_eq!(pictures.before.len(), 1);
    }
}
