//! Calls that look: waiting, finding, reading.

use karakuri_protocol::desktop::{Control, Hit, Question, Reply, Seen, Until, Via};
use karakuri_protocol::script::{
    Call, CallError, ErrorKind, ExpectAnyParams, StillParams, TextReadParams,
};
use karakuri_protocol::target::{Find, Target};
use karakuri_protocol::untrusted::Untrusted;
use serde_json::{Value, json};

use crate::carry_out::{to_value, unsupported};
use crate::{Desk, Picture, Settings, value, words};

/// A match, and the look that found it.
pub(crate) struct Found {
    pub(crate) hit: Hit,
    look: u32,
}

impl Found {
    /// What an act there relies on; nothing where the script named the place itself.
    pub(crate) fn relied_on(&self, exact: bool) -> Option<Seen> {
        let named = matches!(self.hit.via, Via::Point | Via::Region);
        (!named).then_some(Seen { look: self.look, rect: self.hit.rect, exact })
    }
}

/// What was seen.
struct Looked {
    look: u32,
    hits: Vec<Hit>,
    nearest: Vec<Hit>,
    which: Option<usize>,
    ms: u32,
    picture: Option<Picture>,
}

/// Carries out a call that looks.
pub(crate) async fn look<D: Desk>(
    desk: &mut D,
    call: &Call,
    settings: Settings,
) -> Result<Value, D::Error> {
    match call {
        Call::WaitFor(p) | Call::Expect(p) => {
            Ok(to_value(&locate(desk, &p.target, p.timeout_ms, settings).await?.hit)?)
        }
        Call::Find(p) => Ok(to_value(&locate(desk, &p.target, Some(0), settings).await?.hit)?),
        Call::WaitGone(p) => wait_gone(desk, &p.target, p.timeout_ms, settings).await,
        Call::WaitStill(p) => wait_still(desk, p, settings).await,
        Call::Exists(p) => Ok(json!(!hits(desk, &p.target, settings).await?.is_empty())),
        Call::FindAll(p) => Ok(to_value(&hits(desk, &p.target, settings).await?)?),
        Call::ExpectAny(p) => expect_any(desk, p, settings).await,
        Call::ReadText(p) => read_text(desk, p, settings).await,
        Call::ReadTable(p) => {
            let script = p.script.unwrap_or(settings.language);
            match desk.ask(Question::Table { region: p.region, script }).await?.reply {
                Reply::Table(rows) if rows.is_empty() => {
                    let place = words::within(p.region);
                    let message = format!(
                        "no table {place}: nothing there is ruled, or aligned in two columns"
                    );
                    Err(CallError::new(ErrorKind::NotFound, message).into())
                }
                Reply::Table(rows) => Ok(to_value(&rows)?),
                _ => Err(desk.out_of_turn()),
            }
        }
        Call::Controls(p) => {
            let script = p.script.unwrap_or(settings.language);
            match desk.ask(Question::Controls { region: p.region, script }).await?.reply {
                Reply::Controls(found) => Ok(found.iter().map(control).collect()),
                _ => Err(desk.out_of_turn()),
            }
        }
        Call::GetClipboard(_) => match desk.ask(Question::Clipboard).await?.reply {
            Reply::Clipboard(text) => Ok(Value::String(text.danger_raw().to_owned())),
            _ => Err(desk.out_of_turn()),
        },
        Call::Pointer(_) => match desk.ask(Question::Pointer).await?.reply {
            Reply::Pointer(at) => Ok(json!(at)),
            _ => Err(desk.out_of_turn()),
        },
        _ => Err(unsupported().into()),
    }
}

async fn read_text<D: Desk>(
    desk: &mut D,
    params: &TextReadParams,
    settings: Settings,
) -> Result<Value, D::Error> {
    let script = params.script.unwrap_or(settings.language);
    let answer = desk.ask(Question::Read { region: params.region, script }).await?;
    let Reply::Lines(lines) = answer.reply else { return Err(desk.out_of_turn()) };
    let text: Vec<&str> = lines.iter().map(|line| line.text.danger_raw()).collect();
    let text = Untrusted::new(text.join("\n"));
    let mut result = json!({ "text": text, "lines": lines });
    if let Some(kind) = params.kind {
        let place = words::within(params.region);
        let not_one = |why| CallError::new(ErrorKind::NotFound, format!("{place}, {why}"));
        result["value"] = value::parse(&text, kind).map_err(not_one)?;
    }
    Ok(result)
}

/// A control as the script gets it: a hit, and what it is.
fn control(control: &Control) -> Value {
    let rect = control.rect;
    let mut hit = json!({
        "rect": rect, "at": rect.center(), "confidence": 1.0, "via": control.via, "role": control.role,
    });
    let texts = [("text", &control.name), ("value", &control.text)];
    for (key, text) in texts.into_iter().filter_map(|(key, text)| Some((key, text.as_ref()?))) {
        hit[key] = json!(text);
    }
    if let Some(checked) = control.checked {
        hit["checked"] = json!(checked);
    }
    hit
}

/// Waits for a target to be there once; none or several are errors that show what there is.
pub(crate) async fn locate<D: Desk>(
    desk: &mut D,
    target: &Target,
    timeout_ms: Option<u32>,
    settings: Settings,
) -> Result<Found, D::Error> {
    locate_for(desk, target, timeout_ms, settings, false).await
}

/// As [`locate`], for what is to be clicked.
pub(crate) async fn locate_to_click<D: Desk>(
    desk: &mut D,
    target: &Target,
    timeout_ms: Option<u32>,
    settings: Settings,
) -> Result<Found, D::Error> {
    locate_for(desk, target, timeout_ms, settings, true).await
}

async fn locate_for<D: Desk>(
    desk: &mut D,
    target: &Target,
    timeout_ms: Option<u32>,
    settings: Settings,
    click: bool,
) -> Result<Found, D::Error> {
    let timeout = timeout_ms.unwrap_or(settings.wait_ms);
    let looked = see(desk, target, Until::Present, (timeout, click), settings).await?;
    if let Some(picture) = looked.picture {
        desk.keep(picture)?;
    }
    let hit = one(target, looked.hits, looked.nearest, looked.ms)?;
    desk.found(&hit);
    Ok(Found { hit, look: looked.look })
}

/// Looks once more for a target that was there; none when it is not, or not once.
pub(crate) async fn relocate<D: Desk>(
    desk: &mut D,
    target: &Target,
    timeout_ms: Option<u32>,
    settings: Settings,
) -> Result<Option<Found>, D::Error> {
    let timeout = timeout_ms.unwrap_or(settings.wait_ms);
    let mut looked = see(desk, target, Until::Present, (timeout, true), settings).await?;
    let hit = if looked.hits.len() == 1 { looked.hits.pop() } else { None };
    if let Some(hit) = &hit {
        desk.found(hit);
    }
    Ok(hit.map(|hit| Found { hit, look: looked.look }))
}

async fn see<D: Desk>(
    desk: &mut D,
    target: &Target,
    until: Until,
    (timeout_ms, click): (u32, bool),
    settings: Settings,
) -> Result<Looked, D::Error> {
    let (target, script, picture) = (target.clone(), settings.language, desk.wants_pictures());
    let answer =
        desk.ask(Question::Look { target, until, timeout_ms, script, click, picture }).await?;
    match answer.reply {
        Reply::Looked { hits, nearest, which, waited_ms, look } => {
            Ok(Looked { hits, nearest, which, ms: waited_ms, picture: answer.picture, look })
        }
        _ => Err(desk.out_of_turn()),
    }
}

async fn hits<D: Desk>(
    desk: &mut D,
    target: &Target,
    settings: Settings,
) -> Result<Vec<Hit>, D::Error> {
    Ok(see(desk, target, Until::Present, (0, false), settings).await?.hits)
}

async fn wait_gone<D: Desk>(
    desk: &mut D,
    target: &Target,
    timeout_ms: Option<u32>,
    settings: Settings,
) -> Result<Value, D::Error> {
    let timeout = timeout_ms.unwrap_or(settings.wait_ms);
    let looked = see(desk, target, Until::Gone, (timeout, false), settings).await?;
    let Some(hit) = looked.hits.first() else {
        return Ok(json!({ "ms": looked.ms }));
    };
    desk.found(hit);
    if let Some(picture) = looked.picture {
        desk.keep(picture)?;
    }
    let shown = words::target(target);
    let message = format!("{shown} is still on the screen after {timeout} ms");
    Err(CallError::new(ErrorKind::Timeout, message).into())
}

async fn wait_still<D: Desk>(
    desk: &mut D,
    params: &StillParams,
    settings: Settings,
) -> Result<Value, D::Error> {
    let timeout_ms = params.timeout_ms.unwrap_or(settings.wait_ms);
    let (still_ms, region) = (params.still_ms, params.region);
    match desk.ask(Question::Still { still_ms, region, timeout_ms }).await?.reply {
        Reply::Stilled { still: true } => Ok(json!({ "ms": still_ms })),
        Reply::Stilled { still: false } => {
            let message = format!("the screen went on changing for {timeout_ms} ms");
            Err(CallError::new(ErrorKind::Timeout, message).into())
        }
        _ => Err(desk.out_of_turn()),
    }
}

/// Looks for all at once: the answer is about one moment. Of several that are there then, it is the
/// first by name.
async fn expect_any<D: Desk>(
    desk: &mut D,
    params: &ExpectAnyParams,
    settings: Settings,
) -> Result<Value, D::Error> {
    let timeout = params.timeout_ms.unwrap_or(settings.wait_ms);
    let any = Target::new(Find::AnyOf(params.targets.values().cloned().collect()));
    let looked = see(desk, &any, Until::Present, (timeout, false), settings).await?;
    if let Some(picture) = looked.picture {
        desk.keep(picture)?;
    }
    let name = looked.which.and_then(|which| params.targets.keys().nth(which));
    if let (Some(name), Some(hit)) = (name, looked.hits.first()) {
        desk.found(hit);
        return Ok(json!(name));
    }
    let names: Vec<&str> = params.targets.keys().map(String::as_str).collect();
    let message = format!("none of {} appeared within {timeout} ms", names.join(", "));
    let mut error = CallError::new(ErrorKind::NotFound, message);
    error.data.nearest = looked.nearest;
    Err(error.into())
}

/// The one match, or the error that says why there is none.
fn one(
    target: &Target,
    mut hits: Vec<Hit>,
    nearest: Vec<Hit>,
    waited_ms: u32,
) -> Result<Hit, CallError> {
    let shown = words::target(target);
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
            Err(error)
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
            Err(error)
        }
    }
}
