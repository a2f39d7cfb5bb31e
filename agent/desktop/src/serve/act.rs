//! Acts: inject, watch, judge the effect.

use std::rc::Rc;
use std::time::{Duration, Instant};

use karakuri_protocol::desktop::{Act, Effect, PointerAct, Reply};
use karakuri_protocol::geometry::{Point, Rect};

use super::caret::Caret;
use super::error::ServeError;
use super::look::milliseconds;
use super::watch::{Seen, watch};
use crate::frame::Frame;
use crate::x11::chord::Chord;
use crate::x11::desktop::Desktop;
use crate::x11::error::X11Error;

/// How long is watched where nothing is judged by the picture, so that it shows where the act led.
const BRIEF_WATCH: Duration = Duration::from_millis(60);
/// A triple click is the most that programs tell apart.
const MAX_CLICKS: u8 = 3;

/// What shows that an act had its effect.
enum Proof {
    /// Nothing on the screen can.
    None,
    /// A change in one of these surfaces, or one that comes or goes.
    ChangeIn {
        /// Frame and title bar included: a title tells of a change too.
        surfaces: Vec<Rect>,
        /// Where the act itself would show; it is waited for.
        contents: Vec<Rect>,
        /// Where the pointer acted: it may have moved a text cursor and nothing else.
        point: Option<Point>,
    },
    /// The window has the keyboard.
    Focused(u32),
    /// The window is gone, or asks something first.
    Closed(u32),
}

impl Proof {
    /// Whether the screen may already show it, so that it only has to settle.
    fn may_be_in(&self, seen: &Seen, caret: &Caret) -> bool {
        match self {
            Self::ChangeIn { contents, point, .. } => {
                seen.touches(contents) || moved(caret, seen, *point)
            }
            Self::None | Self::Focused(_) | Self::Closed(_) => true,
        }
    }
}

/// Whether a text cursor has moved by an act of the pointer at `point`.
fn moved(caret: &Caret, seen: &Seen, point: Option<Point>) -> bool {
    point.is_some_and(|point| caret.moved(&seen.cursors, point))
}

/// Carries out an act and watches for at most `watch_ms`; also the screen afterwards.
pub(super) fn act(
    desktop: &mut Desktop,
    caret: &mut Caret,
    act: &Act,
    watch_ms: u32,
) -> Result<(Reply, Rc<Frame>), ServeError> {
    check(desktop, act)?;
    if let Act::Pointer { at, .. } = act {
        desktop.move_pointer(*at)?;
    }
    let proof = proof_of(desktop, act)?;
    let (before, _) = desktop.refresh()?;
    desktop.take_signs();
    let start = Instant::now();
    inject(desktop, act)?;
    let watch_time = match proof {
        Proof::None => BRIEF_WATCH.min(Duration::from_millis(watch_ms.into())),
        _ => Duration::from_millis(watch_ms.into()),
    };
    let mut deadline = Instant::now() + watch_time;
    if let Proof::Focused(window) = proof {
        await_focus(desktop, window, deadline)?;
        deadline = deadline.min(Instant::now() + BRIEF_WATCH);
    }
    let seen = watch(desktop, before, deadline, |seen| proof.may_be_in(seen, caret))?;
    let effect = judge(desktop, caret, &proof, &seen, watch_ms)?;
    caret.note(&seen.cursors);
    let reply = Reply::Acted { effect, changed: seen.bounds(), ms: milliseconds(start.elapsed()) };
    Ok((reply, seen.after))
}

/// Refuses what cannot be carried out as a whole before any of it is.
fn check(desktop: &Desktop, act: &Act) -> Result<(), ServeError> {
    let Act::Pointer { act, keys, .. } = act else { return Ok(()) };
    if let Some(keys) = keys {
        Chord::parse_modifiers(keys)?;
    }
    match act {
        PointerAct::Click { count } if !(1..=MAX_CLICKS).contains(count) => {
            Err(ServeError::Request(format!("a click has 1 to {MAX_CLICKS} presses, not {count}")))
        }
        PointerAct::Drag { path } if path.is_empty() => {
            Err(ServeError::Request("a drag needs a point to go to".into()))
        }
        PointerAct::Drag { path } => match path.iter().find(|p| !desktop.screen().contains(**p)) {
            None => Ok(()),
            Some(Point { x, y }) => Err(ServeError::Request(format!(
                "the point [{x}, {y}] of the drag is off the screen"
            ))),
        },
        _ => Ok(()),
    }
}

fn proof_of(desktop: &mut Desktop, act: &Act) -> Result<Proof, X11Error> {
    Ok(match act {
        Act::Pointer { act: PointerAct::Move, .. } | Act::SetClipboard { .. } => Proof::None,
        Act::Pointer { act, .. } => {
            let point = desktop.move_pointer(None)?;
            let mut points = vec![point];
            if let PointerAct::Drag { path } = act {
                points.extend(path.last());
            }
            let mut areas = Vec::new();
            for point in points {
                // On the bare screen nothing narrows it down.
                areas.push(desktop.surface_at(point)?.unwrap_or(desktop.screen()));
            }
            Proof::ChangeIn { contents: areas.clone(), surfaces: areas, point: Some(point) }
        }
        Act::Type { .. } | Act::Press { .. } | Act::Paste { .. } => {
            let focused = desktop.focused()?;
            Proof::ChangeIn {
                surfaces: focused.map(|window| window.framed).into_iter().collect(),
                contents: focused.map(|window| window.content).into_iter().collect(),
                point: None,
            }
        }
        Act::Focus { window } => Proof::Focused(*window),
        Act::Close { window } => Proof::Closed(*window),
    })
}

fn inject(desktop: &mut Desktop, act: &Act) -> Result<(), X11Error> {
    match act {
        Act::Pointer { act, button, keys, .. } => {
            desktop.pointer_act(act, *button, keys.as_deref())
        }
        Act::Type { text } => desktop.type_text(text),
        Act::Press { keys, hold_ms } => {
            desktop.press(&Chord::parse(keys)?, Duration::from_millis((*hold_ms).into()))
        }
        Act::Paste { text } => {
            if let Some(text) = text {
                desktop.set_clipboard(text)?;
            }
            desktop.press(&Chord::parse("ctrl+v")?, Duration::ZERO)
        }
        Act::SetClipboard { text } => desktop.set_clipboard(text),
        Act::Focus { window } => desktop.request_focus(*window),
        Act::Close { window } => desktop.request_close(*window),
    }
}

fn await_focus(desktop: &mut Desktop, window: u32, deadline: Instant) -> Result<(), X11Error> {
    while !desktop.has_focus(window)? {
        if !desktop.pump(deadline)? {
            break;
        }
    }
    Ok(())
}

fn judge(
    desktop: &Desktop,
    caret: &Caret,
    proof: &Proof,
    seen: &Seen,
    watch_ms: u32,
) -> Result<Effect, X11Error> {
    let shown = match proof {
        Proof::None => return Ok(Effect::Unverifiable),
        Proof::ChangeIn { surfaces, point, .. } => {
            seen.touches(surfaces) || moved(caret, seen, *point)
        }
        Proof::Focused(window) => desktop.has_focus(*window)?,
        Proof::Closed(window) => seen.touches(&[]) || !desktop.has_window(*window)?,
    };
    Ok(match (shown, watch_ms) {
        (true, _) => Effect::Confirmed,
        // Not looking is not seeing nothing.
        (false, 0) => Effect::Unverifiable,
        (false, _) => Effect::SuspectedNoop,
    })
}
