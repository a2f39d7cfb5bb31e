//! What a process of ours puts on itself once it has opened what it needs: Landlock, seccomp,
//! no_new_privs, not dumpable. Also the Landlock part of the launcher, which is the same.
//!
//! Nothing is best effort: the ABI is pinned, and a ruleset that is not fully in force is an error.

use std::os::fd::OwnedFd;

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, NetPort, PathBeneath,
    Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetStatus, Scope,
};
use rustix::process::DumpableBehavior;

use crate::policy::Access;
use crate::seccomp::{List, SeccompError};

/// The Landlock ABI everything is built for: Linux 6.12.
const PINNED: ABI = ABI::V6;

/// What the C library reads to look up a name.
pub const RESOLVER_FILES: [&str; 6] = [
    "/etc/gai.conf",
    "/etc/host.conf",
    "/etc/hosts",
    "/etc/nsswitch.conf",
    "/etc/resolv.conf",
    "/etc/services",
];

/// Why a restriction is not in force.
#[derive(Debug, thiserror::Error)]
pub enum RestrictError {
    /// The kernel's Landlock is missing, too old, or refused the ruleset.
    #[error("Landlock ABI 6 cannot be put in force: {0}")]
    Landlock(#[from] landlock::RulesetError),
    /// Landlock answered, but not with everything.
    #[error("Landlock is only partly in force; Linux 6.12 or later is needed")]
    Partial,
    /// A path of the rules cannot be opened.
    #[error("{path} cannot be opened for a Landlock rule: {source}")]
    Path {
        /// Which one.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The filter.
    #[error(transparent)]
    Seccomp(#[from] SeccompError),
    /// prctl(2) refused.
    #[error("the process could not be made undumpable: {0}")]
    Process(#[from] rustix::io::Errno),
}

/// A right on everything below a path.
#[derive(Debug)]
pub struct Rule {
    /// The path, opened with `O_PATH`.
    pub path: OwnedFd,
    /// The rights.
    pub access: BitFlags<AccessFs>,
}

/// Proof that the process is restricted; only [`apply`] makes one.
#[derive(Debug)]
pub struct Restricted(());

/// The Landlock rights behind an [`Access`].
#[must_use]
pub fn rights(access: Access) -> BitFlags<AccessFs> {
    let read = AccessFs::ReadFile | AccessFs::ReadDir;
    match access {
        Access::Read => read,
        Access::ReadExecute => read | AccessFs::Execute,
        Access::ReadWrite => {
            let never =
                AccessFs::Execute | AccessFs::MakeChar | AccessFs::MakeBlock | AccessFs::IoctlDev;
            AccessFs::from_all(PINNED) & !never
        }
    }
}

/// Puts Landlock in force for this thread: the rules for files, TCP connections to `ports` alone
/// and no listening, no abstract unix socket and no signal to anybody outside.
///
/// # Errors
/// See [`RestrictError`].
pub fn landlock(rules: Vec<Rule>, ports: &[u16]) -> Result<(), RestrictError> {
    let mut ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_all(PINNED))?
        .handle_access(AccessNet::from_all(PINNED))?
        .scope(Scope::from_all(PINNED))?
        .create()?;
    for Rule { path, access } in rules {
        let stat = rustix::fs::fstat(&path)?;
        let is_directory = rustix::fs::FileType::from_raw_mode(stat.st_mode).is_dir();
        let fitting = if is_directory { access } else { access & AccessFs::from_file(PINNED) };
        ruleset = ruleset.add_rule(PathBeneath::new(path, fitting))?;
    }
    for port in ports {
        ruleset = ruleset.add_rule(NetPort::new(*port, AccessNet::ConnectTcp))?;
    }
    let status = ruleset.restrict_self()?;
    if status.ruleset != RulesetStatus::FullyEnforced || !status.no_new_privs {
        return Err(RestrictError::Partial);
    }
    Ok(())
}

/// Restricts this process: only `paths` remain reachable, only the calls of `list`.
///
/// Call it before the first thread is started: Landlock restricts the calling thread and what it
/// starts later.
///
/// # Errors
/// See [`RestrictError`]. The caller must end the process.
pub fn apply(
    list: List,
    paths: &[(&std::path::Path, Access)],
) -> Result<Restricted, RestrictError> {
    apply_with_ports(list, paths, &[])
}

/// Like [`apply`], and TCP connections to `ports` remain possible.
///
/// # Errors
/// See [`RestrictError`]. The caller must end the process.
pub fn apply_with_ports(
    list: List,
    paths: &[(&std::path::Path, Access)],
    ports: &[u16],
) -> Result<Restricted, RestrictError> {
    use rustix::fs::{Mode, OFlags};
    // Our processes make files and directories only.
    let foreign = AccessFs::MakeSock | AccessFs::MakeFifo | AccessFs::MakeSym;
    let mut rules = Vec::new();
    for (path, access) in paths {
        let fd = rustix::fs::open(*path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty());
        let fd = fd.map_err(|e| RestrictError::Path {
            path: path.display().to_string(),
            source: e.into(),
        })?;
        rules.push(Rule { path: fd, access: rights(*access) & !foreign });
    }
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    landlock(rules, ports)?;
    list.install()?;
    Ok(Restricted(()))
}
