//! karakurid → karakuri-desktop: one request, one reply, in order, over one inherited socket pair.
//!
//! A request never names a file: models and pictures arrive as sealed memfds with the message.
//! Pictures and long texts come back as memfds. Behind a picture in which something was masked there is one
//! more: a JSON list of [`MaskedField`](crate::personal::MaskedField). karakurid has checked the grant and recorded the
//! intent before it sends a request that acts.

use serde::{Deserialize, Serialize};

use crate::geometry::{Point, Rect};
use crate::personal::Masking;
use crate::recording::Recording;
use crate::role::Role;
use crate::target::Target;
use crate::untrusted::Untrusted;

/// Version of the messages below; both sides must say the same.
pub const VERSION: u16 = 3;

/// A writing system, which decides the models that read it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Script {
    /// Latin letters, digits, symbols.
    #[default]
    Latin,
    /// Japanese, with Latin letters and digits in it.
    Japanese,
}

/// A mouse button.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Button {
    /// X button 1.
    #[default]
    Left,
    /// X button 2.
    Middle,
    /// X button 3.
    Right,
    /// X button 8.
    Back,
    /// X button 9.
    Forward,
}

/// Where a wheel turn leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Towards the beginning (X button 4).
    Up,
    /// Towards the end (X button 5).
    Down,
    /// X button 6.
    Left,
    /// X button 7.
    Right,
}

/// A thing that was found, and why it counts as found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hit {
    /// Its box.
    pub rect: Rect,
    /// The pixel an act goes to: the middle of the box plus the target's offset.
    pub at: Point,
    /// The text that was read there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<Untrusted>,
    /// 0 to 1.
    pub confidence: f32,
    /// How it was found.
    pub via: Via,
}

/// How a thing was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Via {
    /// By reading.
    Text,
    /// By comparing pictures.
    Image,
    /// Through the accessibility tree.
    Role,
    /// The script named the pixel.
    Point,
    /// The script named the rectangle.
    Region,
    /// The keyboard goes to the window that has the focus.
    Focus,
    /// The text, or the rest of it, went through the clipboard: keys could not carry it.
    Paste,
}

/// A line of text on the screen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// Its box.
    pub rect: Rect,
    /// The text.
    pub text: Untrusted,
    /// Mean over the characters, 0 to 1.
    pub confidence: f32,
    /// Its words, left to right.
    pub words: Vec<Word>,
}

/// A word of a [`Line`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Word {
    /// Its box.
    pub rect: Rect,
    /// The text.
    pub text: Untrusted,
    /// Mean over the characters, 0 to 1.
    pub confidence: f32,
}

/// A thing that can be operated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Control {
    /// Its box.
    pub rect: Rect,
    /// What it is for.
    pub role: Role,
    /// The text on a button, the label of a field or a check box.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Untrusted>,
    /// Of a check box: whether it is on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checked: Option<bool>,
    /// The text in a field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<Untrusted>,
    /// Who says so: [`Via::Role`] the application, [`Via::Image`] its looks.
    pub via: Via,
}

/// What a [`Question::Look`] waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Until {
    /// At least one match.
    Present,
    /// No match.
    Gone,
}

/// What the pointer does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum PointerAct {
    /// Move only.
    Move,
    /// Press and release `count` times (1 to 3).
    Click {
        /// How often.
        count: u8,
    },
    /// Press.
    Down,
    /// Release.
    Up,
    /// Press, pass these points, release at the last one.
    Drag {
        /// At least one point.
        path: Vec<Point>,
    },
    /// Turn the wheel.
    Scroll {
        /// Which way.
        direction: Direction,
        /// Wheel clicks.
        ticks: u8,
    },
}

/// What was found at a look, as an act relies on it: the act is refused when it is no longer so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seen {
    /// The number of the look, as [`Reply::Looked`] told it.
    pub look: u32,
    /// The box that was found. The same surface must still be there.
    pub rect: Rect,
    /// Whether its pixels must be the same as well.
    pub exact: bool,
}

/// An act: anything that can change what an application does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Act {
    /// With the pointer.
    Pointer {
        /// What.
        act: PointerAct,
        /// Where; where the pointer is if left out.
        at: Option<Point>,
        /// Which button.
        button: Button,
        /// Modifiers held meanwhile, `ctrl+shift`.
        keys: Option<String>,
        /// What must still be so; nothing if left out.
        seen: Option<Seen>,
    },
    /// Type text into the window that has the focus.
    Type {
        /// The text.
        text: Untrusted,
    },
    /// Press a chord, and keep it down for `hold_ms`.
    Press {
        /// Keys joined by `+`.
        keys: String,
        /// 0 for a plain press.
        hold_ms: u32,
    },
    /// Put text on the clipboard if there is any, then press ctrl+v.
    Paste {
        /// The text.
        text: Option<Untrusted>,
    },
    /// Replace the text on the clipboard.
    SetClipboard {
        /// The text.
        text: Untrusted,
    },
    /// Give a window the keyboard and raise it.
    Focus {
        /// X window id.
        window: u32,
    },
    /// Ask a window to close (WM_DELETE_WINDOW).
    Close {
        /// X window id.
        window: u32,
    },
}

/// A request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Request {
    /// First message. Brings the files named in `assets`, in that order, as sealed memfds.
    Open {
        /// [`VERSION`].
        version: u16,
        /// Names as in `packaging/assets.lock`.
        assets: Vec<String>,
        /// Names of the pictures of the bundle, whose memfds follow those of the assets.
        images: Vec<String>,
        /// Whether the run is watched. Two links follow the pictures' memfds then: where pictures of
        /// the display go, and where the inputs of a person come from (`crate::watch`).
        watched: bool,
        /// Whether the run is recorded. The link that takes the segments is the last fd then.
        recording: Option<Recording>,
        /// How pictures and the recording are masked; not at all where it is left out.
        masking: Option<Masking>,
    },
    /// Say what is there. No application notices.
    Ask(Question),
    /// Act, then watch what changes for at most `watch_ms`.
    Act {
        /// What.
        act: Act,
        /// How long to wait for an effect.
        watch_ms: u32,
        /// Whether to send the screen as it is afterwards.
        picture: bool,
    },
}

impl From<Question> for Request {
    fn from(question: Question) -> Self {
        Self::Ask(question)
    }
}

/// A request that changes nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Question {
    /// Look for a target, waiting for it.
    Look {
        /// For what. `named` targets are already resolved.
        target: Target,
        /// To be there, or to be gone.
        until: Until,
        /// For how long at most; 0 looks once.
        timeout_ms: u32,
        /// How to read.
        script: Script,
        /// Whether the one match is to be clicked: greyed out, it is given a moment to become ready.
        click: bool,
        /// Whether to send the picture that was looked at.
        picture: bool,
    },
    /// Read a region.
    Read {
        /// Where; the whole screen if left out.
        region: Option<Rect>,
        /// How.
        script: Script,
    },
    /// Read the table in a region.
    Table {
        /// Where; the whole screen if left out.
        region: Option<Rect>,
        /// How.
        script: Script,
    },
    /// Find what can be operated in a region.
    Controls {
        /// Where; the whole screen if left out.
        region: Option<Rect>,
        /// How.
        script: Script,
    },
    /// Wait until a region does not change.
    Still {
        /// How long it must not change.
        still_ms: u32,
        /// Where; the whole screen if left out.
        region: Option<Rect>,
        /// For how long at most.
        timeout_ms: u32,
    },
    /// Take a picture.
    Picture {
        /// Of which part; the whole screen if left out.
        region: Option<Rect>,
    },
    /// The text on the clipboard.
    Clipboard,
    /// Where the pointer is.
    Pointer,
    /// All windows of applications.
    Windows,
    /// Wait for a window that is not among `known`.
    WaitWindow {
        /// The windows before.
        known: Vec<u32>,
        /// For how long at most.
        timeout_ms: u32,
    },
}

/// What became of an act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// The screen changed where and when it should.
    Confirmed,
    /// This kind of act shows nothing on the screen that could be checked.
    Unverifiable,
    /// Nothing changed.
    SuspectedNoop,
    /// It was not carried out.
    Refused,
}

/// A window of an application.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// X window id.
    pub id: u32,
    /// Its title.
    pub title: Untrusted,
    /// The second string of WM_CLASS.
    pub class: Untrusted,
    /// Client area, without the frame.
    pub rect: Rect,
    /// Whether it has the keyboard.
    pub focused: bool,
}

/// A reply.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Reply {
    /// To [`Request::Open`].
    Opened {
        /// [`VERSION`].
        version: u16,
        /// The screen, `[0, 0, width, height]`.
        screen: Rect,
        /// How frames are captured, `shm` or `xcap`.
        capture: String,
    },
    /// To [`Question::Look`]. A picture, if asked for, is the first memfd (lossless WebP).
    Looked {
        /// All that match, best first for pictures, reading order for text.
        hits: Vec<Hit>,
        /// When nothing matches: what comes closest, at most 5.
        nearest: Vec<Hit>,
        /// Of an `any_of`: which of its targets the matches are of, counted from 0.
        which: Option<usize>,
        /// How long it took.
        waited_ms: u32,
        /// The number of this look, for [`Seen`].
        look: u32,
    },
    /// To [`Question::Read`].
    Lines(Vec<Line>),
    /// To [`Question::Table`]: the texts of the cells, row by row; empty where there is none.
    Table(Vec<Vec<Untrusted>>),
    /// To [`Question::Controls`], in reading order.
    Controls(Vec<Control>),
    /// To [`Question::Still`].
    Stilled {
        /// Whether it became quiet in time.
        still: bool,
    },
    /// To [`Question::Picture`]: lossless WebP in the first memfd.
    Picture {
        /// What it shows.
        rect: Rect,
    },
    /// To [`Request::Act`]. A picture, if asked for, is the first memfd (lossless WebP).
    Acted {
        /// What became of it.
        effect: Effect,
        /// The rectangle that changed.
        changed: Option<Rect>,
        /// From injecting to the answer.
        ms: u32,
        /// The route it took, where that is not the one the act names.
        via: Option<Via>,
    },
    /// To [`Question::Clipboard`].
    Clipboard(Untrusted),
    /// To [`Question::Pointer`].
    Pointer(Point),
    /// To [`Question::Windows`].
    Windows(Vec<Window>),
    /// To [`Question::WaitWindow`]: the first new window, or none.
    NewWindow(Option<Window>),
    /// The request could not be carried out.
    Failed(Failure),
}

/// Why a request could not be carried out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Failure {
    /// Which part failed.
    pub kind: FailureKind,
    /// What happened and what to do.
    pub message: String,
}

/// Which part of karakuri-desktop failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// A model file or ONNX Runtime is not the one that was pinned.
    WrongAsset,
    /// The request makes no sense here: an unknown key, a point off the screen, a bad expression.
    BadRequest,
    /// The X server, or the window, is gone.
    Display,
    /// Reading failed.
    Vision,
    /// A kind of target that this version cannot find.
    Unsupported,
}
