//! The layers about the process itself: session, limits, account, capabilities.

use rustix::fs::Mode;
use rustix::process::{DumpableBehavior, Resource, Rlimit, Signal};
use rustix::thread::{CapabilitySet, CapabilitySets};

use super::LayerError;
use crate::policy::{Control, Limits, Policy};
use crate::sys;

/// Address space no program of ours comes near. Node and Go reserve far more than they use, so it
/// is not what bounds memory.
const FAR: u64 = 1 << 40;
/// The same for a browser: V8 alone reserves 1 TiB for its own sandbox, one for each process.
const FARTHER: u64 = 1 << 44;
/// No core dump, by a file or by a program. The kernel runs a program named in core_pattern also where
/// the limit is 0, as root and outside; 1 alone keeps it from that (core(5); fs/coredump.c).
pub(super) const NO_CORE: u64 = 1;
/// Without an account of its own a tree shares the count of processes with the rest of the run.
const SAME_USER: u64 = 64;

/// Layer `process`.
pub(super) fn detach(_: &Policy) -> Result<(), LayerError> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    sys::reset_signals()?;
    // The tree of the next layer is made to be read by the account that is taken on later.
    rustix::process::umask(Mode::from_raw_mode(0o022));
    // A session without a terminal: TIOCSTI and TIOCLINUX have nothing to act on.
    rustix::process::setsid()?;
    rustix::system::sethostname(b"sandbox").map_err(|e| format!("host name: {e}"))?;
    // Its own cgroup is all it sees of them.
    sys::unshare_cgroups().map_err(|e| format!("cgroup namespace: {e}"))?;
    Ok(())
}

/// Layer `limits`.
pub(super) fn limit(policy: &Policy) -> Result<(), LayerError> {
    let Limits { cpu_s, memory_bytes, file_bytes, open_files, processes, .. } = policy.limits;
    let (data, others) = match (&policy.control, policy.account) {
        (Control::Cgroup { .. }, Some(_)) => (FAR, 0),
        (Control::Cgroup { .. }, None) => (FAR, SAME_USER),
        (Control::ProcessLimits { .. }, Some(_)) => (memory_bytes, 0),
        (Control::ProcessLimits { .. }, None) => (memory_bytes, SAME_USER),
    };
    let limits = [
        (Resource::Cpu, cpu_s),
        (Resource::Data, data),
        (Resource::Fsize, file_bytes),
        (Resource::Nofile, open_files),
        (Resource::Nproc, processes + others),
        (Resource::Core, NO_CORE),
        (Resource::Memlock, 1024 * 1024),
        (Resource::Msgqueue, 0),
        (Resource::Rtprio, 0),
        (Resource::Nice, 0),
        (Resource::Sigpending, 1024),
    ];
    for (resource, value) in limits {
        // At the first of them the kernel says why it kills (SIGXCPU), at the other it kills
        // (setrlimit(2)); where both are one, nobody learns why.
        let more = u64::from(resource == Resource::Cpu);
        let wanted = Rlimit { current: Some(value), maximum: Some(value.saturating_add(more)) };
        rustix::process::setrlimit(resource, wanted)
            .map_err(|e| format!("{resource:?} = {value}: {e}"))?;
    }
    limit_address_space(policy.nested)
}

/// Bounds the address space of this process and of what it starts.
pub(super) fn limit_address_space(nested: bool) -> Result<(), LayerError> {
    let bytes = Some(if nested { FARTHER } else { FAR });
    rustix::process::setrlimit(Resource::As, Rlimit { current: bytes, maximum: bytes })
        .map_err(|e| format!("address space = {bytes:?}: {e}").into())
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
