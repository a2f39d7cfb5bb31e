//! Waiting for what can be seen: a target that is there or gone, a screen that is still.

use std::sync::Arc;
use std::time::{Duration, Instant};

use karakuri_protocol::desktop::{Control, Reply, Script, Until, Via};
use karakuri_protocol::geometry::Rect;
use karakuri_protocol::role::Role;
use karakuri_protocol::target::Target;

use super::change::changes;
use super::dispatch::Answer;
use super::error::ServeError;
use super::eyes::Eyes;
use super::glance::Glances;
use super::ready::is_greyed;
use crate::locate::{self, Found};
use crate::x11::desktop::Desktop;

/// A screen that is being drawn is looked at again once it was quiet for so long,
const QUIET: Duration = Duration::from_millis(20);
/// or was busy for so long.
const BUSY: Duration = Duration::from_millis(200);
/// A button that is greyed out is given so long to become ready: programs look at what was typed
/// before they let it be pressed.
const READY: Duration = Duration::from_secs(1);
/// What an application says may come later than what it draws.
const SAID: Duration = Duration::from_millis(250);

/// A look for a target.
pub(super) struct Look<'a> {
    /// For what.
    pub(super) target: &'a Target,
    /// To be there, or to be gone.
    pub(super) until: Until,
    /// For how long at most.
    pub(super) timeout: Duration,
    /// How to read.
    pub(super) script: Script,
    /// Whether the one match is to be clicked.
    pub(super) click: bool,
    /// Whether to send the picture that was looked at.
    pub(super) picture: bool,
}

/// Looks, and looks again whenever something was drawn, until it is as asked or time is over.
pub(super) fn look(
    desktop: &mut Desktop,
    eyes: &mut Eyes,
    glances: &mut Glances,
    look: &Look<'_>,
) -> Result<Answer, ServeError> {
    let start = Instant::now();
    let deadline = start + look.timeout;
    let named = locate::names_role(look.target);
    loop {
        // What is drawn shortly before the end of the time is still looked at.
        let last = Instant::now() >= deadline;
        let (frame, _) = desktop.refresh()?;
        let windows = if named { windows(desktop)? } else { Vec::new() };
        let found = eyes.find(&frame, windows, look.target, look.script)?;
        let done = match look.until {
            Until::Present => !found.hits.is_empty(),
            Until::Gone => found.hits.is_empty(),
        };
        let ready = start + READY;
        if look.click && Instant::now() < ready && is_greyed(&frame, &found.hits) {
            desktop.wait_drawn(ready, QUIET, BUSY)?;
            continue;
        }
        let until = if named { deadline.min(Instant::now() + SAID) } else { deadline };
        if done || last || (!desktop.wait_drawn(until, QUIET, BUSY)? && until == deadline) {
            let waited_ms = milliseconds(start.elapsed());
            let number = glances.note(desktop, &frame, &found.hits)?;
            let Found { hits, nearest, which } = found;
            let reply = Reply::Looked { hits, nearest, which, waited_ms, look: number };
            return match look.picture {
                true => Ok(Answer::with_picture(reply, eyes.shown(&frame, frame.bounds())?)),
                false => Ok(Answer::plain(reply)),
            };
        }
    }
}

/// The windows as things that can be named; what is off the screen is left out.
fn windows(desktop: &mut Desktop) -> Result<Vec<Control>, ServeError> {
    let screen = desktop.screen();
    let listed = desktop.windows()?.into_iter();
    let named = listed.filter_map(|window| {
        let rect = window.rect.intersection(&screen)?;
        let (role, name) = (Role::Window, Some(window.title));
        Some(Control { rect, role, name, checked: None, text: None, via: Via::Role })
    });
    Ok(named.collect())
}

/// Waits until `region` does not change for `still`. What moves elsewhere without a pause makes it
/// look every [`BUSY`] and no oftener.
pub(super) fn still(
    desktop: &mut Desktop,
    still: Duration,
    region: Rect,
    timeout: Duration,
) -> Result<bool, ServeError> {
    let deadline = Instant::now() + timeout;
    let (mut last, _) = desktop.refresh()?;
    let mut since = Instant::now();
    loop {
        desktop.wait_drawn(deadline.min(since + still), QUIET, BUSY)?;
        let (frame, drawn) = desktop.refresh()?;
        let within: Vec<Rect> = drawn.iter().filter_map(|r| r.intersection(&region)).collect();
        let now = Instant::now();
        if !changes(&last, &frame, &within).areas.is_empty() {
            since = now;
        }
        last = Arc::clone(&frame);
        if now >= since + still {
            return Ok(true);
        }
        if now >= deadline {
            return Ok(false);
        }
    }
}

/// Whole milliseconds, at most what the reply can carry.
pub(super) fn milliseconds(time: Duration) -> u32 {
    u32::try_from(time.as_millis()).unwrap_or(u32::MAX)
}
