//! The monitor: the one process that keeps privilege. It makes namespaces, accounts, file systems
//! and children when karakurid asks, and parses nothing that a script, screen, job or file wrote.
//!
//! Requests are typed, come over one inherited [`crate::link::Link`], and say *which* sandbox to
//! start; *what* it may reach is decided by the templates here. Everything of the run is killed
//! when karakurid closes its end. Compare OpenSSH's README.privsep.

mod host;
mod once;
mod serve;
mod templates;

use serde::{Deserialize, Serialize};

use crate::child::{LayerFailure, Status};
use crate::policy::{Access, Limits};

pub use once::{MonitorError, Settings, run_once};

/// What karakurid can ask.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Request {
    /// Make the run's file systems. Once, before anything is started.
    Prepare(Capacities),
    /// Start a sandbox.
    Start {
        /// Chosen by karakurid, echoed in the events.
        id: u32,
        /// Which.
        sandbox: Sandbox,
    },
    /// Kill a sandbox with everything in it.
    Kill {
        /// As in [`Request::Start`].
        id: u32,
    },
}

/// Capacities of the run's file systems, which live in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Capacities {
    /// Of `/work`, bytes.
    pub work_bytes: u64,
    /// Of `/files`, bytes.
    pub files_bytes: u64,
}

/// A sandbox the monitor can start. The fds come with the message, in the order given here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Sandbox {
    /// X server, window manager and applications: a serving sandbox. Fds: link, log.
    Display,
    /// karakuri-desktop. Fds: link, log.
    Desktop {
        /// Number of the X display.
        display: u32,
    },
    /// karakuri-courier. Fds: link, log.
    Courier,
    /// The script. Fds: socket, stdout, stderr.
    Script(Script),
}

/// The script's sandbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    /// `/usr/bin/…` or `/opt/karakuri/bin/…`.
    pub program: String,
    /// Its arguments, at most 16.
    pub arguments: Vec<String>,
    /// Resource limits.
    pub limits: Limits,
    /// What it may do with `/files`; it is not there without.
    pub files: Option<Access>,
}

/// What the monitor answers and reports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Event {
    /// To [`Request::Prepare`].
    Prepared,
    /// To [`Request::Start`]: the process exists; its layers are being put up.
    Started {
        /// As in the request.
        id: u32,
    },
    /// A sandbox ended, and nothing of it is left.
    Ended {
        /// As in the request.
        id: u32,
        /// What its first process said; none if it was killed.
        status: Option<Status>,
    },
    /// A request could not be carried out.
    Refused {
        /// As in the request; none for [`Request::Prepare`].
        id: Option<u32>,
        /// Why.
        failure: LayerFailure,
    },
}
