//! What a workflow script may ask, and how it is answered: JSON-RPC 2.0.
//!
//! Wire format on fd 3: a big-endian `u32` length, then that many bytes of UTF-8 JSON, one request
//! or response each. A request is at most [`MAX_REQUEST`] bytes. Requests are answered in order; a
//! request without an `id`, a batch, or a second request before the answer to the first is refused.
//!
//! A request whose arrays and objects stand in each other deeper than [`MAX_DEPTH`], or with a number beyond
//! what a 64-bit float holds (about ±1.8e308), is no request: it ends the run as [`RequestError::Malformed`].
//! Whole numbers are exact from -2^63 to 2^64-1; a larger one is read as the nearest float. The Python package
//! sends none of these: there the one call fails. An output deeper than [`MAX_OUTPUT_DEPTH`] is refused by its
//! answer, and the run goes on.
//!
//! `workflows/openrpc.json` is the published form of [`Call`]; a test keeps both the same.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::desktop::{Button, Direction, Script};
use crate::geometry::{Point, Rect};
use crate::target::Target;
use crate::untrusted::Untrusted;

mod rpc;

pub use rpc::{CallError, ErrorData, ErrorKind, Request, RequestError, Response};

/// The largest request, in bytes without the length prefix.
pub const MAX_REQUEST: u32 = 1024 * 1024;
/// The largest response, in bytes without the length prefix.
pub const MAX_RESPONSE: u32 = 16 * 1024 * 1024;

/// How deep arrays and objects of a request may stand in each other, the request itself being the first. It
/// is what `serde_json` reads.
pub const MAX_DEPTH: usize = 127;
/// How deep arrays and objects of an output's value may stand in each other. In what is sealed beside a masked
/// output ([`crate::personal::OutputFields`]) each takes three levels, and that has to be read again.
pub const MAX_OUTPUT_DEPTH: usize = 32;

/// How deep arrays and objects of `value` stand in each other: 0 of `7`, 1 of `[7]`.
#[must_use]
pub fn depth(value: &Value) -> usize {
    match value {
        Value::Array(parts) => 1 + parts.iter().map(depth).max().unwrap_or(0),
        Value::Object(fields) => 1 + fields.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

/// Every method, in the order of `workflows/openrpc.json`.
pub const METHODS: &[&str] = &[
    "click",
    "double_click",
    "triple_click",
    "right_click",
    "middle_click",
    "mouse_down",
    "mouse_up",
    "hover",
    "drag",
    "scroll",
    "type_text",
    "type_secret",
    "press",
    "hold",
    "paste",
    "get_clipboard",
    "set_clipboard",
    "launch",
    "close",
    "focus",
    "wait_for",
    "wait_gone",
    "wait_still",
    "exists",
    "expect",
    "expect_any",
    "soft_fail",
    "read_text",
    "read_table",
    "controls",
    "find",
    "find_all",
    "pointer",
    "screenshot",
    "attach",
    "output",
    "step",
    "once",
    "retry",
    "timeout",
    "input",
    "secret",
    "log",
    "fail_business",
    "fail_app",
];

/// One parsed call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "method", content = "params", rename_all = "snake_case")]
pub enum Call {
    /// Press and release the left button (or `button`).
    Click(PointerParams),
    /// Click twice within the double-click time.
    DoubleClick(PointerParams),
    /// Click three times.
    TripleClick(PointerParams),
    /// Click the right button.
    RightClick(PointerParams),
    /// Click the middle button.
    MiddleClick(PointerParams),
    /// Press a button and keep it down.
    MouseDown(PointerParams),
    /// Release a button.
    MouseUp(PointerParams),
    /// Move the pointer there.
    Hover(PointerParams),
    /// Press at `from`, move to `to`, release.
    Drag(DragParams),
    /// Turn the wheel.
    Scroll(ScrollParams),
    /// Type text; what arrives is what was given.
    TypeText(TextParams),
    /// Type a secret that the script never sees.
    TypeSecret(NameParams),
    /// Press a chord such as `ctrl+s`.
    Press(PressParams),
    /// Keep a chord down for some time.
    Hold(HoldParams),
    /// Put text on the clipboard and paste it.
    Paste(PasteParams),
    /// The text on the clipboard.
    GetClipboard(NoParams),
    /// Replaces the text on the clipboard.
    SetClipboard(TextParams),
    /// Start an application and wait for its window.
    Launch(LaunchParams),
    /// Ask a window to close.
    Close(WindowParams),
    /// Give a window the keyboard.
    Focus(WindowParams),
    /// Wait until the target is there.
    WaitFor(WaitParams),
    /// Wait until the target is gone.
    WaitGone(WaitParams),
    /// Wait until nothing changes.
    WaitStill(StillParams),
    /// Whether the target is there now.
    Exists(FindParams),
    /// The run has gone wrong unless the target appears.
    Expect(WaitParams),
    /// Which of several targets appears first.
    ExpectAny(ExpectAnyParams),
    /// Notes a defect that does not end the run.
    SoftFail(ReasonParams),
    /// The lines of text in a region.
    ReadText(TextReadParams),
    /// The rows and columns of a table.
    ReadTable(ReadParams),
    /// The buttons, fields and check boxes in a region.
    Controls(ReadParams),
    /// The one match of a target.
    Find(FindParams),
    /// All matches of a target.
    FindAll(FindParams),
    /// Where the pointer is.
    Pointer(NoParams),
    /// Keeps a picture of the screen as evidence.
    Screenshot(ScreenshotParams),
    /// Keeps a file from `/files` or `/work` as an output.
    Attach(AttachParams),
    /// Sets a named result of the run.
    Output(OutputParams),
    /// Names the part of the run that begins.
    Step(NameParams),
    /// Whether a part that must not be repeated was done in an earlier attempt.
    Once(NameParams),
    /// Notes that the script tries something again.
    Retry(RetryParams),
    /// Sets how long waits last that do not say so.
    Timeout(TimeoutParams),
    /// The value of a declared input.
    Input(NameParams),
    /// A handle of a secret for use in other calls.
    Secret(NameParams),
    /// Writes a line to the run's log.
    Log(LogParams),
    /// Ends the run: the business case cannot be done (not a defect).
    FailBusiness(FailParams),
    /// Ends the run: an application misbehaved.
    FailApp(FailParams),
}

macro_rules! params {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident : $kind:ty),* $(,)? })*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
            #[serde(deny_unknown_fields)]
            pub struct $name {
                $($(#[$field_doc])* pub $field: $kind,)*
            }
        )*
    };
}

params! {
    /// No parameters.
    NoParams {}
    /// An act with the pointer.
    #[derive(Default)]
    PointerParams {
        /// Where; where the pointer is if left out. `hover` may not leave it out.
        #[serde(default, skip_serializing_if = "Option::is_none")] target: Option<Target>,
        /// Act beside the target instead of on it, as for a field next to its label.
        #[serde(default, skip_serializing_if = "Option::is_none")] beside: Option<Side>,
        /// Which button; the method's own if left out.
        #[serde(default, skip_serializing_if = "Option::is_none")] button: Option<Button>,
        /// Modifiers held meanwhile, for example `ctrl+shift`.
        #[serde(default, skip_serializing_if = "Option::is_none")] keys: Option<String>,
        /// How long to wait for the target, in ms.
        #[serde(default, skip_serializing_if = "Option::is_none")] timeout_ms: Option<u32>,
        /// The question a person must consent to first.
        #[serde(default, skip_serializing_if = "Option::is_none")] approve: Option<Untrusted>,
    }
    /// A drag.
    DragParams {
        /// Where the button is pressed.
        from: Target,
        /// Where it is released.
        to: Target,
        /// Points to pass on the way.
        #[serde(default, skip_serializing_if = "Vec::is_empty")] path: Vec<Point>,
        /// Which button; left if left out.
        #[serde(default, skip_serializing_if = "Option::is_none")] button: Option<Button>,
        /// Modifiers held meanwhile.
        #[serde(default, skip_serializing_if = "Option::is_none")] keys: Option<String>,
        /// How long to wait for the targets, in ms.
        #[serde(default, skip_serializing_if = "Option::is_none")] timeout_ms: Option<u32>,
    }
    /// Turning the wheel.
    ScrollParams {
        /// Which way the content's edge is approached.
        direction: Direction,
        /// Wheel clicks, 1 to 100.
        ticks: u8,
        /// Where the pointer is meanwhile; where it is now if left out.
        #[serde(default, skip_serializing_if = "Option::is_none")] target: Option<Target>,
        /// Modifiers held meanwhile.
        #[serde(default, skip_serializing_if = "Option::is_none")] keys: Option<String>,
        /// How long to wait for the target, in ms.
        #[serde(default, skip_serializing_if = "Option::is_none")] timeout_ms: Option<u32>,
    }
    /// A text.
    TextParams {
        /// The text.
        text: Untrusted,
    }
    /// A name.
    NameParams {
        /// The name.
        name: String,
    }
    /// A chord.
    PressParams {
        /// Keys joined by `+`, the last one pressed last: `ctrl+s`, `alt+F4`, `Return`.
        keys: String,
    }
    /// A chord kept down.
    HoldParams {
        /// Keys joined by `+`.
        keys: String,
        /// For how long, in ms, at most 10,000.
        ms: u32,
    }
    /// Pasting.
    PasteParams {
        /// The text; what the clipboard holds if left out.
        #[serde(default, skip_serializing_if = "Option::is_none")] text: Option<Untrusted>,
    }
    /// Starting an application.
    LaunchParams {
        /// Name of the application as the manifest's `permissions.apps` lists it.
        app: String,
        /// Its arguments.
        #[serde(default, skip_serializing_if = "Vec::is_empty")] args: Vec<String>,
        /// How long to wait for its window, in ms.
        #[serde(default, skip_serializing_if = "Option::is_none")] timeout_ms: Option<u32>,
    }
    /// One window.
    WindowParams {
        /// Its id, as `launch` answered.
        window: u32,
    }
    /// Waiting for a target.
    WaitParams {
        /// For what.
        target: Target,
        /// For how long at most, in ms.
        #[serde(default, skip_serializing_if = "Option::is_none")] timeout_ms: Option<u32>,
    }
    /// Waiting for quiet.
    StillParams {
        /// How long nothing may change, in ms.
        still_ms: u32,
        /// Where; the whole screen if left out.
        #[serde(default, skip_serializing_if = "Option::is_none")] region: Option<Rect>,
        /// For how long at most, in ms.
        #[serde(default, skip_serializing_if = "Option::is_none")] timeout_ms: Option<u32>,
    }
    /// Looking for a target, without waiting.
    FindParams {
        /// For what.
        target: Target,
    }
    /// Waiting for one of several targets.
    ExpectAnyParams {
        /// Name → target.
        targets: BTreeMap<String, Target>,
        /// For how long at most, in ms.
        #[serde(default, skip_serializing_if = "Option::is_none")] timeout_ms: Option<u32>,
    }
    /// A reason.
    ReasonParams {
        /// Why.
        reason: Untrusted,
    }
    /// Reading a text.
    TextReadParams {
        /// Where; the whole screen if left out.
        #[serde(default, skip_serializing_if = "Option::is_none")] region: Option<Rect>,
        /// In which script; the workflow's own if left out.
        #[serde(default, skip_serializing_if = "Option::is_none")] script: Option<Script>,
        /// What the text is to be; it is an error if it is not.
        #[serde(default, rename = "as", skip_serializing_if = "Option::is_none")] kind: Option<ValueKind>,
    }
    /// Reading what has a structure.
    ReadParams {
        /// Where; the whole screen if left out.
        #[serde(default, skip_serializing_if = "Option::is_none")] region: Option<Rect>,
        /// In which script; the workflow's own if left out.
        #[serde(default, skip_serializing_if = "Option::is_none")] script: Option<Script>,
    }
    /// A picture to keep.
    ScreenshotParams {
        /// What the picture is called in the report.
        name: Untrusted,
        /// Which part; the whole screen if left out.
        #[serde(default, skip_serializing_if = "Option::is_none")] region: Option<Rect>,
    }
    /// A file to keep.
    AttachParams {
        /// Absolute path below `/files` or `/work`.
        path: Untrusted,
        /// What it is called among the outputs; its file name if left out.
        #[serde(default, skip_serializing_if = "Option::is_none")] name: Option<Untrusted>,
    }
    /// A result.
    OutputParams {
        /// Name of an output that the manifest declares.
        key: String,
        /// Its value.
        value: Value,
    }
    /// Another attempt.
    RetryParams {
        /// Which attempt begins, from 2.
        attempt: u32,
        /// Why the one before failed.
        reason: Untrusted,
    }
    /// The default for waits.
    TimeoutParams {
        /// In ms, at most the run's own limit.
        ms: u32,
    }
    /// A log line.
    LogParams {
        /// The line.
        message: Untrusted,
        /// How much it matters.
        #[serde(default)] level: Level,
    }
    /// The end of a run.
    FailParams {
        /// A short code the caller of the workflow understands.
        code: Untrusted,
        /// What happened.
        #[serde(default, skip_serializing_if = "Option::is_none")] message: Option<Untrusted>,
    }
}

/// What a text can be read as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ValueKind {
    /// A whole number.
    Int,
    /// A number, exact, as a string with a decimal point.
    Decimal,
    /// A date, as ISO 8601.
    Date,
    /// An amount, exact, and its currency (ISO 4217) if one stands there.
    Money,
}

/// Which side of a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// One line height under it.
    Below,
    /// One line height over it.
    Above,
    /// Just left of it.
    LeftOf,
    /// Just right of it.
    RightOf,
}

/// How much a log line matters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// For the author.
    Debug,
    /// The course of the run.
    #[default]
    Info,
    /// Something odd.
    Warning,
    /// Something wrong.
    Error,
}
