//! Acts with pointer and keyboard.

use karakuri_protocol::desktop::{Act, Button, Effect, Hit, PointerAct, Seen, Via};
use karakuri_protocol::geometry::Point;
use karakuri_protocol::script::{Call, DragParams, PointerParams, ScrollParams, Side};
use karakuri_protocol::target::Target;
use serde_json::{Value, json};

use crate::carry_out::unsupported;
use crate::look::{locate, locate_to_click, relocate};
use crate::{Acted, Desk, Settings};

/// How often a place is looked for that goes on changing under the act.
const TRIES: u8 = 4;

/// Clicks, presses, releases, moves.
pub(crate) async fn point<D: Desk>(
    desk: &mut D,
    call: &Call,
    params: &PointerParams,
    settings: Settings,
) -> Result<Value, D::Error> {
    let (act, own_button) = match call {
        Call::DoubleClick(_) => (PointerAct::Click { count: 2 }, Button::Left),
        Call::TripleClick(_) => (PointerAct::Click { count: 3 }, Button::Left),
        Call::RightClick(_) => (PointerAct::Click { count: 1 }, Button::Right),
        Call::MiddleClick(_) => (PointerAct::Click { count: 1 }, Button::Middle),
        Call::MouseDown(_) => (PointerAct::Down, Button::Left),
        Call::MouseUp(_) => (PointerAct::Up, Button::Left),
        Call::Hover(_) => (PointerAct::Move, Button::Left),
        _ => (PointerAct::Click { count: 1 }, Button::Left),
    };
    let button = params.button.unwrap_or(own_button);
    let make = |at: Option<Point>, seen| {
        let at = Place { at, seen };
        pointer(act.clone(), at, button, params.keys.clone())
    };
    let side = params.beside;
    on_target(desk, (params.target.as_ref(), side), params.timeout_ms, settings, make).await
}

/// Drags.
pub(crate) async fn drag<D: Desk>(
    desk: &mut D,
    params: &DragParams,
    settings: Settings,
) -> Result<Value, D::Error> {
    let to = locate(desk, &params.to, params.timeout_ms, settings).await?.hit;
    let mut path = params.path.clone();
    path.push(to.at);
    let make = |at: Option<Point>, seen| {
        let (act, at) = (PointerAct::Drag { path: path.clone() }, Place { at, seen });
        pointer(act, at, params.button.unwrap_or_default(), params.keys.clone())
    };
    on_target(desk, (Some(&params.from), None), params.timeout_ms, settings, make).await
}

/// Turns the wheel.
pub(crate) async fn scroll<D: Desk>(
    desk: &mut D,
    params: &ScrollParams,
    settings: Settings,
) -> Result<Value, D::Error> {
    let make = |at: Option<Point>, seen| {
        let act = PointerAct::Scroll { direction: params.direction, ticks: params.ticks };
        pointer(act, Place { at, seen }, Button::Left, params.keys.clone())
    };
    on_target(desk, (params.target.as_ref(), None), params.timeout_ms, settings, make).await
}

/// Acts with the keyboard, the clipboard, a window.
pub(crate) async fn key<D: Desk>(desk: &mut D, call: &Call) -> Result<Value, D::Error> {
    let act = match call {
        Call::TypeText(p) => Act::Type { text: p.text.clone() },
        Call::Press(p) => Act::Press { keys: p.keys.clone(), hold_ms: 0 },
        Call::Hold(p) => Act::Press { keys: p.keys.clone(), hold_ms: p.ms },
        Call::Paste(p) => Act::Paste { text: p.text.clone() },
        Call::SetClipboard(p) => Act::SetClipboard { text: p.text.clone() },
        Call::Close(p) => Act::Close { window: p.window },
        Call::Focus(p) => Act::Focus { window: p.window },
        _ => return Err(unsupported().into()),
    };
    perform(desk, act).await
}

/// Where an act goes, and what it relies on there.
struct Place {
    at: Option<Point>,
    seen: Option<Seen>,
}

fn pointer(act: PointerAct, place: Place, button: Button, keys: Option<String>) -> Act {
    Act::Pointer { act, at: place.at, button, keys, seen: place.seen }
}

/// Looks for the target and acts there. An act that was refused, because the place has changed since
/// the look, was not carried out, so it is safe to look and act again; nothing else is repeated.
async fn on_target<D: Desk>(
    desk: &mut D,
    (target, side): (Option<&Target>, Option<Side>),
    timeout_ms: Option<u32>,
    settings: Settings,
    make: impl Fn(Option<Point>, Option<Seen>) -> Act,
) -> Result<Value, D::Error> {
    let Some(target) = target else {
        let acted = desk.act(make(None, None), Via::Focus).await?;
        return Ok(answer(&acted, Via::Focus, None));
    };
    let mut found = locate_to_click(desk, target, timeout_ms, settings).await?;
    // What moves or blinks by itself is never twice the same, but it stays where it is.
    let mut exact = true;
    for tries_left in (0..TRIES).rev() {
        let at = side.map_or(found.hit.at, |side| beside(&found.hit, side));
        let via = found.hit.via;
        let acted = desk.act(make(Some(at), found.relied_on(exact)), via).await?;
        let told = answer(&acted, via, Some(at));
        if acted.effect != Effect::Refused || tries_left == 0 {
            return Ok(told);
        }
        let Some(again) = relocate(desk, target, timeout_ms, settings).await? else {
            return Ok(told);
        };
        exact = again.hit.rect != found.hit.rect;
        found = again;
    }
    Err(desk.out_of_turn())
}

async fn perform<D: Desk>(desk: &mut D, act: Act) -> Result<Value, D::Error> {
    let acted = desk.act(act, Via::Focus).await?;
    Ok(answer(&acted, Via::Focus, None))
}

/// What every act answers.
pub(crate) fn answer(acted: &Acted, via: Via, at: Option<Point>) -> Value {
    let Acted { effect, changed, ms, via: taken } = acted;
    let via = taken.unwrap_or(via);
    json!({ "effect": effect, "via": via, "at": at, "ms": ms, "changed": changed })
}

/// The point beside a hit: one of its heights under or over it, or two beside it.
fn beside(hit: &Hit, side: Side) -> Point {
    let rect = hit.rect;
    let height = i32::try_from(rect.height).unwrap_or(i32::MAX / 4);
    let Point { x, y } = rect.center();
    match side {
        Side::Below => Point { x, y: rect.bottom() + height / 2 + 2 },
        Side::Above => Point { x, y: rect.top - height / 2 - 2 },
        Side::LeftOf => Point { x: rect.left - 2 * height, y },
        Side::RightOf => Point { x: rect.right() + 2 * height, y },
    }
}
