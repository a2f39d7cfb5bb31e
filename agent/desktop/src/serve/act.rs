//! Acts: inject, watch, judge the effect.

use std::sync::Arc;
use std::time::{Duration, Instant};

use karakuri_protocol::desktop::{Act, Effect, PointerAct, Reply, Via};
use karakuri_protocol::geometry::{Point, Rect};

use super::caret::Caret;
use super::error::ServeError;
use super::glance::Glances;
use super::look;
use super::watch::{Seen, Until, watch};
use crate::frame::Frame;
use crate::x11::chord::Chord;
use crate::x11::desktop::Desktop;
use crate::x11::error::X11Error;
use crate::x11::typing::Route;

/// How long is watched where nothing is judged by the picture, so that it shows where the act led.
const BRIEF_WATCH: Duration = Duration::from_millis(60);
/// A triple click is the most that programs tell apart.
const MAX_CLICKS: u8 = 3;
/// The furthest a wheel is turned in one act.
const MAX_TICKS: u8 = 100;

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
    /// Whether the program that receives the act is to draw something.
    fn is_in_pixels(&self) -> bool {
        matches!(self, Self::ChangeIn { .. })
    }

    /// Where the pointer acted.
    fn point(&self) -> Option<Point> {
        match self {
            Self::ChangeIn { point, .. } => *point,
            Self::None | Self::Focused(_) | Self::Closed(_) => None,
        }
    }

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

/// Carries out an act and watches for at most `watch_ms`; also the screen afterwards. An act whose
/// place is no longer what was found is not carried out.
pub(super) fn act(
    desktop: &mut Desktop,
    caret: &mut Caret,
    glances: &Glances,
    act: &Act,
    watch_ms: u32,
) -> Result<(Reply, Arc<Frame>), ServeError> {
    check(desktop, act)?;
    if let Act::Pointer { seen: Some(seen), .. } = act
        && !glances.holds(desktop, seen)?
    {
        let (after, _) = desktop.refresh()?;
        let reply = Reply::Acted { effect: Effect::Refused, changed: None, ms: 0, via: None };
        return Ok((reply, after));
    }
    let receiver = prepare(desktop, act)?;
    let proof = proof_of(desktop, act)?;
    let (before, _) = desktop.refresh()?;
    desktop.take_signs();
    let start = Instant::now();
    let via = inject(desktop, act)?;
    let watch_time = match proof {
        Proof::None => BRIEF_WATCH.min(milliseconds(watch_ms)),
        _ => milliseconds(watch_ms),
    };
    let mut until = Until::from_now(watch_time);
    if let Act::Pointer { .. } = act {
        until = until.at_once();
    }
    match (proof.is_in_pixels(), receiver) {
        (true, Some(window)) if watch_ms > 0 => until.handled_by(desktop, window)?,
        _ => {}
    }
    if let Proof::Focused(window) = proof {
        give_focus(desktop, window, watch_time)?;
        until = Until::from_now(BRIEF_WATCH.min(watch_time));
    }
    let seen = watch(desktop, before, &until, |seen| proof.may_be_in(seen, caret))?;
    let effect = judge(desktop, caret, &proof, &seen, watch_ms)?;
    caret.note(&seen.cursors, proof.point());
    let (changed, ms) = (seen.bounds(), look::milliseconds(start.elapsed()));
    Ok((Reply::Acted { effect, changed, ms, via }, seen.after))
}

/// Brings the pointer to its place, and the keyboard to the window there; the window that will
/// receive the act.
fn prepare(desktop: &mut Desktop, act: &Act) -> Result<Option<u32>, X11Error> {
    match act {
        Act::Pointer { act, at, button, .. } => {
            let at = desktop.move_pointer(*at)?;
            let window = desktop.top_at(at)?;
            if let PointerAct::Click { .. } | PointerAct::Down | PointerAct::Drag { .. } = act {
                window.map_or(Ok(()), |window| desktop.activate(window))?;
                desktop.set_apart(*button)?;
            }
            Ok(window)
        }
        _ => Ok(desktop.focused()?.map(|window| window.id)),
    }
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
        PointerAct::Scroll { ticks, .. } if !(1..=MAX_TICKS).contains(ticks) => Err(
            ServeError::Request(format!("a wheel turns by 1 to {MAX_TICKS} ticks, not {ticks}")),
        ),
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

/// Carries it out; the route it took, if not the plain one.
fn inject(desktop: &mut Desktop, act: &Act) -> Result<Option<Via>, X11Error> {
    match act {
        Act::Pointer { act, button, keys, .. } => {
            desktop.pointer_act(act, *button, keys.as_deref())?;
        }
        Act::Type { text } => {
            return Ok((desktop.type_text(text)? == Route::Paste).then_some(Via::Paste));
        }
        Act::Press { keys, hold_ms } => {
            desktop.press(&Chord::parse(keys)?, milliseconds(*hold_ms))?;
        }
        Act::Paste { text } => desktop.paste_text(text.as_ref())?,
        Act::SetClipboard { text } => desktop.set_clipboard(text)?,
        Act::Focus { window } => desktop.request_focus(*window)?,
        Act::Close { window } => desktop.request_close(*window)?,
    }
    Ok(None)
}

fn milliseconds(value: u32) -> Duration {
    Duration::from_millis(value.into())
}

/// Waits for a window to get the keyboard; to give it twice is the same as once, so where the window
/// manager does not do it, it is taken.
fn give_focus(desktop: &mut Desktop, window: u32, time: Duration) -> Result<(), X11Error> {
    if !desktop.await_focus(window, Instant::now() + time / 2)? && !time.is_zero() {
        desktop.take_focus(window)?;
        desktop.await_focus(window, Instant::now() + time / 2)?;
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
