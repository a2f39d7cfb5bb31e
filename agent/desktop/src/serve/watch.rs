//! What an act changes on the screen, and whether that is where it should.

use std::rc::Rc;
use std::time::{Duration, Instant};

use karakuri_protocol::geometry::Rect;

use super::change::changes;
use crate::frame::Frame;
use crate::x11::desktop::Desktop;
use crate::x11::error::X11Error;

/// The screen has settled when nothing meaningful changed for so long.
const QUIET: Duration = Duration::from_millis(60);

/// What was seen of an act.
#[derive(Debug)]
pub(super) struct Seen {
    /// The screen afterwards.
    pub(super) after: Rc<Frame>,
    /// What changed at any time meanwhile, text cursors left out.
    pub(super) changed: Vec<Rect>,
    /// Where a text cursor came or went.
    pub(super) cursors: Vec<Rect>,
    /// Whether a window, a dialog or a menu appeared or went away.
    pub(super) surfaces: bool,
}

impl Seen {
    /// The rectangle around all that changed.
    pub(super) fn bounds(&self) -> Option<Rect> {
        self.changed.iter().copied().reduce(|all, one| all.union(&one))
    }

    /// Whether something changed in one of `areas`, or a surface came or went.
    pub(super) fn touches(&self, areas: &[Rect]) -> bool {
        let within = |changed: &Rect| areas.iter().any(|area| area.intersection(changed).is_some());
        !self.changed.is_empty() && (self.surfaces || self.changed.iter().any(within))
    }
}

/// Watches from `before` on, until what was seen is `enough` and the screen has settled, or
/// `deadline`.
pub(super) fn watch(
    desktop: &mut Desktop,
    before: Rc<Frame>,
    deadline: Instant,
    enough: impl Fn(&Seen) -> bool,
) -> Result<Seen, X11Error> {
    let mut seen =
        Seen { after: before, changed: Vec::new(), cursors: Vec::new(), surfaces: false };
    let mut until = deadline;
    loop {
        desktop.pump_unless_drawn(until)?;
        let (frame, drawn) = desktop.refresh()?;
        let fresh = changes(&seen.after, &frame, &drawn);
        let now = Instant::now();
        seen.surfaces |= desktop.take_signs().surfaces;
        seen.after = frame;
        if !(fresh.areas.is_empty() && fresh.cursors.is_empty()) {
            let blinks_only = fresh.areas.is_empty() && until < deadline;
            seen.changed.extend(fresh.areas);
            seen.cursors.extend(fresh.cursors);
            // A cursor that goes on blinking does not keep a screen from settling.
            if !blinks_only && enough(&seen) {
                until = deadline.min(now + QUIET);
            }
        }
        if now >= until {
            return Ok(seen);
        }
    }
}
