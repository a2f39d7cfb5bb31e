//! The monitor: the one process that keeps privilege. It makes namespaces, accounts, file systems
//! and children when karakurid asks, and parses nothing that a script, screen, job or file wrote.
//!
//! Requests are typed, come over one inherited [`crate::link::Link`], and say *which* sandbox to
//! start; *what* it may reach is decided by the templates here. Everything of the run is killed
//! when karakurid closes its end. Compare OpenSSH's README.privsep.

mod after;
mod cgroup;
mod couriers;
pub mod credentials;
mod exec;
mod host;
mod once;
mod serve;
mod templates;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::child::{LayerFailure, Status};
use crate::policy::{Access, Control, Limits, Policy};

pub use after::{adopt_orphans, wait_and_tidy};
pub use exec::serve_command;
pub use once::{MonitorError, Settings, restrict_self, run_once};
pub use serve::REQUEST;

/// Port on the loopback interface of a run's own network namespace where applications find the
/// proxy, if the grant names hosts.
pub const PROXY_PORT: u16 = 3128;
/// The bus of a run's display, on which its applications also say what they show (AT-SPI2).
pub const BUS_ADDRESS: &str = "unix:path=/run/karakuri/bus";

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
    /// Say what a sandbox would be, without starting it.
    Explain(Sandbox),
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
    Display {
        /// Whether applications find a proxy at [`PROXY_PORT`].
        proxy: bool,
        /// Whether applications with a sandbox of their own are started, see [`Policy::nested`].
        nested: bool,
    },
    /// karakuri-egress. Fds: link, log.
    Egress,
    /// karakuri-desktop. Fds: link, log.
    Desktop {
        /// Number of the X display.
        display: u32,
    },
    /// karakuri-courier. Fds: link, log. Where its site names a program for credentials it gets a
    /// link to the monitor besides, see [`credentials`].
    Courier(Courier),
    /// The script. Fds: stdin, stdout, stderr, socket.
    Script(Script),
    /// A command of the person who started the monitor, in the script's sandbox; refused where
    /// karakurid asks. Fds: stdin, stdout, stderr.
    Command(Command),
}

/// Which of the couriers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Courier {
    /// The one that carries sealed files to the store.
    Upload,
    /// The one that has data keys made.
    Keys,
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

/// A command in the script's sandbox, and what its owner adds to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Command {
    /// As for a script; the program may be anywhere.
    pub script: Script,
    /// Additions to the environment.
    pub environment: Vec<(String, String)>,
    /// Directories and files of the machine to be seen at the same path, to be read and executed.
    pub read_only: Vec<PathBuf>,
}

/// What a sandbox used, and what its cgroup refused; all 0 without one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Usage {
    /// The most memory it held, bytes.
    pub memory_peak_bytes: u64,
    /// Processes that the kernel killed because memory was used up.
    pub memory_kills: u64,
    /// Processes that could not be started because there were too many.
    pub processes_refused: u64,
}

/// What the monitor answers and reports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Event {
    /// To [`Request::Prepare`]. Fds: the directories behind `/work` and `/files`.
    Prepared {
        /// What bounds memory and processes.
        control: Control,
    },
    /// To [`Request::Explain`].
    Explained(Box<Policy>),
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
        /// What it used.
        usage: Usage,
    },
    /// A request could not be carried out.
    Refused {
        /// As in the request; none for [`Request::Prepare`].
        id: Option<u32>,
        /// Why.
        failure: LayerFailure,
    },
}

/// Whether a directory named after a monitor's pid is in use. What bears our own pid was left by
/// somebody who had it before.
fn belongs_to_the_living(name: &std::ffi::OsStr) -> bool {
    let number = name.to_str().and_then(|name| name.parse().ok());
    let Some(pid) = number.and_then(rustix::process::Pid::from_raw) else {
        // Not one of ours to remove.
        return true;
    };
    // Asked of the kernel and not of /proc, where a monitor is hidden from its own user when /proc is
    // mounted with hidepid: it cannot be traced.
    let gone = rustix::process::test_kill_process(pid) == Err(rustix::io::Errno::SRCH);
    pid != rustix::process::getpid() && !gone
}

#[cfg(test)]
#[test]
fn a_directory_of_a_living_process_is_left_alone() {
    let named = |name: &str| belongs_to_the_living(name.as_ref());
    let own = rustix::process::getpid().as_raw_nonzero().to_string();
    let parent = rustix::process::getppid().map(|pid| pid.as_raw_nonzero().to_string());
    assert!(named("1") && named(&parent.unwrap()) && named("store") && named(""));
    // pid_max(5) is 2^22 at most.
    assert!(!named(&own) && !named("4194305"));
}
