//! What the last looks saw, so that an act can tell whether its place is still what was found.

use std::collections::VecDeque;
use std::sync::Arc;

use karakuri_protocol::desktop::{Hit, Seen};
use karakuri_protocol::geometry::Rect;

use super::change::changes;
use crate::frame::Frame;
use crate::x11::desktop::Desktop;
use crate::x11::error::X11Error;

/// An act comes soon after its look; a drag has two.
const KEPT: usize = 4;

/// The last looks.
#[derive(Debug, Default)]
pub(super) struct Glances {
    kept: VecDeque<Glance>,
    last: u32,
}

#[derive(Debug)]
struct Glance {
    number: u32,
    frame: Arc<Frame>,
    /// The boxes that were found, and the window on top there.
    places: Vec<(Rect, Option<u32>)>,
}

impl Glances {
    /// Remembers a look; its number.
    pub(super) fn note(
        &mut self,
        desktop: &Desktop,
        frame: &Arc<Frame>,
        hits: &[Hit],
    ) -> Result<u32, X11Error> {
        let mut places = Vec::new();
        // What is ambiguous is not acted on.
        if let [hit] = hits {
            places.push((hit.rect, desktop.top_at(hit.rect.center())?));
        }
        self.last = self.last.wrapping_add(1);
        self.kept.truncate(KEPT - 1);
        self.kept.push_front(Glance { number: self.last, frame: Arc::clone(frame), places });
        Ok(self.last)
    }

    /// Whether what an act relies on is still so.
    pub(super) fn holds(&self, desktop: &mut Desktop, seen: &Seen) -> Result<bool, X11Error> {
        let Some(glance) = self.kept.iter().find(|glance| glance.number == seen.look) else {
            return Ok(false);
        };
        let Some((_, top)) = glance.places.iter().find(|(rect, _)| *rect == seen.rect) else {
            return Ok(false);
        };
        let (now, _) = desktop.refresh()?;
        let same = || changes(&glance.frame, &now, &[seen.rect]).areas.is_empty();
        Ok(desktop.top_at(seen.rect.center())? == *top && (!seen.exact || same()))
    }
}
