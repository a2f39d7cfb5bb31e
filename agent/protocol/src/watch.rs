//! karakuri-watch: the window in which the person who asked for a run sees its desktop and may take over.
//!
//! It holds two inherited links. On the one karakurid tells [`Told`] and hears [`Asked`]. On the other
//! karakuri-desktop sends [`Picture`]s straight from the display and hears [`Shown`], after which it may
//! send the next: nothing else is heard there, so no input reaches the display unrecorded. What the person
//! does goes from karakurid to karakuri-desktop as [`Inputs`], each answered by [`Done`].

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::desktop::{Button, Direction};
use crate::geometry::{Point, Rect};

/// The most that one [`Inputs`] holds.
pub const MAX_INPUTS: usize = 64;

/// karakuri-watch → whoever started it, once, before there is a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Ready {
    /// The window is there.
    Open,
    /// There will be none: what is wrong and what to do.
    Failed(String),
}

/// Who sits before the window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// Their user id.
    pub uid: u32,
    /// Their name, where the machine knows one.
    pub user: Option<String>,
}

/// karakurid → karakuri-watch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Told {
    /// The run has begun.
    Run {
        /// Name of the workflow: lower-case letters, digits and `-`.
        workflow: String,
        /// Whether the site's policy lets the person take over.
        take_over: bool,
    },
    /// Who acts now.
    State(State),
}

/// Who acts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// The script.
    #[default]
    Running,
    /// Nobody: a person has paused the run.
    Paused,
    /// The person before the window.
    TakenOver,
}

/// karakuri-watch → karakurid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Asked {
    /// Pause the run and let me act.
    TakeOver,
    /// Let the run go on.
    HandBack,
    /// Do this; ignored unless [`State::TakenOver`].
    Input(Input),
}

/// What a person did in the window; places are pixels of the run's display.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Input {
    /// Moved the pointer.
    Move {
        /// To where.
        at: Point,
    },
    /// Pressed a button.
    Press {
        /// Which.
        button: Button,
        /// Where.
        at: Point,
        /// Held meanwhile.
        held: Held,
    },
    /// Released a button.
    Release {
        /// Which.
        button: Button,
        /// Where.
        at: Point,
        /// Held meanwhile.
        held: Held,
    },
    /// Turned the wheel by one tick.
    Scroll {
        /// Which way.
        direction: Direction,
        /// Where.
        at: Point,
        /// Held meanwhile.
        held: Held,
    },
    /// Struck a key.
    Key {
        /// Which.
        key: Key,
        /// Held meanwhile, but for what the character of the key stands for already.
        held: Held,
    },
}

/// A key by what it types, or by its X keysym where it types nothing. `Debug` does not show it: it may be
/// part of a password.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Key {
    /// It types this.
    Character(char),
    /// It types nothing.
    Symbol(u32),
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

/// Modifiers that are held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Held {
    /// Control.
    pub ctrl: bool,
    /// Shift.
    pub shift: bool,
    /// Alt (Mod1).
    pub alt: bool,
    /// Super (Mod4).
    pub meta: bool,
}

/// karakurid → karakuri-desktop: do these, in this order. They are recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inputs(pub Vec<Input>);

/// karakuri-desktop → karakurid: the inputs were carried out, or could not be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Done {}

/// karakuri-desktop → karakuri-watch: what changed on the display. The pixels are in a sealed memfd: those
/// of each part after the other, rows from the top, 4 bytes a pixel, blue, green, red, one that means nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Picture {
    /// The whole display, `[0, 0, width, height]`.
    pub screen: Rect,
    /// What changed, within the display; none where only the pointer moved.
    pub parts: Vec<Rect>,
    /// Where the pointer was last put.
    pub pointer: Point,
}

/// karakuri-watch → karakuri-desktop: the picture is in the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shown {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_is_not_shown_by_debug() {
        let input = Input::Key { key: Key::Character('q'), held: Held::default() };
        assert_eq!(format!("{input:?}").matches('q').count(), 0, "{input:?}");
    }
}
