//! Every published action, and what it comes to.

use std::convert::Infallible;

use karakuri_protocol::script::{Call, CallError, ErrorKind};
use serde_json::{Value, json};

use super::schema::{ANTHROPIC, OPENAI};
use super::{Plan, schema};

/// The calls as they stand in requests: `[method, params]`.
fn calls(action: Value) -> Vec<Value> {
    let plan = Plan::of(&action).unwrap_or_else(|e| panic!("{action}: {e}"));
    let wire = |call: &Call| {
        let value = serde_json::to_value(call).unwrap();
        json!([value["method"], value["params"]])
    };
    plan.all().map(wire).collect()
}

fn refusal(action: Value) -> String {
    Plan::of(&action).unwrap_err().to_string()
}

fn there(x: i32, y: i32) -> Value {
    json!({ "find": { "point": [x, y] } })
}

#[test]
fn anthropics_actions_are_calls() {
    let at = json!([3, 4]);
    for (action, expected) in [
        (json!({"action": "key", "text": "ctrl+s"}), json!(["press", {"keys": "ctrl+s"}])),
        (json!({"action": "key", "text": "Page_Down"}), json!(["press", {"keys": "Page_Down"}])),
        (json!({"action": "key", "text": " "}), json!(["press", {"keys": "space"}])),
        (json!({"action": "key", "text": "ctrl++"}), json!(["press", {"keys": "ctrl+plus"}])),
        (json!({"action": "type", "text": "a+b"}), json!(["type_text", {"text": "a+b"}])),
        (
            json!({"action": "mouse_move", "coordinate": at}),
            json!(["hover", {"target": there(3, 4)}]),
        ),
        (
            json!({"action": "left_click", "coordinate": at}),
            json!(["click", {"target": there(3, 4)}]),
        ),
        (json!({"action": "left_click"}), json!(["click", {}])),
        (
            json!({"action": "left_click", "coordinate": at, "text": "shift"}),
            json!(["click", {"target": there(3, 4), "keys": "shift"}]),
        ),
        (
            json!({"action": "left_click", "coordinate": at, "key": "ctrl"}),
            json!(["click", {"target": there(3, 4), "keys": "ctrl"}]),
        ),
        (
            json!({"action": "right_click", "coordinate": at, "text": null}),
            json!(["right_click", {"target": there(3, 4)}]),
        ),
        (
            json!({"action": "middle_click", "coordinate": at}),
            json!(["middle_click", {"target": there(3, 4)}]),
        ),
        (
            json!({"action": "double_click", "coordinate": at}),
            json!(["double_click", {"target": there(3, 4)}]),
        ),
        (
            json!({"action": "triple_click", "coordinate": at}),
            json!(["triple_click", {"target": there(3, 4)}]),
        ),
        (
            json!({"action": "left_click_drag", "start_coordinate": [1, 2], "coordinate": at}),
            json!(["drag", {"from": there(1, 2), "to": there(3, 4)}]),
        ),
        (json!({"action": "left_mouse_down"}), json!(["mouse_down", {}])),
        (
            json!({"action": "left_mouse_up", "coordinate": at}),
            json!(["mouse_up", {"target": there(3, 4)}]),
        ),
        (
            json!({"action": "scroll", "coordinate": at, "scroll_direction": "down", "scroll_amount": 5, "text": "ctrl"}),
            json!(["scroll", {"direction": "down", "ticks": 5, "target": there(3, 4), "keys": "ctrl"}]),
        ),
        (
            json!({"action": "hold_key", "text": "shift", "duration": 1.5}),
            json!(["hold", {"keys": "shift", "ms": 1500}]),
        ),
        (
            json!({"action": "wait", "duration": 0.25}),
            json!(["wait_still", {"still_ms": 250, "timeout_ms": 250}]),
        ),
        (json!({"action": "screenshot"}), json!(["screenshot", {"name": "screenshot"}])),
        (json!({"action": "cursor_position"}), json!(["pointer", {}])),
        (
            json!({"action": "zoom", "region": [10, 20, 40, 60]}),
            json!(["screenshot", {"name": "zoom", "region": [10, 20, 30, 40]}]),
        ),
    ] {
        assert_eq!(calls(action.clone()), [expected], "{action}");
    }
}

#[test]
fn openais_actions_are_calls() {
    for (action, expected) in [
        (
            json!({"type": "click", "x": 3, "y": 4, "button": "left"}),
            json!(["click", {"target": there(3, 4), "button": "left"}]),
        ),
        (
            json!({"type": "click", "x": 3, "y": 4, "button": "wheel", "keys": ["CTRL", "SHIFT"]}),
            json!(["click", {"target": there(3, 4), "button": "middle", "keys": "CTRL+SHIFT"}]),
        ),
        (
            json!({"type": "click", "x": 3, "y": 4, "button": "back", "keys": null}),
            json!(["click", {"target": there(3, 4), "button": "back"}]),
        ),
        (
            json!({"type": "double_click", "x": 3, "y": 4, "keys": []}),
            json!(["double_click", {"target": there(3, 4)}]),
        ),
        (
            json!({"type": "drag", "path": [{"x": 1, "y": 2}, {"x": 3, "y": 4}, {"x": 5, "y": 6}]}),
            json!(["drag", {"from": there(1, 2), "to": there(5, 6), "path": [[3, 4]]}]),
        ),
        (json!({"type": "keypress", "keys": ["CTRL", "S"]}), json!(["press", {"keys": "CTRL+S"}])),
        (
            json!({"type": "keypress", "keys": ["OPTION", "+"]}),
            json!(["press", {"keys": "alt+plus"}]),
        ),
        (json!({"type": "keypress", "keys": ["ENTER"]}), json!(["press", {"keys": "ENTER"}])),
        (
            json!({"type": "keypress", "keys": ["ARROWLEFT"]}),
            json!(["press", {"keys": "ARROWLEFT"}]),
        ),
        (json!({"type": "move", "x": 3, "y": 4}), json!(["hover", {"target": there(3, 4)}])),
        (json!({"type": "screenshot"}), json!(["screenshot", {"name": "screenshot"}])),
        (
            json!({"type": "scroll", "x": 3, "y": 4, "scroll_x": 0, "scroll_y": 330}),
            json!(["scroll", {"direction": "down", "ticks": 3, "target": there(3, 4)}]),
        ),
        (
            json!({"type": "scroll", "x": 3, "y": 4, "scroll_x": -20, "scroll_y": 0}),
            json!(["scroll", {"direction": "left", "ticks": 1, "target": there(3, 4)}]),
        ),
        (json!({"type": "type", "text": "日本"}), json!(["type_text", {"text": "日本"}])),
        (json!({"type": "wait"}), json!(["wait_still", {"still_ms": 2000, "timeout_ms": 2000}])),
    ] {
        assert_eq!(calls(action.clone()), [expected], "{action}");
    }
}

#[test]
fn some_actions_are_several_calls() {
    let press = |keys: &str| json!(["press", { "keys": keys }]);
    let twice = calls(json!({"action": "key", "text": "ctrl+a Delete", "repeat": 2}));
    assert_eq!(twice, ["ctrl+a", "Delete", "ctrl+a", "Delete"].map(press));
    let dragged = calls(json!({"action": "left_click_drag", "coordinate": [3, 4]}));
    let moved = json!(["hover", {"target": there(3, 4)}]);
    assert_eq!(dragged, [json!(["mouse_down", {}]), moved, json!(["mouse_up", {}])]);
    let both = calls(json!({"type": "scroll", "x": 0, "y": 0, "scroll_x": 100, "scroll_y": -200}));
    let methods: Vec<_> = both.iter().map(|c| (&c[1]["direction"], &c[1]["ticks"])).collect();
    assert_eq!(methods, [(&json!("up"), &json!(2)), (&json!("right"), &json!(1))]);
}

#[test]
fn what_makes_no_sense_is_refused_with_its_reason() {
    for (action, part) in [
        (json!({}), "`action` (Anthropic) or in `type` (OpenAI)"),
        (json!({"action": "click", "coordinate": [1, 2]}), "`click`"),
        (json!({"type": "left_click", "x": 1, "y": 2}), "`left_click`"),
        (json!({"action": "left_click", "coordinates": [1, 2]}), "coordinates"),
        (json!({"action": "key"}), "text"),
        (json!({"action": "key", "text": "a", "repeat": 0}), "repeat must be from 1 to 100"),
        (json!({"action": "wait", "duration": -1}), "duration must be seconds"),
        (json!({"action": "zoom", "region": [5, 5, 5, 9]}), "region must be [x0, y0, x1, y1]"),
        (json!({"type": "drag", "path": [{"x": 1, "y": 1}]}), "path must be at least two places"),
        (json!({"type": "keypress", "keys": []}), "keys must be at least one key"),
        (json!({"type": "scroll", "x": 1, "y": 1, "scroll_x": 0, "scroll_y": 0}), "a distance"),
        (json!({"type": "scroll", "x": 1, "y": 1, "scroll_x": 0, "scroll_y": 99999}), "-10000"),
        (json!({"actions": []}), "actions must be from 1 to 100 actions"),
        (json!({"actions": [{"type": "wait"}, {"type": "fly"}]}), "action 2: "),
        (json!({"actions": [{"action": "left_click"}]}), "action 1: "),
        (json!({"actions": [{"type": "wait"}], "x": 1}), "`x`"),
    ] {
        let reason = refusal(action.clone());
        assert!(reason.contains(part), "{action}: {reason}");
    }
}

#[test]
fn a_pause_is_over_when_its_time_is() {
    let timed_out = || Err(CallError::new(ErrorKind::Timeout, "the screen went on changing"));
    let followed = |action| {
        let followed = Plan::of(&action).unwrap().follow(|_| Ok::<_, Infallible>(timed_out()));
        followed.unwrap_or_else(|never| match never {})
    };
    assert_eq!(followed(json!({"type": "wait"})), Ok(Value::Null));
    assert_eq!(followed(json!({"action": "left_click"})), timed_out());
}

#[test]
fn a_list_is_carried_out_in_order_and_the_last_answer_is_its_answer() {
    let list = json!({"actions": [
        {"type": "click", "x": 3, "y": 4, "button": "left"},
        {"type": "wait"},
        {"type": "scroll", "x": 0, "y": 0, "scroll_x": 100, "scroll_y": -200},
        {"type": "screenshot"},
    ]});
    let methods: Vec<Value> = calls(list.clone()).iter().map(|call| call[0].clone()).collect();
    assert_eq!(methods, ["click", "wait_still", "scroll", "scroll", "screenshot"]);
    let mut count = 0;
    let answer = Plan::of(&list).unwrap().follow(|_| {
        count += 1;
        Ok::<_, Infallible>(Ok(json!(count)))
    });
    assert_eq!(answer, Ok(Ok(json!(5))));
}

#[test]
fn a_list_ends_with_the_action_that_fails_and_says_which() {
    let list = json!({"actions": [
        {"type": "wait"}, {"type": "type", "text": "a"}, {"type": "keypress", "keys": ["ENTER"]},
    ]});
    let mut tried = 0;
    let failed = Plan::of(&list).unwrap().follow(|_| {
        tried += 1;
        Ok::<_, Infallible>(Err(CallError::new(
            if tried == 1 { ErrorKind::Timeout } else { ErrorKind::AppFailed },
            "no",
        )))
    });
    let error = failed.unwrap_or_else(|never| match never {}).unwrap_err();
    assert_eq!((error.message.as_str(), tried), ("action 2 of 3, the last tried: no", 2));
}

#[test]
fn the_schema_names_the_actions_there_are() {
    for (key, names) in [("action", &ANTHROPIC[..]), ("type", &OPENAI[..])] {
        let told = refusal(json!({ key: "no_such_action" }));
        let (_, list) = told.split_once("write: ").unwrap();
        let known: Vec<&str> = list.split(", ").flat_map(|part| part.split(" or ")).collect();
        assert_eq!(known, names);
        assert_eq!(schema()["properties"][key]["enum"], json!(names));
    }
}
