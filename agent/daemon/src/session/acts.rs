//! Acts with pointer and keyboard.

use karakuri_audit::{Actor, Event};
use karakuri_protocol::desktop::{Act, Button, Effect, Hit, PointerAct, Until, Via};
use karakuri_protocol::geometry::Point;
use karakuri_protocol::script::{
    Call, CallError, DragParams, ErrorKind, PointerParams, ScrollParams, Side,
};
use karakuri_protocol::target::Target;
use karakuri_protocol::untrusted::Untrusted;
use karakuri_seal::Class;
use karakuri_workflow::grant::Approved;
use serde_json::{Value, json};

use super::calls::Doing;
use super::intent::ActIntent;
use super::{Fault, Session, looks};
use crate::desktop::Acted;

/// How long an act's effect is waited for, in ms.
const WATCH_MS: u32 = 1_500;

impl Session<'_> {
    /// Clicks, presses, releases, moves.
    pub(super) async fn point(
        &mut self,
        call: &Approved<Call>,
        params: &PointerParams,
        doing: &mut Doing,
    ) -> Result<Value, Fault> {
        let (act, own_button) = match call.get() {
            Call::DoubleClick(_) => (PointerAct::Click { count: 2 }, Button::Left),
            Call::TripleClick(_) => (PointerAct::Click { count: 3 }, Button::Left),
            Call::RightClick(_) => (PointerAct::Click { count: 1 }, Button::Right),
            Call::MiddleClick(_) => (PointerAct::Click { count: 1 }, Button::Middle),
            Call::MouseDown(_) => (PointerAct::Down, Button::Left),
            Call::MouseUp(_) => (PointerAct::Up, Button::Left),
            Call::Hover(_) => (PointerAct::Move, Button::Left),
            _ => (PointerAct::Click { count: 1 }, Button::Left),
        };
        let hit = match &params.target {
            Some(target) => Some(self.locate(target, params.timeout_ms, doing).await?),
            None => None,
        };
        let at = hit.as_ref().map(|hit| params.beside.map_or(hit.at, |side| beside(hit, side)));
        let button = params.button.unwrap_or(own_button);
        let act = Act::Pointer { act, at, button, keys: params.keys.clone() };
        self.act(call, act, hit.map(|h| (h.via, at.unwrap_or(h.at))), doing).await
    }

    /// Drags.
    pub(super) async fn drag(
        &mut self,
        call: &Approved<Call>,
        params: &DragParams,
        doing: &mut Doing,
    ) -> Result<Value, Fault> {
        let from = self.locate(&params.from, params.timeout_ms, doing).await?;
        let to = self.locate(&params.to, params.timeout_ms, doing).await?;
        let mut path = params.path.clone();
        path.push(to.at);
        let act = Act::Pointer {
            act: PointerAct::Drag { path },
            at: Some(from.at),
            button: params.button.unwrap_or_default(),
            keys: params.keys.clone(),
        };
        self.act(call, act, Some((from.via, from.at)), doing).await
    }

    /// Turns the wheel.
    pub(super) async fn scroll(
        &mut self,
        call: &Approved<Call>,
        params: &ScrollParams,
        doing: &mut Doing,
    ) -> Result<Value, Fault> {
        let hit = match &params.target {
            Some(target) => Some(self.locate(target, params.timeout_ms, doing).await?),
            None => None,
        };
        let at = hit.as_ref().map(|h| h.at);
        let (direction, ticks) = (params.direction, params.ticks);
        let act = PointerAct::Scroll { direction, ticks };
        let act = Act::Pointer { act, at, button: Button::Left, keys: None };
        self.act(call, act, hit.map(|h| (h.via, h.at)), doing).await
    }

    /// Acts with the keyboard, the clipboard, a window.
    pub(super) async fn key(
        &mut self,
        call: &Approved<Call>,
        doing: &mut Doing,
    ) -> Result<Value, Fault> {
        let act = match call.get() {
            Call::TypeText(p) => Act::Type { text: p.text.clone() },
            Call::Press(p) => Act::Press { keys: p.keys.clone(), hold_ms: 0 },
            Call::Hold(p) => Act::Press { keys: p.keys.clone(), hold_ms: p.ms },
            Call::Paste(p) => Act::Paste { text: p.text.clone() },
            Call::SetClipboard(p) => Act::SetClipboard { text: p.text.clone() },
            Call::Close(p) => Act::Close { window: p.window },
            Call::Focus(p) => Act::Focus { window: p.window },
            _ => return Err(Fault::Call(CallError::new(ErrorKind::Unsupported, "not a key act"))),
        };
        self.act(call, act, None, doing).await
    }

    /// Records the intent, carries it out, records what became of it.
    async fn act(
        &mut self,
        call: &Approved<Call>,
        act: Act,
        place: Option<(Via, Point)>,
        doing: &mut Doing,
    ) -> Result<Value, Fault> {
        let about = (self.record.run.as_str(), doing.number);
        let intent = ActIntent::new(call, about, &doing.moment.method, &doing.moment.what, act);
        let intent = self.record.append(intent)?;
        let acted = self.desktop.act(&intent, WATCH_MS).await?;
        let via = place.map_or(Via::Focus, |(via, _)| via);
        self.observed(&acted, via, doing)?;
        if let Some(picture) = acted.picture
            && doing.moment.picture.is_none()
        {
            self.keep_picture(picture, doing)?;
        }
        let at = place.map(|(_, at)| at);
        Ok(json!({
            "effect": acted.effect, "via": via, "at": at, "ms": acted.ms, "changed": acted.changed,
        }))
    }

    /// Records an effect.
    pub(super) fn observed(
        &mut self,
        acted: &Acted,
        via: Via,
        doing: &mut Doing,
    ) -> Result<(), Fault> {
        doing.moment.effect = Some(acted.effect);
        doing.moment.changed = acted.changed;
        let (call, effect, ms) = (doing.number, acted.effect, acted.ms);
        let event = Event::ActObserved { call, effect, via: Some(via), ms };
        self.record.note(Actor::Desktop, event)?;
        if effect == Effect::SuspectedNoop {
            tracing::debug!(call, "nothing changed on the screen");
        }
        Ok(())
    }

    /// Waits for a target to be there once; none or several are errors that show what there is.
    pub(super) async fn locate(
        &mut self,
        target: &Target,
        timeout_ms: Option<u32>,
        doing: &mut Doing,
    ) -> Result<Hit, Fault> {
        let timeout = timeout_ms.unwrap_or(self.wait_ms);
        let looked = self.desktop.look(target, Until::Present, timeout, self.language).await?;
        if let Some(picture) = looked.picture {
            self.keep_picture(picture, doing)?;
        }
        let hit = one(target, looked.hits, looked.nearest, looked.ms)?;
        doing.moment.hit = Some(hit.clone());
        Ok(hit)
    }

    /// Seals a picture and puts it beside the call.
    pub(super) fn keep_picture(&mut self, webp: Vec<u8>, doing: &mut Doing) -> Result<(), Fault> {
        let name = format!("call-{:04}", doing.number);
        let sealed = self.record.seal(Class::Evidence, &name, "image/webp", webp.as_slice())?;
        let artifact = sealed.artifact().id.clone();
        doing.moment.picture = Some(self.record.timeline.borrow_mut().picture(artifact, webp));
        Ok(())
    }
}

/// The one match, or the error that says why there is none.
pub(super) fn one(
    target: &Target,
    mut hits: Vec<Hit>,
    nearest: Vec<Hit>,
    waited_ms: u32,
) -> Result<Hit, Fault> {
    let shown = looks::target(target);
    match hits.len() {
        1 => Ok(hits.remove(0)),
        0 => {
            let close = nearest.iter().filter_map(|hit| hit.text.as_ref()).take(3);
            let close: Vec<String> = close.map(|text| format!("{:?}", text.escaped(40))).collect();
            let hint = if close.is_empty() {
                String::new()
            } else {
                format!("; the nearest text is {}", close.join(", "))
            };
            let message = format!("{shown} is not on the screen (looked for {waited_ms} ms){hint}");
            let mut error = CallError::new(ErrorKind::NotFound, message);
            error.data.nearest = nearest;
            Err(Fault::Call(error))
        }
        count => {
            let places: Vec<String> =
                hits.iter().take(5).map(|hit| format!("{},{}", hit.at.x, hit.at.y)).collect();
            let message = format!(
                "{shown} matches {count} places ({}); say which with nth or a relation",
                places.join("; ")
            );
            let mut error = CallError::new(ErrorKind::AmbiguousTarget, message);
            error.data.candidates = hits;
            Err(Fault::Call(error))
        }
    }
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

/// The text of a window title or a file name as the script gets it.
pub(super) fn shown(text: &Untrusted) -> Value {
    Value::String(text.danger_raw().to_owned())
}
