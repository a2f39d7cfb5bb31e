//! What a client is told of the actions: one JSON schema for both kinds.

use serde_json::{Value, json};

/// The names of Anthropic's actions.
pub(super) const ANTHROPIC: [&str; 17] = [
    "key",
    "type",
    "mouse_move",
    "left_click",
    "right_click",
    "middle_click",
    "double_click",
    "triple_click",
    "left_click_drag",
    "left_mouse_down",
    "left_mouse_up",
    "scroll",
    "hold_key",
    "wait",
    "screenshot",
    "cursor_position",
    "zoom",
];
/// The names of OpenAI's actions.
pub(super) const OPENAI: [&str; 9] =
    ["click", "double_click", "drag", "keypress", "move", "screenshot", "scroll", "type", "wait"];

/// The JSON schema of an action: flat, as both are published, so that models know it again.
#[must_use]
pub fn schema() -> Value {
    let point =
        json!({ "type": "array", "items": { "type": "integer" }, "minItems": 2, "maxItems": 2 });
    let described = |mut schema: Value, text: &str| {
        schema["description"] = json!(text);
        schema
    };
    let integer = |text: &str| json!({ "type": "integer", "description": text });
    json!({
        "type": "object",
        "description": "Give `action` with the parameters of Anthropic's computer tool, or `type` with those of OpenAI's, or a list of the latter in `actions`. Coordinates are physical pixels.",
        "properties": {
            "action": { "type": "string", "enum": ANTHROPIC },
            "type": { "type": "string", "enum": OPENAI },
            "actions": { "type": "array", "minItems": 1, "maxItems": 100, "items": { "type": "object" }, "description": "Several of OpenAI's actions, each an object with `type`, carried out in order until one fails." },
            "coordinate": described(point.clone(), "[x, y]; of clicks, scroll and buttons: where the pointer is if left out."),
            "start_coordinate": described(point, "Where left_click_drag begins; where the pointer is if left out."),
            "text": { "type": "string", "description": "What is typed; of key and hold_key the keys, as xdotool writes them; else the modifiers held." },
            "repeat": integer("How often key presses its keys, 1 to 100."),
            "scroll_direction": { "type": "string", "enum": ["up", "down", "left", "right"] },
            "scroll_amount": integer("Wheel clicks, 1 to 100."),
            "duration": { "type": "number", "description": "Of wait and hold_key, in seconds." },
            "region": { "type": "array", "items": { "type": "integer" }, "minItems": 4, "maxItems": 4, "description": "Of zoom: [x0, y0, x1, y1]." },
            "x": integer("With `type`."),
            "y": integer("With `type`."),
            "button": { "type": "string", "enum": ["left", "right", "wheel", "back", "forward"] },
            "keys": { "type": "array", "items": { "type": "string" }, "description": "Of keypress: pressed together; else held meanwhile." },
            "path": {
                "type": "array",
                "minItems": 2,
                "items": {
                    "type": "object",
                    "properties": { "x": { "type": "integer" }, "y": { "type": "integer" } },
                    "required": ["x", "y"],
                },
            },
            "scroll_x": integer("In pixels, right is positive; 100 are one wheel click."),
            "scroll_y": integer("In pixels, down is positive; 100 are one wheel click."),
        },
    })
}
