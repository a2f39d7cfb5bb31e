//! For whoever starts a monitor: waiting for it, and clearing up after one that was killed.

use std::path::Path;

use rustix::io::Errno;
use rustix::process::{WaitId, WaitIdOptions, WaitIdStatus, WaitOptions};

use super::{cgroup, host};
use crate::sys::Spawned;

/// Makes the sandboxes of a monitor that is killed children of this process, which must have no
/// other children. Before the monitor is started.
///
/// # Errors
/// As prctl(2), PR_SET_CHILD_SUBREAPER.
pub fn adopt_orphans() -> std::io::Result<()> {
    Ok(rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?)
}

/// Waits for the monitor and for everything it started, and removes what it could not remove itself
/// when it was killed. `state` is the directory it was given.
#[must_use]
pub fn wait_and_tidy(monitor: &Spawned, state: &Path) -> Option<WaitIdStatus> {
    use std::os::fd::AsFd;
    let status = rustix::io::retry_on_intr(|| {
        rustix::process::waitid(WaitId::PidFd(monitor.pidfd.as_fd()), WaitIdOptions::EXITED)
    });
    let status = status.ok().flatten();
    if status.as_ref().is_none_or(|status| status.exit_status().is_none()) {
        // With the monitor the kernel has killed its children.
        while !matches!(rustix::process::wait(WaitOptions::empty()), Err(e) if e != Errno::INTR) {}
        host::remove_stale(&state.join("run"));
        // What cannot be found here goes with the next run.
        let _tidied = cgroup::tidy();
    }
    status
}
