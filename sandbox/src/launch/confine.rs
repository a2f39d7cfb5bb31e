//! The layers `landlock` and `seccomp` of the launcher.

use std::path::{Path, PathBuf};

use landlock::{AccessFs, BitFlags};

use super::{LayerError, account, tree};
use crate::policy::{Access, Node, Policy, Profile};
use crate::restrict::{self, Rule};
use crate::seccomp::{self, List};

/// Layer `landlock`: the file tree of the policy once more, as rights.
pub(super) fn landlock(policy: &Policy) -> Result<(), LayerError> {
    enter_domain(policy, policy.nested)
}

/// Layer `seccomp`.
pub(super) fn seccomp(policy: &Policy) -> Result<(), LayerError> {
    Ok(list(policy, policy.nested).install()?)
}

/// What a program of a display gets besides where others may bring a sandbox of their own: a Landlock
/// domain of its own, so that none can trace another or look into its memory, and unless it is one
/// of those (`nested`) exactly what it would have on a display without any.
pub(super) fn program(policy: &Policy, nested: bool) -> Result<(), LayerError> {
    enter_domain(policy, nested)?;
    if nested {
        return Ok(());
    }
    account::limit_address_space(false)?;
    Ok(list(policy, false).install()?)
}

fn enter_domain(policy: &Policy, nested: bool) -> Result<(), LayerError> {
    let mut rules = Vec::new();
    for (path, access) in policy.tree.iter().flat_map(|node| rights(node, nested)) {
        // Only a display needs sockets and pipes with a name.
        let access = match policy.profile {
            Profile::Application => access,
            Profile::Script | Profile::Desktop => {
                access & !(AccessFs::MakeSock | AccessFs::MakeFifo)
            }
        };
        rules.push(Rule { path: tree::open_path(&path)?, access });
    }
    Ok(restrict::landlock(rules, policy.proxy.as_slice())?)
}

fn list(policy: &Policy, nested: bool) -> List {
    match (policy.profile, policy.proxy.is_some(), nested) {
        (Profile::Script, ..) => seccomp::SCRIPT,
        (Profile::Application, false, false) => seccomp::APPLICATION,
        (Profile::Application, true, false) => seccomp::APPLICATION_ONLINE,
        (Profile::Application, false, true) => seccomp::NESTED,
        (Profile::Application, true, true) => seccomp::NESTED_ONLINE,
        (Profile::Desktop, ..) => seccomp::START,
    }
}

/// The rights a node of the tree gives.
fn rights(node: &Node, nested: bool) -> Vec<(PathBuf, BitFlags<AccessFs>)> {
    match node {
        Node::Bind { target, access, .. } => vec![(target.clone(), restrict::rights(*access))],
        Node::Tmpfs { target, .. } => {
            vec![(target.clone(), restrict::rights(Access::ReadWrite))]
        }
        Node::File { target, .. } => vec![(target.clone(), restrict::rights(Access::Read))],
        Node::Link { .. } => Vec::new(),
        Node::Dev { ptys } => {
            let device = AccessFs::ReadFile | AccessFs::WriteFile;
            let mut list = vec![(PathBuf::from("/dev"), device | AccessFs::ReadDir)];
            let shm = restrict::rights(Access::ReadWrite);
            list.push((Path::new("/dev/shm").to_path_buf(), shm));
            if *ptys {
                list.push((PathBuf::from("/dev/pts"), device | AccessFs::IoctlDev));
            }
            list
        }
        Node::Proc => {
            // A user namespace is of use when its ids are written, to /proc/self/uid_map.
            let write = if nested { AccessFs::WriteFile.into() } else { BitFlags::EMPTY };
            vec![(PathBuf::from("/proc"), restrict::rights(Access::Read) | write)]
        }
    }
}
