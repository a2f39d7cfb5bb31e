//! What the answer to a call shows of the screen. The client of `karakuri mcp` is outside of the run: it
//! is handed pixels and text of the screen only where the grant says so, and without that it acts and
//! waits and is told what became of it.
//!
//! What is left is what a client can find out without being handed anything: whether a text that it
//! names itself is there. [`shows`] is exhaustive: a new method does not compile without a row.

use karakuri_protocol::script::{Call, CallError, ErrorKind};
use serde_json::{Map, Value};

/// What the parts of a place's answer are that tell nothing of the screen.
const TOLD: [&str; 3] = ["effect", "via", "ms"];

/// What an answer shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shows {
    /// Nothing, or whether what the caller named itself is there.
    Nothing,
    /// Where something is, how large it is, a window's title: can be left out.
    Place,
    /// Text or pixels: without them there is no answer.
    Content,
}

/// What the answer to `call` shows.
#[must_use]
pub fn shows(call: &Call) -> Shows {
    match call {
        Call::Click(_)
        | Call::DoubleClick(_)
        | Call::TripleClick(_)
        | Call::RightClick(_)
        | Call::MiddleClick(_)
        | Call::MouseDown(_)
        | Call::MouseUp(_)
        | Call::Hover(_)
        | Call::Drag(_)
        | Call::Scroll(_)
        | Call::TypeText(_)
        | Call::TypeSecret(_)
        | Call::Press(_)
        | Call::Hold(_)
        | Call::Paste(_)
        | Call::SetClipboard(_)
        | Call::Launch(_)
        | Call::Close(_)
        | Call::Focus(_)
        | Call::WaitFor(_)
        | Call::Expect(_) => Shows::Place,
        Call::GetClipboard(_)
        | Call::ReadText(_)
        | Call::ReadTable(_)
        | Call::Controls(_)
        | Call::Find(_)
        | Call::FindAll(_)
        | Call::Pointer(_)
        | Call::Screenshot(_) => Shows::Content,
        Call::WaitGone(_)
        | Call::WaitStill(_)
        | Call::Exists(_)
        | Call::ExpectAny(_)
        | Call::SoftFail(_)
        | Call::Attach(_)
        | Call::Output(_)
        | Call::Step(_)
        | Call::Once(_)
        | Call::Retry(_)
        | Call::Timeout(_)
        | Call::Input(_)
        | Call::Secret(_)
        | Call::Log(_)
        | Call::FailBusiness(_)
        | Call::FailApp(_) => Shows::Nothing,
    }
}

/// What of the answer to `call` a client gets that may not see the screen.
///
/// # Errors
/// The error of the call, without what was seen.
pub fn withhold(call: &Call, outcome: Result<Value, CallError>) -> Result<Value, CallError> {
    let value = outcome.map_err(without_sights)?;
    Ok(match (shows(call), value) {
        (Shows::Nothing, value) => value,
        (Shows::Place, Value::Object(mut parts)) => {
            let id = parts.get("window").and_then(|window| window.get("id")).cloned();
            parts.retain(|name, _| TOLD.contains(&name.as_str()));
            if let Some(id) = id {
                parts.insert(
                    "window".to_owned(),
                    Value::Object(Map::from_iter([("id".to_owned(), id)])),
                );
            }
            Value::Object(parts)
        }
        (Shows::Place | Shows::Content, _) => Value::Null,
    })
}

/// Errors that name what is on the screen, and where, get words that do not.
fn without_sights(error: CallError) -> CallError {
    let message = match error.data.kind {
        ErrorKind::NotFound => "what was looked for is not on the screen".to_owned(),
        ErrorKind::AmbiguousTarget => {
            "several places match; say which with nth or a relation".to_owned()
        }
        _ => error.message,
    };
    CallError::new(error.data.kind, message)
}

#[cfg(test)]
mod tests {
    use karakuri_protocol::desktop::{Hit, Via};
    use karakuri_protocol::geometry::Rect;
    use serde_json::json;

    use super::*;

    fn call(method: &str, params: Value) -> Call {
        serde_json::from_value(json!({ "method": method, "params": params })).unwrap()
    }

    #[test]
    fn an_act_tells_its_effect_and_not_where() {
        let click = call("click", json!({ "target": "text:Save" }));
        let answer = json!({ "effect": "confirmed", "via": "text", "at": [1, 2], "ms": 4, "changed": [0, 0, 9, 9] });
        let told = json!({ "effect": "confirmed", "via": "text", "ms": 4 });
        assert_eq!(withhold(&click, Ok(answer)), Ok(told));
    }

    #[test]
    fn a_window_is_known_by_its_number_alone() {
        let launch = call("launch", json!({ "app": "xterm" }));
        let window = json!({ "id": 7, "title": "secret.txt", "class": "XTerm", "rect": [0, 0, 9, 9], "focused": true });
        let answer = json!({ "effect": "confirmed", "via": "focus", "at": null, "ms": 4, "changed": null, "window": window });
        let told = json!({ "effect": "confirmed", "via": "focus", "ms": 4, "window": { "id": 7 } });
        assert_eq!(withhold(&launch, Ok(answer)), Ok(told));
    }

    #[test]
    fn a_wait_tells_that_it_came_and_not_what() {
        let wait = call("wait_for", json!({ "target": "text:Save" }));
        let hit = json!({ "rect": [0, 0, 9, 9], "at": [4, 4], "text": "Save", "confidence": 0.9, "via": "text" });
        assert_eq!(withhold(&wait, Ok(hit)), Ok(json!({ "via": "text" })));
        let gone = call("wait_gone", json!({ "target": "text:Save" }));
        assert_eq!(withhold(&gone, Ok(json!({ "ms": 5 }))), Ok(json!({ "ms": 5 })));
    }

    #[test]
    fn an_error_names_nothing_that_was_seen() {
        let rect = Rect { left: 1, top: 2, width: 3, height: 4 };
        let hit = Hit {
            rect,
            at: rect.center(),
            text: Some("4711".into()),
            confidence: 1.0,
            via: Via::Text,
        };
        let wait = call("wait_for", json!({ "target": "text:Save" }));
        for kind in [ErrorKind::NotFound, ErrorKind::AmbiguousTarget] {
            let mut error = CallError::new(kind, "the nearest text is \"4711\" at 1,2");
            error.data.nearest = vec![hit.clone()];
            error.data.candidates = vec![hit.clone()];
            let told = withhold(&wait, Err(error)).unwrap_err();
            assert_eq!(told.data.kind, kind);
            let text = serde_json::to_string(&told).unwrap();
            assert!(!text.contains("4711") && !text.contains("1,2"), "{text}");
        }
        let late = CallError::new(ErrorKind::Timeout, "still there after 5 ms");
        assert_eq!(withhold(&wait, Err(late.clone())), Err(late));
    }
}
