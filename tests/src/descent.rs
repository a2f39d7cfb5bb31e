//! The processes that a program started, by their descent.

use rustix::process::{Pid, Signal, kill_process};

/// The first child of a process, if it has any.
#[must_use]
pub fn first_child(pid: u32) -> Option<u32> {
    children(pid).first().copied()
}

/// All children of a process.
#[must_use]
pub fn children(pid: u32) -> Vec<u32> {
    let list = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
    list.unwrap_or_default().split_whitespace().filter_map(|pid| pid.parse().ok()).collect()
}

/// Kills the process so many generations below `pid`, by first children; false when there is none (yet, or
/// any more).
pub fn kill_below(pid: u32, depth: usize) -> bool {
    let pid = (0..depth).try_fold(pid, |pid, _| first_child(pid));
    pid.is_some_and(kill)
}

/// Kills a process; false when it is gone.
pub fn kill(pid: u32) -> bool {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    pid.is_some_and(|pid| kill_process(pid, Signal::KILL).is_ok())
}

/// How far karakurid is below `karakuri`.
pub const DAEMON: usize = 2;
