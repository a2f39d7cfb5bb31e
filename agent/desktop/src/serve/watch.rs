//! What an act changes on the screen, and whether that is where it should.

use std::sync::Arc;
use std::time::{Duration, Instant};

use karakuri_protocol::geometry::Rect;

use super::change::changes;
use crate::frame::Frame;
use crate::x11::desktop::Desktop;
use crate::x11::error::X11Error;

/// The screen has settled when nothing meaningful changed for so long,
const QUIET: Duration = Duration::from_millis(60);
/// or, where a program draws at once what it was told, for as long as it took to draw the first of it,
/// but no shorter than this: a frame and a half of 60 a second.
const SOON: Duration = Duration::from_millis(25);

/// How much longer a program that answers pings may take to handle an act.
const BUSY: Duration = Duration::from_secs(6);
/// How long it may take to draw what it has handled.
const DRAWING: Duration = Duration::from_millis(300);

/// What was seen of an act.
#[derive(Debug)]
pub(super) struct Seen {
    /// The screen afterwards.
    pub(super) after: Arc<Frame>,
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

    /// Whether all of `area` is known to have changed.
    fn has(&self, area: &Rect) -> bool {
        self.changed.iter().any(|known| known.intersection(area) == Some(*area))
    }

    /// Whether something changed in one of `areas`, or a surface came or went.
    pub(super) fn touches(&self, areas: &[Rect]) -> bool {
        let within = |changed: &Rect| areas.iter().any(|area| area.intersection(changed).is_some());
        !self.changed.is_empty() && (self.surfaces || self.changed.iter().any(within))
    }
}

/// How long is watched.
#[derive(Debug)]
pub(super) struct Until {
    deadline: Instant,
    /// The number of a ping that the receiver sends back when it has handled the act, and how long
    /// is waited for that.
    ping: Option<Ping>,
    /// The receiver draws at once what it was told.
    prompt: bool,
}

#[derive(Clone, Copy, Debug)]
struct Ping {
    window: u32,
    serial: u32,
    end: Instant,
}

impl Until {
    /// Until `time` is over.
    pub(super) fn from_now(time: Duration) -> Self {
        Self { deadline: Instant::now() + time, ping: None, prompt: false }
    }

    /// The act is one that shows at once, as one of the pointer does: what it starts is not waited for.
    pub(super) fn at_once(self) -> Self {
        Self { prompt: true, ..self }
    }

    /// Also until `window` has handled what was sent to it, if it can tell.
    pub(super) fn handled_by(
        &mut self,
        desktop: &mut Desktop,
        window: u32,
    ) -> Result<(), X11Error> {
        let end = self.deadline + BUSY;
        self.ping = desktop.ping(window)?.map(|serial| Ping { window, serial, end });
        Ok(())
    }

    /// How long nothing may change for the screen to have settled, when the first change came after `first`.
    fn quiet(&self, first: Duration) -> Duration {
        if self.prompt { first.clamp(SOON, QUIET) } else { QUIET }
    }

    /// Until when it is too early to stop.
    fn busy_until(&self, desktop: &mut Desktop, now: Instant) -> Option<Instant> {
        let Ping { window, serial, end } = self.ping?;
        if desktop.ponged(serial) {
            return None;
        }
        if now >= end {
            desktop.no_answer(window);
            return None;
        }
        Some(end)
    }
}

/// Watches from `before` on, until what was seen is `enough` and the screen has settled, or the time
/// is over; but not before the receiver has handled the act.
pub(super) fn watch(
    desktop: &mut Desktop,
    before: Arc<Frame>,
    time: &Until,
    enough: impl Fn(&Seen) -> bool,
) -> Result<Seen, X11Error> {
    let mut seen =
        Seen { after: before, changed: Vec::new(), cursors: Vec::new(), surfaces: false };
    let mut deadline = time.deadline;
    let mut until = deadline;
    let (start, mut quiet) = (Instant::now(), None);
    loop {
        desktop.pump_unless_drawn(until)?;
        let (frame, drawn) = desktop.refresh()?;
        let fresh = changes(&seen.after, &frame, &drawn);
        let now = Instant::now();
        seen.surfaces |= desktop.take_signs().surfaces;
        seen.after = frame;
        if !(fresh.areas.is_empty() && fresh.cursors.is_empty()) {
            // A cursor that goes on blinking, or what moves on in its place, as a button that fades, does
            // not keep a screen from settling.
            let is_news = seen.surfaces || fresh.areas.iter().any(|area| !seen.has(area));
            let goes_on = !is_news && until < deadline;
            seen.changed.extend(fresh.areas);
            seen.cursors.extend(fresh.cursors);
            if !goes_on && enough(&seen) {
                let quiet = *quiet.get_or_insert_with(|| time.quiet(now - start));
                until = deadline.min(now + quiet);
            }
        }
        if now < until {
            continue;
        }
        let Some(end) = time.busy_until(desktop, now) else { return Ok(seen) };
        until = end.min(now + QUIET);
        // What it is busy with is drawn after it answers.
        deadline = deadline.max(until + DRAWING);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_screen_settles_as_fast_as_its_program_draws() {
        let ms = Duration::from_millis;
        let time = Until::from_now(ms(1500));
        assert_eq!([1, 40, 500].map(|first| time.quiet(ms(first))), [QUIET; 3]);
        let time = time.at_once();
        assert_eq!([1, 40, 500].map(|first| time.quiet(ms(first))), [SOON, ms(40), QUIET]);
    }
}
