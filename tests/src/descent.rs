//! The processes that a program started, by their descent.

use rustix::process::{Pid, Signal, kill_process};

/// The first child of a process, if it has any.
#[must_use]
pub fn first_child(pid: u32) -> Option<u32> {
    let list = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).ok()?;
    list.split_whitespace().next()?.parse().ok()
}

/// Kills the process so many generations below `pid`, by first children; false when there is none (yet, or
/// any more).
pub fn kill_below(pid: u32, depth: usize) -> bool {
    let pid = (0..depth).try_fold(pid, |pid, _| first_child(pid));
    let pid = pid.and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?));
    pid.is_some_and(|pid| kill_process(pid, Signal::KILL).is_ok())
}

/// How far karakurid is below `karakuri`.
pub const DAEMON: usize = 2;
