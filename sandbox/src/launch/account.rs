//! The layers about the process itself: session, limits, account, capabilities.

use rustix::fs::Mode;
use rustix::process::{DumpableBehavior, Resource, Rlimit, Signal};
use rustix::thread::{CapabilitySet, CapabilitySets};

use super::LayerError;
use crate::policy::{Limits, Policy};
use crate::sys;

/// Layer `process`.
pub(super) fn detach(_: &Policy) -> Result<(), LayerError> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    sys::reset_signals()?;
    // The tree of the next layer is made to be read by the account that is taken on later.
    rustix::process::umask(Mode::from_raw_mode(0o022));
    // A session without a terminal: TIOCSTI and TIOCLINUX have nothing to act on.
    rustix::process::setsid()?;
    rustix::system::sethostname(b"sandbox")?;
    Ok(())
}

/// Layer `limits`.
pub(super) fn limit(policy: &Policy) -> Result<(), LayerError> {
    let Limits { cpu_s, address_space, file_bytes, open_files, processes } = policy.limits;
    let limits = [
        (Resource::Cpu, cpu_s),
        (Resource::As, address_space),
        (Resource::Fsize, file_bytes),
        (Resource::Nofile, open_files),
        (Resource::Nproc, processes),
        (Resource::Core, 0),
        (Resource::Memlock, 1024 * 1024),
        (Resource::Msgqueue, 0),
        (Resource::Rtprio, 0),
        (Resource::Nice, 0),
        (Resource::Sigpending, 1024),
    ];
    for (resource, value) in limits {
        let wanted = Rlimit { current: Some(value), maximum: Some(value) };
        rustix::process::setrlimit(resource, wanted)
            .map_err(|e| format!("{resource:?} = {value}: {e}"))?;
    }
    Ok(())
}

/// Layer `account`: bounding set, groups, ids, capabilities, no_new_privs, in the order in which
/// each step still has what it needs.
pub(super) fn drop_privileges(policy: &Policy) -> Result<(), LayerError> {
    for capability in CapabilitySet::all().iter() {
        // Kernels older than the newest capability answer EINVAL for it: there is nothing to drop.
        match rustix::thread::remove_capability_from_bounding_set(capability) {
            Ok(()) | Err(rustix::io::Errno::INVAL) => {}
            Err(e) => return Err(format!("bounding set: {e}").into()),
        }
    }
    rustix::thread::clear_ambient_capability_set()?;
    if let Some(account) = policy.account {
        sys::become_account(account.uid, account.gid)?;
    }
    let nothing = CapabilitySet::empty();
    let sets = CapabilitySets { effective: nothing, permitted: nothing, inheritable: nothing };
    rustix::thread::set_capabilities(None, sets)?;
    // What the payload makes is for its own account and the run's group.
    rustix::process::umask(Mode::from_raw_mode(0o027));
    // A change of uid clears both of these.
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    rustix::thread::set_no_new_privs(true)?;
    Ok(())
}
