//! Acts with pointer and keyboard.

use karakuri_protocol::desktop::{Act, Button, Hit, PointerAct, Via};
use karakuri_protocol::geometry::Point;
use karakuri_protocol::script::{Call, DragParams, PointerParams, ScrollParams, Side};
use karakuri_protocol::target::Target;
use serde_json::{Value, json};

use crate::carry_out::unsupported;
use crate::look::{locate, locate_to_click};
use crate::{Acted, Desk, Settings};

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
    let hit = optional(desk, params.target.as_ref(), params.timeout_ms, settings).await?;
    let at = hit.as_ref().map(|hit| params.beside.map_or(hit.at, |side| beside(hit, side)));
    let button = params.button.unwrap_or(own_button);
    let act = Act::Pointer { act, at, button, keys: params.keys.clone() };
    perform(desk, act, hit.map(|hit| (hit.via, at.unwrap_or(hit.at)))).await
}

/// Drags.
pub(crate) async fn drag<D: Desk>(
    desk: &mut D,
    params: &DragParams,
    settings: Settings,
) -> Result<Value, D::Error> {
    let from = locate(desk, &params.from, params.timeout_ms, settings).await?;
    let to = locate(desk, &params.to, params.timeout_ms, settings).await?;
    let mut path = params.path.clone();
    path.push(to.at);
    let act = Act::Pointer {
        act: PointerAct::Drag { path },
        at: Some(from.at),
        button: params.button.unwrap_or_default(),
        keys: params.keys.clone(),
    };
    perform(desk, act, Some((from.via, from.at))).await
}

/// Turns the wheel.
pub(crate) async fn scroll<D: Desk>(
    desk: &mut D,
    params: &ScrollParams,
    settings: Settings,
) -> Result<Value, D::Error> {
    let hit = optional(desk, params.target.as_ref(), params.timeout_ms, settings).await?;
    let act = PointerAct::Scroll { direction: params.direction, ticks: params.ticks };
    let at = hit.as_ref().map(|hit| hit.at);
    let act = Act::Pointer { act, at, button: Button::Left, keys: None };
    perform(desk, act, hit.map(|hit| (hit.via, hit.at))).await
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
    perform(desk, act, None).await
}

async fn optional<D: Desk>(
    desk: &mut D,
    target: Option<&Target>,
    timeout_ms: Option<u32>,
    settings: Settings,
) -> Result<Option<Hit>, D::Error> {
    match target {
        Some(target) => locate_to_click(desk, target, timeout_ms, settings).await.map(Some),
        None => Ok(None),
    }
}

async fn perform<D: Desk>(
    desk: &mut D,
    act: Act,
    place: Option<(Via, Point)>,
) -> Result<Value, D::Error> {
    let via = place.map_or(Via::Focus, |(via, _)| via);
    let acted = desk.act(act, via).await?;
    Ok(answer(&acted, via, place.map(|(_, at)| at)))
}

/// What every act answers.
pub(crate) fn answer(acted: &Acted, via: Via, at: Option<Point>) -> Value {
    let Acted { effect, changed, ms } = acted;
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
