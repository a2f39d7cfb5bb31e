//! OpenAI's actions: `ComputerAction` of the Responses API, alone (`action` of a `computer_call`) or as
//! the list of one turn (`actions`, a `ComputerActionList`),
//! <https://platform.openai.com/docs/guides/tools-computer-use> and `computer_action.py`,
//! `computer_action_list.py` in `src/openai/types/responses` of <https://github.com/openai/openai-python>.

use karakuri_protocol::desktop::{Button, Direction};
use karakuri_protocol::geometry::Point;
use karakuri_protocol::script::{
    Call, DragParams, PointerParams, PressParams, ScreenshotParams, ScrollParams, TextParams,
};
use karakuri_protocol::untrusted::Untrusted;
use serde::Deserialize;
use serde_json::Value;

use super::keys;
use super::plan::{ActionError, Plan, at};

/// A scroll distance is published in pixels, but a wheel turns by clicks, and how far a click leads is the
/// application's to say. Harnesses over X take 100 pixels for one.
const PIXELS_PER_TICK: u32 = 100;
/// `wait` has no duration; the guide's samples take two seconds.
const WAIT_MS: u32 = 2_000;

/// One action. `keys` are held meanwhile, of `keypress` they are pressed together.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Action {
    Click {
        x: i32,
        y: i32,
        button: Option<MouseButton>,
        keys: Option<Vec<String>>,
    },
    DoubleClick {
        x: i32,
        y: i32,
        keys: Option<Vec<String>>,
    },
    /// At least two places.
    Drag {
        path: Vec<Place>,
        keys: Option<Vec<String>>,
    },
    Keypress {
        keys: Vec<String>,
    },
    Move {
        x: i32,
        y: i32,
        keys: Option<Vec<String>>,
    },
    Screenshot {},
    /// Distances in pixels; down and right are positive.
    Scroll {
        x: i32,
        y: i32,
        scroll_x: i32,
        scroll_y: i32,
        keys: Option<Vec<String>>,
    },
    Type {
        text: Untrusted,
    },
    Wait {},
}

/// The actions of one turn, each parsed by itself so that what is wrong can be told by its number.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Actions {
    pub(super) actions: Vec<Value>,
}

/// A mouse button; `wheel` is the middle one.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum MouseButton {
    Left,
    Right,
    Wheel,
    Back,
    Forward,
}

/// A place on a path.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Place {
    x: i32,
    y: i32,
}

impl Action {
    pub(super) fn plan(self) -> Result<Plan, ActionError> {
        Ok(match self {
            Self::Click { x, y, button, keys } => {
                let button = button.map(Button::from);
                Call::Click(PointerParams { button, ..pointer(x, y, keys)? }).into()
            }
            Self::DoubleClick { x, y, keys } => Call::DoubleClick(pointer(x, y, keys)?).into(),
            Self::Drag { path, keys } => drag(&path, keys)?,
            Self::Keypress { keys } => {
                let keys = keys::chord(keys.iter().map(String::as_str))?;
                Call::Press(PressParams { keys }).into()
            }
            Self::Move { x, y, keys } => Call::Hover(pointer(x, y, keys)?).into(),
            Self::Screenshot {} => {
                let name = "screenshot".into();
                Call::Screenshot(ScreenshotParams { name, region: None }).into()
            }
            Self::Scroll { x, y, scroll_x, scroll_y, keys } => {
                scroll(Point { x, y }, (scroll_x, scroll_y), keys)?
            }
            Self::Type { text } => Call::TypeText(TextParams { text }).into(),
            Self::Wait {} => Plan::pause(WAIT_MS),
        })
    }
}

impl From<MouseButton> for Button {
    fn from(button: MouseButton) -> Self {
        match button {
            MouseButton::Left => Self::Left,
            MouseButton::Right => Self::Right,
            MouseButton::Wheel => Self::Middle,
            MouseButton::Back => Self::Back,
            MouseButton::Forward => Self::Forward,
        }
    }
}

impl From<Place> for Point {
    fn from(Place { x, y }: Place) -> Self {
        Self { x, y }
    }
}

fn pointer(x: i32, y: i32, keys: Option<Vec<String>>) -> Result<PointerParams, ActionError> {
    let target = Some(at(Point { x, y }));
    Ok(PointerParams { target, keys: held(keys)?, ..PointerParams::default() })
}

/// No keys are published as null, left out or an empty list.
fn held(names: Option<Vec<String>>) -> Result<Option<String>, ActionError> {
    let names = names.filter(|names| !names.is_empty());
    names.map(|names| keys::chord(names.iter().map(String::as_str))).transpose()
}

fn drag(path: &[Place], keys: Option<Vec<String>>) -> Result<Plan, ActionError> {
    let [first, between @ .., last] = path else {
        return Err(ActionError::Value { name: "path", form: "at least two places" });
    };
    let (from, to) = (at((*first).into()), at((*last).into()));
    let path = between.iter().map(|place| (*place).into()).collect();
    let keys = held(keys)?;
    Ok(Call::Drag(DragParams { from, to, path, button: None, keys, timeout_ms: None }).into())
}

fn scroll(
    place: Point,
    (right, down): (i32, i32),
    keys: Option<Vec<String>>,
) -> Result<Plan, ActionError> {
    let keys = held(keys)?;
    let axes = [(down, Direction::Up, Direction::Down), (right, Direction::Left, Direction::Right)];
    let mut calls = Vec::new();
    for (distance, back, forth) in axes.into_iter().filter(|(distance, ..)| *distance != 0) {
        let direction = if distance < 0 { back } else { forth };
        let ticks = distance.unsigned_abs().saturating_add(PIXELS_PER_TICK / 2) / PIXELS_PER_TICK;
        let ticks = u8::try_from(ticks.max(1)).map_err(|_| ActionError::Value {
            name: "scroll_x and scroll_y",
            form: "from -10000 to 10000 pixels",
        })?;
        let (target, keys) = (Some(at(place)), keys.clone());
        calls.push(Call::Scroll(ScrollParams { direction, ticks, target, keys, timeout_ms: None }));
    }
    if calls.is_empty() {
        return Err(ActionError::Value {
            name: "scroll_x and scroll_y",
            form: "a distance, one of them at least",
        });
    }
    Ok(Plan::calls(calls))
}
