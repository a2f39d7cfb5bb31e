//! Anthropic's actions, as published for `computer_20241022`, `computer_20250124` and
//! `computer_20251124`: <https://platform.claude.com/docs/en/agents-and-tools/tool-use/computer-use-tool>
//! and the reference implementation, `computer-use-demo/computer_use_demo/tools/computer.py` of
//! <https://github.com/anthropics/claude-quickstarts>, which says what is optional.

use karakuri_protocol::desktop::Direction;
use karakuri_protocol::geometry::{Point, Rect};
use karakuri_protocol::script::{
    Call, DragParams, HoldParams, NoParams, PointerParams, PressParams, ScreenshotParams,
    ScrollParams, TextParams,
};
use karakuri_protocol::untrusted::Untrusted;
use serde::Deserialize;

use super::keys;
use super::plan::{ActionError, Plan, at};

/// The most times `key` repeats its keys.
const MAX_REPEAT: u32 = 100;

/// One action. Coordinates are `[x, y]`, durations seconds.
#[derive(Debug, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Action {
    /// Keys as xdotool writes them, several separated by blanks.
    Key {
        text: String,
        repeat: Option<u32>,
    },
    Type {
        text: Untrusted,
    },
    MouseMove {
        coordinate: Point,
    },
    LeftClick(Click),
    RightClick(Click),
    MiddleClick(Click),
    DoubleClick(Click),
    TripleClick(Click),
    /// From where the pointer is if the start is left out.
    LeftClickDrag {
        coordinate: Point,
        start_coordinate: Option<Point>,
        text: Option<String>,
    },
    LeftMouseDown {
        coordinate: Option<Point>,
    },
    LeftMouseUp {
        coordinate: Option<Point>,
    },
    Scroll {
        coordinate: Option<Point>,
        scroll_direction: Direction,
        /// Wheel clicks.
        scroll_amount: u8,
        text: Option<String>,
    },
    HoldKey {
        text: String,
        duration: f64,
    },
    Wait {
        duration: f64,
    },
    Screenshot {},
    CursorPosition {},
    /// `[x0, y0, x1, y1]`: two corners, the second just outside.
    Zoom {
        region: [i32; 4],
    },
}

/// Where the pointer is if the coordinate is left out. The modifiers held are in `text`, in the reference
/// implementation in `key`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Click {
    coordinate: Option<Point>,
    #[serde(alias = "key")]
    text: Option<String>,
}

impl Action {
    pub(super) fn plan(self) -> Result<Plan, ActionError> {
        Ok(match self {
            Self::Key { text, repeat } => press(&text, repeat.unwrap_or(1))?,
            Self::Type { text } => Call::TypeText(TextParams { text }).into(),
            Self::MouseMove { coordinate } => hover(coordinate).into(),
            Self::LeftClick(click) => Call::Click(click.params()?).into(),
            Self::RightClick(click) => Call::RightClick(click.params()?).into(),
            Self::MiddleClick(click) => Call::MiddleClick(click.params()?).into(),
            Self::DoubleClick(click) => Call::DoubleClick(click.params()?).into(),
            Self::TripleClick(click) => Call::TripleClick(click.params()?).into(),
            Self::LeftClickDrag { coordinate, start_coordinate, text } => {
                drag(start_coordinate, coordinate, text)?
            }
            Self::LeftMouseDown { coordinate } => {
                Call::MouseDown(Click { coordinate, text: None }.params()?).into()
            }
            Self::LeftMouseUp { coordinate } => {
                Call::MouseUp(Click { coordinate, text: None }.params()?).into()
            }
            Self::Scroll { coordinate, scroll_direction, scroll_amount, text } => {
                let target = coordinate.map(at);
                let (direction, ticks, keys) = (scroll_direction, scroll_amount, held(text)?);
                Call::Scroll(ScrollParams { direction, ticks, target, keys, timeout_ms: None })
                    .into()
            }
            Self::HoldKey { text, duration } => {
                let (keys, ms) = (keys::xdotool(&text)?, milliseconds(duration)?);
                Call::Hold(HoldParams { keys, ms }).into()
            }
            Self::Wait { duration } => Plan::pause(milliseconds(duration)?),
            Self::Screenshot {} => screenshot("screenshot", None),
            Self::CursorPosition {} => Call::Pointer(NoParams {}).into(),
            Self::Zoom { region } => screenshot("zoom", Some(corners(region)?)),
        })
    }
}

impl Click {
    fn params(self) -> Result<PointerParams, ActionError> {
        let keys = held(self.text)?;
        Ok(PointerParams { target: self.coordinate.map(at), keys, ..PointerParams::default() })
    }
}

fn held(text: Option<String>) -> Result<Option<String>, ActionError> {
    text.map(|text| keys::xdotool(&text)).transpose()
}

fn hover(coordinate: Point) -> Call {
    Call::Hover(PointerParams { target: Some(at(coordinate)), ..PointerParams::default() })
}

fn press(text: &str, repeat: u32) -> Result<Plan, ActionError> {
    if !(1..=MAX_REPEAT).contains(&repeat) {
        return Err(ActionError::Value { name: "repeat", form: "from 1 to 100" });
    }
    let mut chords: Vec<&str> = text.split_whitespace().collect();
    if chords.is_empty() {
        chords.push(text);
    }
    let press = |chord| Ok(Call::Press(PressParams { keys: keys::xdotool(chord)? }));
    let once = chords.into_iter().map(press).collect::<Result<Vec<Call>, ActionError>>()?;
    Ok(Plan::calls((0..repeat).flat_map(|_| once.clone()).collect()))
}

fn drag(start: Option<Point>, end: Point, text: Option<String>) -> Result<Plan, ActionError> {
    let keys = held(text)?;
    if let Some(start) = start {
        let (from, to, path) = (at(start), at(end), Vec::new());
        return Ok(
            Call::Drag(DragParams { from, to, path, button: None, keys, timeout_ms: None }).into()
        );
    }
    let pointer = |target| PointerParams { target, keys: keys.clone(), ..PointerParams::default() };
    Ok(Plan::calls(vec![
        Call::MouseDown(pointer(None)),
        Call::Hover(pointer(Some(at(end)))),
        Call::MouseUp(pointer(None)),
    ]))
}

fn screenshot(name: &str, region: Option<Rect>) -> Plan {
    Call::Screenshot(ScreenshotParams { name: name.into(), region }).into()
}

fn corners([left, top, right, bottom]: [i32; 4]) -> Result<Rect, ActionError> {
    let side = |from: i32, to: i32| {
        let length = u32::try_from(i64::from(to) - i64::from(from)).ok().filter(|side| *side > 0);
        length.ok_or(ActionError::Value {
            name: "region",
            form: "[x0, y0, x1, y1] with x0 < x1 and y0 < y1",
        })
    };
    Ok(Rect { left, top, width: side(left, right)?, height: side(top, bottom)? })
}

/// Seconds as whole milliseconds, at most about 49 days.
fn milliseconds(seconds: f64) -> Result<u32, ActionError> {
    let time = std::time::Duration::try_from_secs_f64(seconds).ok();
    let ms = time.and_then(|time| u32::try_from(time.as_millis()).ok());
    ms.ok_or(ActionError::Value { name: "duration", form: "seconds, 0 or more" })
}
