//! What the first process of a sandbox says, and what it is told.
//!
//! On the status pipe (fd 5) the launcher writes one JSON line, a [`Status`]. In a serving sandbox
//! karakurid and the launcher talk over fd 3: an [`Order`] down, a [`Report`] up.

use serde::{Deserialize, Serialize};

use crate::policy::Command;

/// The exit code of a launcher that could not put up a layer.
pub const EXIT_LAYER: u8 = 126;

/// How a sandbox ended, as its own first process saw it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Status {
    /// A layer could not be put up; the payload was never started.
    Refused(LayerFailure),
    /// The payload ran and ended.
    Ended(Ending),
}

/// Which layer, why, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayerFailure {
    /// Name of the layer as [`crate::launch::LAYERS`] has it.
    pub layer: String,
    /// What happened.
    pub reason: String,
    /// What to do about it.
    pub mend: String,
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Ending {
    /// It returned this exit code.
    Code(i32),
    /// A signal killed it.
    Signal(i32),
}

/// Start a program in a serving sandbox. The message carries two fds: its stdout and its stderr,
/// and optionally a third that becomes its fd 3.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// Chosen by karakurid, echoed in the reports.
    pub id: u32,
    /// What to start.
    pub command: Command,
    /// Whether it brings a sandbox of its own; only where the policy says `nested`.
    pub nested: bool,
}

/// What became of an [`Order`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Report {
    /// The first report of a sandbox whose policy names a proxy. Fd: its listening socket.
    Proxy,
    /// The process exists. A program that cannot be executed ends with code 127.
    Started {
        /// [`Order::id`].
        id: u32,
    },
    /// It ended.
    Ended {
        /// [`Order::id`].
        id: u32,
        /// How.
        ending: Ending,
    },
}
